//! What the model knows of dead letters and of jobs that are cancelled.

use super::{
    purge::{Ended, Part, Purge, Unit},
    queue_model::QueueModel,
    snapshot::{Record, Snapshot},
};
use purgeline_core::{JobId, Priority};
use std::collections::BTreeMap;

/// An item that failed for good, and whom for.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) name: String,
    pub(crate) priority: Priority,
    pub(crate) units: Vec<Unit>,
}

impl QueueModel {
    /// Everything that takes room.
    pub(super) fn waiting(&self) -> usize {
        self.pending.len() + self.embargoed.len() + self.announced()
    }

    /// The item of a dead letter waits again, for those that are not being cancelled: their items
    /// are open again, and of use from now on whenever they go.
    pub(super) fn retry(&mut self, id: &str, now: i64, step: u64) {
        let Some(letter) = self.letters.remove(id) else { return };
        let mut units = Vec::new();
        for unit in letter.units {
            let Some(part) = self.parts.get_mut(&unit.job).filter(|part| part.cancelling.is_none()) else {
                continue;
            };
            part.ended.remove(&unit.index);
            units.push(Unit { asked: step, expires: None, ..unit });
        }
        let purge = Purge {
            priority: letter.priority,
            attempts: 0,
            unanswered: 0,
            due: None,
            latest: None,
            under_way: false,
            covered: None,
            stopped: false,
            units,
        };
        self.put_back(letter.name, purge, now, now);
    }

    /// A job is cancelled from now on: of what it announced nothing more comes.
    pub(super) fn refuse(&mut self, job: JobId, now: i64) {
        let Some(part) = self.parts.get_mut(&job) else {
            // That it was refused before it came is kept as a part of nothing.
            let nothing = Part { cancelled: true, ..Part::new(0, 0, now) };
            self.parts.insert(job, nothing);
            return;
        };
        (part.cancelled, part.cancelling) = (true, Some(now));
        part.ended.extend((part.enqueued..part.items).map(|index| (index, Ended::Cancelled)));
        part.enqueued = part.items;
    }

    /// Takes a job out of what waits as far as it is found there no more. Gives how many of its
    /// items that were, and how many records went.
    pub(super) fn withdraw(&mut self, job: JobId, found: &Snapshot) -> Result<(u64, u64), String> {
        let mut ended = Vec::new();
        let gone = leave(&mut self.pending, &found.pending, job, &mut ended)?
            + leave(&mut self.embargoed, &found.embargoed, job, &mut ended)?;
        let count = ended.len() as u64;
        if let Some(part) = self.parts.get_mut(&job) {
            part.ended.extend(ended.into_iter().map(|unit| (unit.index, Ended::Cancelled)));
        }
        Ok((count, gone))
    }

    /// Whether anything that is not in a call waits for this job.
    pub(super) fn waits_for(&self, job: JobId) -> bool {
        let mut purges = self.pending.values().chain(self.embargoed.values());
        purges.any(|purge| purge.units.iter().any(|unit| unit.job == job))
    }

    /// A part that has been counted to its end is not being cancelled any more.
    pub(super) fn see_ends(&mut self, found: &Snapshot) {
        for (job, part) in &mut self.parts {
            if found.parts.get(job).is_some_and(|part| part.state != "active") {
                part.cancelling = None;
            }
        }
    }
}

/// Takes a job out of records, as found. What nobody waits for any more goes, but for a rebound.
fn leave<K: Ord + Clone + std::fmt::Debug>(
    records: &mut BTreeMap<K, Purge>,
    found: &BTreeMap<K, Record>,
    job: JobId,
    ended: &mut Vec<Unit>,
) -> Result<u64, String> {
    let mut gone = Vec::new();
    for (key, purge) in records.iter_mut() {
        let there = found.get(key);
        let mut waits = there.and_then(|record| record.waiting.get(&job)).copied().unwrap_or_default();
        let before = purge.units.len();
        purge.units.retain(|unit| {
            let stays = unit.job != job || waits > 0;
            if unit.job == job {
                waits = waits.saturating_sub(1);
            }
            if !stays {
                ended.push(*unit);
            }
            stays
        });
        if purge.units.is_empty() && before > 0 {
            match there {
                None => gone.push(key.clone()),
                Some(record) if record.rebound => {}
                Some(_) => return Err(format!("nobody waits for {key:?} any more, but it stays")),
            }
        }
    }
    for key in &gone {
        records.remove(key);
    }
    Ok(gone.len() as u64)
}
