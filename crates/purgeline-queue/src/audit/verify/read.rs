use super::walk::Walk;
use crate::{
    Keys, QueueError,
    redis::{
        keys::NamedKey,
        scan::{Cursor, PAGE, Scan},
        scripts,
    },
};
use redis::AsyncTypedCommands;
use std::collections::{BTreeMap, HashSet};

/// Keys that are read at once.
pub(super) const AT_ONCE: usize = 64;

impl Walk<'_> {
    pub(super) const fn keys(&self) -> &Keys {
        self.queue.keys()
    }

    /// Takes down the names of the target's batches, parts and lists of waiting jobs, and what dirs cover.
    pub(super) async fn names(&mut self) -> Result<(), QueueError> {
        let pattern = self.keys().pattern(self.target);
        let mut cursor = Cursor::default();
        while let Some(at) = cursor.next {
            let mut scan = self.queue.script(&scripts::SCAN, self.target);
            scan.arg(at).arg(&pattern).arg(PAGE);
            let (next, page) = self.queue.invoke(&scan).await?;
            for key in cursor.at(next, page, |key| key) {
                match self.keys().read(self.target, &key) {
                    Some(NamedKey::Batch(id)) => self.batches.insert(id.to_owned()),
                    Some(NamedKey::Part(id)) => self.parts.insert(id.to_owned()),
                    Some(NamedKey::Waiters(list)) => self.lists.insert(list.to_owned()),
                    Some(NamedKey::Covered(id)) => self.coverages.lists.insert(id.to_owned()),
                    Some(NamedKey::Covering(lane)) => self.coverages.lanes.insert(lane.to_owned()),
                    None => false,
                };
            }
        }
        Ok(())
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
