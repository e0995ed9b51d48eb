use super::walk::Walk;
use crate::{
    Keys, QueueError,
    redis::scan::{PAGE, Scan},
};
use redis::AsyncTypedCommands;
use std::collections::{BTreeMap, HashSet};

/// Keys that are read at once.
pub(super) const AT_ONCE: usize = 64;

impl Walk<'_> {
    pub(super) const fn keys(&self) -> &Keys {
        self.queue.keys()
    }

    /// The members of a sorted set that is never large: of lanes, or of batches.
    pub(super) async fn members(&self, key: &str) -> Result<HashSet<String>, QueueError> {
        let mut all = HashSet::new();
        let mut scan = Scan::sorted(key);
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
        Ok(self.queue.manager().hgetall(self.keys().stats(self.target)).await?.into_iter().collect())
    }
}
