use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What a purge does to the cached copy, where the provider knows the difference.
///
/// A provider that knows only one way declares only [`Action::Default`]; the producer then
/// folds the others into it, so that they coalesce.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// What the provider, or the domain's setting there, does when nothing is said.
    #[default]
    Default,
    /// Mark stale: the next visit revalidates with the origin, and a 304 keeps the copy.
    Expire,
    /// Drop the copy: the next visit fetches it whole.
    Delete,
}

impl Action {
    /// All actions, in the order of their names in documents.
    pub const ALL: [Self; 3] = [Self::Default, Self::Expire, Self::Delete];

    /// The name used in configuration, Redis and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Expire => "expire",
            Self::Delete => "delete",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Action {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|action| action.as_str() == text)
            .ok_or_else(|| format!("\"{text}\" is not an action: use \"default\", \"expire\" or \"delete\""))
    }
}
