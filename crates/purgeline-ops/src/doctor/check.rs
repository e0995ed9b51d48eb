use serde::Serialize;
use std::fmt;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Good,
    /// It works, and may surprise one day.
    Warning,
    /// It must be mended.
    Bad,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at.
    #[serde(rename = "check")]
    pub name: String,
    /// How it came out.
    #[serde(rename = "verdict")]
    pub level: Level,
    /// What was found.
    #[serde(rename = "found")]
    pub text: String,
    /// What to do.
    #[serde(rename = "advice", skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Check {
    pub(super) fn good(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), level: Level::Good, text: text.into(), remedy: None }
    }

    pub(super) fn warning(
        name: impl Into<String>,
        text: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { level: Level::Warning, remedy: Some(remedy.into()), ..Self::good(name, text) }
    }

    pub(super) fn bad(name: impl Into<String>, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { level: Level::Bad, remedy: Some(remedy.into()), ..Self::good(name, text) }
    }

    /// A warning that Redis does not tell a setting, and what that must be.
    pub(super) fn not_told(name: String, error: &str, remedy: &str) -> Self {
        Self::warning(name, format!("it does not tell ({error})"), format!("see for yourself: {remedy}"))
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.text)?;
        match &self.remedy {
            Some(remedy) => write!(f, " - {remedy}"),
            None => Ok(()),
        }
    }
}
