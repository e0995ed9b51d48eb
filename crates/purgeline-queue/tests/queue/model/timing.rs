//! What the model knows of requests that expire and of rebounds.

use super::{
    queue_model::{Ended, Purge, QueueModel, Unit},
    snapshot::{Record, Snapshot},
};
use purgeline_core::Priority;
use std::collections::BTreeSet;

impl QueueModel {
    /// What was purged for jobs is purged once more.
    pub(super) fn rebound(&mut self, name: String, priority: Priority, now: i64) {
        let Some(due) = self.rebound_ms.map(|ms| now + ms) else { return };
        let fresh = Purge {
            priority,
            attempts: 0,
            unanswered: 0,
            due: None,
            latest: None,
            under_way: false,
            covered: None,
            stopped: false,
            units: Vec::new(),
        };
        let purge = self.pending.entry(name).or_insert(fresh);
        if purge.units.is_empty() {
            (purge.due, purge.latest) = (Some(due), Some(due));
        }
    }

    /// Takes out what has expired and is found no more.
    pub(super) fn expire(&mut self, found: &Snapshot, now: i64) {
        self.expire_vanished(found, &BTreeSet::new(), now);
        self.expire_found(found, now);
    }

    /// Items that no job has a use for any more, and that neither wait nor were sent.
    pub(super) fn expire_vanished(&mut self, found: &Snapshot, sent: &BTreeSet<String>, now: i64) {
        let gone = self.pending.iter().filter(|(name, purge)| {
            purge.expired(now) && !found.pending.contains_key(*name) && !sent.contains(*name)
        });
        for name in gone.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
            for unit in self.pending.remove(&name).map(|purge| purge.units).unwrap_or_default() {
                self.end(unit);
            }
        }
    }

    /// Expired jobs that wait no longer where they did. In a hot item's list they may wait on.
    pub(super) fn expire_found(&mut self, found: &Snapshot, now: i64) {
        let mut ended = Vec::new();
        for (name, purge) in &mut self.pending {
            if let Some(there) = found.pending.get(name) {
                ended.extend(missing(purge, there, now));
            }
        }
        for (id, batch) in &mut self.batches {
            for (index, (_, purge)) in &mut batch.items {
                if let Some((_, there)) = found.batches.get(id).and_then(|batch| batch.items.get(index)) {
                    ended.extend(missing(purge, there, now));
                }
            }
        }
        for unit in ended {
            self.end(unit);
        }
    }

    fn end(&mut self, unit: Unit) {
        if let Some(part) = self.parts.get_mut(&unit.job) {
            part.ended.insert(unit.index, Ended::Expired);
        }
    }
}

/// Takes out of a purge those of its expired units that are not there any more.
fn missing(purge: &mut Purge, there: &Record, now: i64) -> Vec<Unit> {
    let mut gone = Vec::new();
    for unit in purge.units.clone() {
        let here = purge.units.iter().filter(|other| other.job == unit.job).count() as u64;
        let waits = there.waiting.get(&unit.job).copied().unwrap_or_default();
        if unit.expired(now) && here > waits {
            purge.units.retain(|other| *other != unit);
            gone.push(unit);
        }
    }
    gone
}
