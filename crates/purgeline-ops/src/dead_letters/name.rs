use purgeline_core::{TargetName, TargetNameError};
use std::{fmt, str::FromStr};
use thiserror::Error;

/// A dead letter's name over all targets: `TARGET/ID`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterName {
    /// The target that it failed at.
    pub target: TargetName,
    /// Its id there.
    pub id: String,
}

/// A text that names no dead letter.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LetterNameError {
    /// It has not both parts.
    #[error("expected TARGET/ID, as `purgeline dead list` names it")]
    Parts,
    /// Its target can have no such name.
    #[error(transparent)]
    Target(#[from] TargetNameError),
}

impl FromStr for LetterName {
    type Err = LetterNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (target, id) =
            text.split_once('/').filter(|(_, id)| !id.is_empty()).ok_or(LetterNameError::Parts)?;
        Ok(Self { target: target.parse()?, id: id.to_owned() })
    }
}

impl fmt::Display for LetterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.target, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_named_by_target_and_id() {
        let name: LetterName = "www/b17-3".parse().unwrap();
        assert_eq!((name.target.as_str(), name.id.as_str()), ("www", "b17-3"));
        assert_eq!(name.to_string(), "www/b17-3");
        for bad in ["b17-3", "www/", "/b17-3", "W/b1"] {
            assert!(bad.parse::<LetterName>().is_err(), "{bad}");
        }
    }
}
