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

#[cfg(test)]
mod tests {
    use super::*;
    use purgeline_core::{Cause, Class};

    fn letter(id: &str, item: &str, code: &str, failed_at_ms: i64) -> DeadLetter {
        DeadLetter {
            id: id.to_owned(),
            item: item.to_owned(),
            lane: "normal/url".to_owned(),
            cause: Cause::new(Class::ItemDead, code, "no"),
            attempts: 1,
            batch: "b1".to_owned(),
            jobs: Vec::new(),
            more_jobs: false,
            since_ms: 0,
            failed_at_ms,
        }
    }

    /// Value, count, oldest, newest and example of each group.
    fn groups(by: GroupBy, most: usize) -> Vec<(String, u64, i64, i64, String)> {
        let mut counting = Counting::new(by);
        let (www, video) = ("www".parse().unwrap(), "video".parse().unwrap());
        counting.add(&www, &letter("b1-0", "url:https://a.example.com/x", "http-400", 20));
        counting.add(&www, &letter("b1-1", "url:https://b.example.com/x", "http-503", 30));
        counting.add(&video, &letter("b1-0", "url:https://b.example.com/y", "http-503", 10));
        counting.add(&video, &letter("b2-0", "lost", "http-503", 40));
        let groups = counting.finish(most).groups.into_iter();
        groups
            .map(|group| (group.value, group.count, group.oldest_ms, group.newest_ms, group.example.letter))
            .collect()
    }

    #[test]
    fn dead_letters_are_grouped_biggest_group_first() {
        let group = |value: &str, count, oldest, newest, example: &str| {
            (value.to_owned(), count, oldest, newest, example.to_owned())
        };
        assert_eq!(
            groups(GroupBy::Cause, 20),
            [group("http-503", 3, 10, 40, "video/b2-0"), group("http-400", 1, 20, 20, "www/b1-0")]
        );
        assert_eq!(
            groups(GroupBy::Host, 20),
            [
                group("b.example.com", 2, 10, 30, "www/b1-1"),
                group("-", 1, 40, 40, "video/b2-0"),
                group("a.example.com", 1, 20, 20, "www/b1-0"),
            ]
        );
        assert_eq!(groups(GroupBy::Target, 1), [group("video", 2, 10, 40, "video/b2-0")]);
    }
}
