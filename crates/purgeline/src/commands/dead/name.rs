use purgeline_core::TargetName;
use std::{fmt, str::FromStr};

/// A dead letter's name over all targets: `TARGET/ID`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LetterName {
    pub(super) target: TargetName,
    pub(super) id: String,
}

impl FromStr for LetterName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (target, id) = text
            .split_once('/')
            .filter(|(_, id)| !id.is_empty())
            .ok_or("expected TARGET/ID, as `purgeline dead list` names it")?;
        let target = target.parse().map_err(|error: purgeline_core::TargetNameError| error.to_string())?;
        Ok(Self { target, id: id.to_owned() })
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
