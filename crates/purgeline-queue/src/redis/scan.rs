//! Reading what may be of any size, a page at a time.

use crate::{QueueError, redis::store::Store};
use std::{
    collections::{HashSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
};

/// Keys, fields or entries of one answer of Redis.
pub(crate) const PAGE: usize = 1_000;

/// What stands for a text where millions are remembered.
pub(crate) fn print_of(text: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Reads a hash or a sorted set of any size, a page at a time; gives each member once, though Redis
/// may tell of it twice.
pub(crate) struct Scan {
    command: redis::Cmd,
    cursor: Cursor,
}

/// How far a scan has come.
struct Cursor {
    next: Option<u64>,
    given: HashSet<u64>,
}

impl Scan {
    /// The fields and values of a hash.
    pub(crate) fn hash(key: &str) -> Self {
        Self::over("HSCAN", key)
    }

    /// The members and scores of a sorted set.
    pub(crate) fn sorted(key: &str) -> Self {
        Self::over("ZSCAN", key)
    }

    fn over(command: &str, key: &str) -> Self {
        let mut command = redis::cmd(command);
        command.arg(key);
        Self { command, cursor: Cursor::default() }
    }

    /// The next page; `None` after the last.
    pub(crate) async fn next(&mut self, store: &Store) -> Result<Option<Vec<(String, String)>>, QueueError> {
        let Some(cursor) = self.cursor.next else { return Ok(None) };
        let mut scan = self.command.clone();
        scan.arg(cursor).arg("COUNT").arg(PAGE);
        let (next, page) = scan.query_async(&mut store.manager()).await?;
        Ok(Some(self.cursor.at(next, page, |(name, _): &(String, String)| name)))
    }
}

impl Default for Cursor {
    fn default() -> Self {
        Self { next: Some(0), given: HashSet::new() }
    }
}

impl Cursor {
    /// Takes a page, without what was given before.
    fn at<T>(&mut self, next: u64, mut page: Vec<T>, name: impl Fn(&T) -> &String) -> Vec<T> {
        self.next = (next > 0).then_some(next);
        page.retain(|member| self.given.insert(print_of(name(member).as_str())));
        page
    }
}
