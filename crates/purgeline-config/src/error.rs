use purgeline_providers::TargetError;
use std::fmt;
use thiserror::Error;

/// A configuration that cannot be used: everything that is wrong with it, as far as one look
/// tells. Never holds a value of a key that may be secret.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct ConfigError(Vec<Problem>);

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key's whole path; empty: a file as a whole.
    key: String,
    /// The file or environment variable that it stands in, where that is known.
    origin: Option<String>,
    /// What is wrong, what was expected.
    text: String,
}

impl ConfigError {
    /// `Err` if there are any problems.
    pub(super) fn unless_empty(problems: Vec<Problem>) -> Result<(), Self> {
        if problems.is_empty() { Ok(()) } else { Err(Self(problems)) }
    }
}

impl From<Problem> for ConfigError {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl Problem {
    /// A problem with a key.
    pub(super) fn of_key(key: impl Into<String>, origin: Option<&str>, text: impl Into<String>) -> Self {
        Self { key: key.into(), origin: origin.map(str::to_owned), text: text.into() }
    }

    /// A target that its provider cannot work with. The error names the key, and no values.
    pub(super) fn of_target(error: &TargetError) -> Self {
        Self { key: String::new(), origin: None, text: error.to_string() }
    }

    /// A problem with a file or variable as a whole.
    pub(super) fn of_source(origin: impl Into<String>, text: impl Into<String>) -> Self {
        Self { key: String::new(), origin: Some(origin.into()), text: text.into() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            if at > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&*self.key, &self.origin) {
            ("", Some(origin)) => write!(f, "{origin}: ")?,
            ("", None) => {}
            (key, Some(origin)) => write!(f, "{key} (in {origin}): ")?,
            (key, None) => write!(f, "{key}: ")?,
        }
        f.write_str(&self.text)
    }
}
