use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// How soon a job's items go out, before those of a later priority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// Goes first, never lingers for company, and may use a quota's reserve.
    Urgent,
    /// A page that was published.
    #[default]
    Normal,
    /// A migration, a re-tag, a whole section: goes when nothing else waits.
    Bulk,
}

impl Priority {
    /// All priorities, the one that goes first first.
    pub const ALL: [Self; 3] = [Self::Urgent, Self::Normal, Self::Bulk];

    /// The name used in configuration, Redis and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::Normal => "normal",
            Self::Bulk => "bulk",
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Priority {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|priority| priority.as_str() == text)
            .ok_or_else(|| format!("\"{text}\" is not a priority: use \"urgent\", \"normal\" or \"bulk\""))
    }
}
