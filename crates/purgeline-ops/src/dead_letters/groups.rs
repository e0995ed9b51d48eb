use purgeline_core::{Item, TargetName};
use purgeline_queue::DeadLetter;
use serde::Serialize;
use std::collections::BTreeMap;

/// What dead letters have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupBy {
    /// The code of their cause.
    Cause,
    /// The host of their item.
    Host,
    /// The target that they failed at.
    Target,
}

/// Dead letters counted by what they have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeadLetterGroups {
    /// What that is.
    pub by: GroupBy,
    /// The groups, the biggest first.
    pub groups: Vec<DeadLetterGroup>,
}

/// Dead letters that have it in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeadLetterGroup {
    /// The code, host or target; `-` for the host of an item that has none.
    pub value: String,
    /// How many they are.
    pub count: u64,
    /// When the first of those that are kept failed, in milliseconds since 1970.
    pub oldest_ms: i64,
    /// When the last one failed.
    pub newest_ms: i64,
    /// One of the newest.
    pub example: DeadLetterExample,
}

/// A dead letter in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeadLetterExample {
    /// Its name: `TARGET/ID`.
    pub letter: String,
    /// Its item's name.
    pub item: String,
    /// The provider's words.
    pub message: String,
}

impl GroupBy {
    /// As it is written: `cause`, `host`, `target`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cause => "cause",
            Self::Host => "host",
            Self::Target => "target",
        }
    }
}

/// Counts letters as they come.
#[derive(Debug)]
pub(super) struct Counting {
    by: GroupBy,
    groups: BTreeMap<String, DeadLetterGroup>,
}

impl Counting {
    pub(super) const fn new(by: GroupBy) -> Self {
        Self { by, groups: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, target: &TargetName, letter: &DeadLetter) {
        let value = match self.by {
            GroupBy::Cause => letter.cause.code.clone(),
            GroupBy::Target => target.to_string(),
            GroupBy::Host => {
                let host = Item::from_name(&letter.item).and_then(|(item, _)| item.host().map(str::to_owned));
                host.unwrap_or_else(|| "-".to_owned())
            }
        };
        let at = letter.failed_at_ms;
        let example = || DeadLetterExample {
            letter: format!("{target}/{}", letter.id),
            item: letter.item.clone(),
            message: letter.cause.message.clone(),
        };
        let group = self.groups.entry(value).or_insert_with_key(|value| DeadLetterGroup {
            value: value.clone(),
            count: 0,
            oldest_ms: at,
            newest_ms: at,
            example: example(),
        });
        group.count += 1;
        group.oldest_ms = group.oldest_ms.min(at);
        if at > group.newest_ms {
            group.newest_ms = at;
            group.example = example();
        }
    }

    /// The biggest groups first, at most `most`.
    pub(super) fn finish(self, most: usize) -> DeadLetterGroups {
        let mut groups: Vec<_> = self.groups.into_values().collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.count));
        groups.truncate(most);
        DeadLetterGroups { by: self.by, groups }
    }
}
