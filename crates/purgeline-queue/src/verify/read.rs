use super::Walk;
use crate::{Queue, QueueError, scripts};
use redis::AsyncTypedCommands;
use std::{
    collections::{BTreeMap, HashSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
};

/// Keys that are read at once.
pub(super) const AT_ONCE: usize = 64;
/// Keys, fields or entries of one answer of Redis.
pub(super) const PAGE: usize = 1_000;

/// What stands for a text where millions are remembered.
pub(super) fn print_of(text: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Reads a hash or a sorted set of any size, a page at a time; gives each member once, though Redis
/// may tell of it twice.
pub(super) struct Scan {
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
    pub(super) fn hash(key: &str) -> Self {
        Self::over("HSCAN", key)
    }

    /// The members and scores of a sorted set.
    pub(super) fn sorted(key: &str) -> Self {
        Self::over("ZSCAN", key)
    }

    fn over(command: &str, key: &str) -> Self {
        let mut command = redis::cmd(command);
        command.arg(key);
        Self { command, cursor: Cursor::default() }
    }

    /// The next page; `None` after the last.
    pub(super) async fn next(&mut self, queue: &Queue) -> Result<Option<Vec<(String, String)>>, QueueError> {
        let Some(cursor) = self.cursor.next else { return Ok(None) };
        let mut scan = self.command.clone();
        scan.arg(cursor).arg("COUNT").arg(PAGE);
        let (next, page) = scan.query_async(&mut queue.manager()).await?;
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

impl Walk<'_> {
    pub(super) fn key(&self, what: &str) -> String {
        self.queue.keys().of_target(self.target, what)
    }

    /// Takes down the names of the target's batches, parts and lists of waiting jobs.
    pub(super) async fn names(&mut self) -> Result<(), QueueError> {
        let base = self.key("");
        let mut cursor = Cursor::default();
        while let Some(at) = cursor.next {
            let mut scan = self.queue.script(&scripts::SCAN, self.target);
            // A hash tag's braces are literal in a pattern; names hold none of its special characters.
            scan.arg(at).arg(format!("{base}*")).arg(PAGE);
            let (next, page) = self.queue.invoke(&scan).await?;
            for key in cursor.at(next, page, |key| key) {
                match key[base.len()..].split_once(':') {
                    Some(("batch", id)) => self.batches.insert(id.to_owned()),
                    Some(("job", id)) => self.parts.insert(id.to_owned()),
                    Some(("waiters", list)) => self.lists.insert(list.to_owned()),
                    _ => false,
                };
            }
        }
        Ok(())
    }

    /// The members of a sorted set that is never large: of lanes, or of batches.
    pub(super) async fn members(&self, what: &str) -> Result<HashSet<String>, QueueError> {
        let mut all = HashSet::new();
        let mut scan = Scan::sorted(&self.key(what));
        while let Some(page) = scan.next(self.queue).await? {
            all.extend(page.into_iter().map(|(member, _)| member));
        }
        Ok(all)
    }

    /// A page of a list, from this entry on; empty behind its end.
    pub(super) async fn page_of(&self, list: &str, from: usize) -> Result<Vec<String>, QueueError> {
        let from = isize::try_from(from).unwrap_or(isize::MAX);
        let last = from.saturating_add(isize::try_from(PAGE).unwrap_or(isize::MAX)) - 1;
        Ok(self.queue.manager().lrange(list, from, last).await?)
    }

    /// The numbers that the scripts keep for themselves.
    pub(super) async fn counters(&self) -> Result<BTreeMap<String, String>, QueueError> {
        Ok(self.queue.manager().hgetall(self.key("stats")).await?.into_iter().collect())
    }
}
