//! The keys of all targets, a page at a time.

use super::walk::Walk;
use crate::{
    AuditQueue, Keys, QueueError, Topology,
    redis::{keys::NamedKey, scan::PAGE, scripts, store::Store},
};
use purgeline_core::Target;
use std::collections::BTreeMap;

/// A walk over all keys, for all targets at once. Redis looks at each key of a server once, in pages,
/// and may give a key more than once.
struct Keyspace<'a> {
    store: &'a Store,
    /// Patterns that are left, each with a target whose keys are on the server to ask.
    left: Vec<(&'a Target, String)>,
    cursor: u64,
    /// The place of each target, by the common beginning of its keys.
    places: BTreeMap<String, usize>,
}

impl<'a> Keyspace<'a> {
    fn of(store: &'a Store, targets: &'a [Target]) -> Self {
        let keys = store.keys();
        let places = targets.iter().enumerate().map(|(at, target)| (keys.target(target), at)).collect();
        let of_account = |target: &'a Target| (keys.pattern_of_account(target), target);
        let accounts: BTreeMap<_, _> = targets.iter().map(of_account).collect();
        let mut left: Vec<_> = accounts.into_iter().map(|(pattern, target)| (target, pattern)).collect();
        // Only in a cluster do accounts lie on servers of their own.
        if !matches!(store.topology(), Topology::Cluster(_)) {
            left.truncate(1);
            left.iter_mut().for_each(|(_, pattern)| *pattern = keys.pattern_of_accounts());
        }
        Self { store, left, cursor: 0, places }
    }

    /// The next keys, maybe none in the middle of the walk; `None` at its end.
    async fn next(&mut self) -> Result<Option<Vec<String>>, QueueError> {
        let Some((target, pattern)) = self.left.last() else { return Ok(None) };
        let mut scan = self.store.script(&scripts::SCAN, target);
        scan.arg(self.cursor).arg(pattern).arg(PAGE);
        let (next, page) = self.store.invoke(&scan).await?;
        self.cursor = next;
        if next == 0 {
            self.left.pop();
        }
        Ok(Some(page))
    }

    /// The place of the target whose key this is, and what it names; `None` if it is none of these
    /// targets, or names nothing.
    fn read<'k>(&self, key: &'k str) -> Option<(usize, NamedKey<'k>)> {
        let (base, named) = Keys::read_any(key)?;
        Some((*self.places.get(base)?, named))
    }
}

impl AuditQueue {
    /// Writes down the names of the batches, lists of waiting jobs and coverages of each target: what
    /// waits, and nothing that has ended.
    pub(super) async fn read_names(
        &self,
        targets: &[Target],
        walks: &mut [Walk<'_>],
    ) -> Result<(), QueueError> {
        let mut keys = Keyspace::of(&self.store, targets);
        while let Some(page) = keys.next().await? {
            for (at, named) in page.iter().filter_map(|key| keys.read(key)) {
                let walk = &mut walks[at];
                match named {
                    NamedKey::Batch(id) => walk.batches.insert(id.to_owned()),
                    NamedKey::Waiters(list) => walk.lists.insert(list.to_owned()),
                    NamedKey::Covered(id) => walk.coverages.lists.insert(id.to_owned()),
                    NamedKey::Covering(lane) => walk.coverages.lanes.insert(lane.to_owned()),
                    NamedKey::Part(_) => false,
                };
            }
        }
        Ok(())
    }

    /// Looks at each job's part of each target, a page at a time; to be called when all waiting items
    /// have been counted.
    pub(super) async fn read_parts(
        &self,
        targets: &[Target],
        walks: &mut [Walk<'_>],
    ) -> Result<(), QueueError> {
        let mut keys = Keyspace::of(&self.store, targets);
        while let Some(page) = keys.next().await? {
            let mut parts: BTreeMap<usize, Vec<String>> = BTreeMap::new();
            for (at, named) in page.iter().filter_map(|key| keys.read(key)) {
                if let NamedKey::Part(id) = named {
                    parts.entry(at).or_default().push(id.to_owned());
                }
            }
            for (at, ids) in parts {
                walks[at].parts(&ids).await?;
            }
        }
        Ok(())
    }
}
