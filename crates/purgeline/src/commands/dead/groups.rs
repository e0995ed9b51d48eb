use crate::output::{Human, table};
use clap::ValueEnum;
use purgeline_ops::{DeadLetterGroup, DeadLetterGroups, GroupBy, text::Time};
use std::fmt;

/// What dead letters have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum By {
    /// The code of their cause
    Cause,
    /// The host of their item
    Host,
    /// The target that they failed at
    Target,
}

impl From<By> for GroupBy {
    fn from(by: By) -> Self {
        match by {
            By::Cause => Self::Cause,
            By::Host => Self::Host,
            By::Target => Self::Target,
        }
    }
}

impl fmt::Display for Human<'_, DeadLetterGroups> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.groups.is_empty() {
            return f.write_str("no dead letters");
        }
        let mut list = table(&[self.0.by.as_str(), "count", "newest", "oldest", "for example"]);
        for DeadLetterGroup { value, count, oldest_ms, newest_ms, example } in &self.0.groups {
            list.add_row([
                value.clone(),
                count.to_string(),
                Time(*newest_ms).to_string(),
                Time(*oldest_ms).to_string(),
                format!("{}  {}  {}", example.letter, example.item, example.message),
            ]);
        }
        f.write_str(&list.trim_fmt())
    }
}
