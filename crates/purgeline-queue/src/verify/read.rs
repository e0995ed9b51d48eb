use super::Walk;
use crate::{
    QueueError,
    scan::{Cursor, PAGE, Scan},
    scripts,
};
use redis::AsyncTypedCommands;
use std::collections::{BTreeMap, HashSet};

/// Keys that are read at once.
pub(super) const AT_ONCE: usize = 64;

impl Walk<'_> {
    pub(super) fn key(&self, what: &str) -> String {
        self.queue.keys().of_target(self.target, what)
    }

    /// Takes down the names of the target's batches, parts and lists of waiting jobs, and what dirs cover.
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
                    Some(("covered", id)) => self.coverages.lists.insert(id.to_owned()),
                    Some(("covering", lane)) => self.coverages.lanes.insert(lane.to_owned()),
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
