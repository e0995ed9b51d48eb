use crate::output::{Time, table};
use clap::ValueEnum;
use purgeline_core::{Item, TargetName};
use purgeline_queue::DeadLetter;
use serde::Serialize;
use std::{collections::BTreeMap, fmt};

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

/// Dead letters counted by what they have in common.
#[derive(Debug, Serialize)]
pub(super) struct Groups {
    by: &'static str,
    groups: Vec<Group>,
}

/// Dead letters that have it in common.
#[derive(Debug, Serialize)]
struct Group {
    value: String,
    count: u64,
    /// When the first of those that are kept failed, in milliseconds since 1970.
    oldest_ms: i64,
    /// When the last one failed.
    newest_ms: i64,
    /// One of the newest.
    example: Example,
}

#[derive(Debug, Serialize)]
struct Example {
    /// As `dead show` takes it.
    letter: String,
    item: String,
    message: String,
}

/// Counts letters as they come.
#[derive(Debug)]
pub(super) struct Counting {
    by: By,
    groups: BTreeMap<String, Group>,
}

impl Counting {
    pub(super) const fn new(by: By) -> Self {
        Self { by, groups: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, target: &TargetName, letter: &DeadLetter) {
        let value = match self.by {
            By::Cause => letter.cause.code.clone(),
            By::Target => target.to_string(),
            By::Host => {
                let host = Item::from_name(&letter.item).and_then(|(item, _)| item.host().map(str::to_owned));
                host.unwrap_or_else(|| "-".to_owned())
            }
        };
        let at = letter.failed_at_ms;
        let example = || Example {
            letter: format!("{target}/{}", letter.id),
            item: letter.item.clone(),
            message: letter.cause.message.clone(),
        };
        let group = self.groups.entry(value).or_insert_with_key(|value| Group {
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
    pub(super) fn finish(self, most: usize) -> Groups {
        let mut groups: Vec<_> = self.groups.into_values().collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.count));
        groups.truncate(most);
        let by = match self.by {
            By::Cause => "cause",
            By::Host => "host",
            By::Target => "target",
        };
        Groups { by, groups }
    }
}

impl fmt::Display for Groups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.groups.is_empty() {
            return f.write_str("no dead letters");
        }
        let mut list = table(&[self.by, "count", "newest", "oldest", "for example"]);
        for Group { value, count, oldest_ms, newest_ms, example } in &self.groups {
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
