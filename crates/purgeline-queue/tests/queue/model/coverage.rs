//! What the model knows of coverage: what becomes of the items below a dir that waits.

use super::{
    purge::{Ended, Purge},
    queue_model::{QueueModel, is_covered_by},
    snapshot::Snapshot,
    step::Held,
};
use purgeline_core::{Kind, Priority};

/// An item waits for a dir for so long at most, in ms.
pub(crate) const COVERED_MS: i64 = 3_600_000;

/// What the items of one coverage wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cover {
    /// This dir, which stands in its lane.
    Waits(String),
    /// The dir that a batch has at this place.
    Sent { batch: String, index: u32 },
    /// What another coverage waits for: the dir is covered itself.
    Within(String),
    /// Nothing: the dir was purged, by a call that began after this step, and they are to be settled.
    Done(u64),
    /// Nothing: they are to return to their lanes.
    Released,
}

impl QueueModel {
    /// What a coverage's items wait for in the end.
    fn end_of(&self, id: &str) -> Option<&Cover> {
        match self.covers.get(id) {
            Some(Cover::Within(whole)) => self.end_of(whole),
            cover => cover,
        }
    }

    /// The coverage of a dir that stands in its lane, if it has one.
    pub(super) fn cover_of(&self, dir: &str) -> Option<String> {
        let its = |cover: &Cover| matches!(cover, Cover::Waits(name) if name == dir);
        self.covers.iter().find(|(_, cover)| its(cover)).map(|(id, _)| id.clone())
    }

    /// The same, or a new one. What that is called is not known until it is looked for.
    pub(super) fn cover_by(&mut self, dir: &str) -> String {
        self.cover_of(dir).unwrap_or_else(|| {
            let id = format!("new {dir}");
            self.covers.insert(id.clone(), Cover::Waits(dir.to_owned()));
            id
        })
    }

    /// Gives new coverages the ids under which they are found.
    pub(super) fn name_covers(&mut self, found: &Snapshot) -> Result<(), String> {
        let new: Vec<_> = self.covers.keys().filter(|id| id.starts_with("new ")).cloned().collect();
        for old in new {
            let Some(Cover::Waits(dir)) = self.covers.remove(&old) else { continue };
            let id = found.open_covers.iter().find(|(_, open)| **open == dir).map(|(id, _)| id.clone());
            let id = id.ok_or(format!("{dir} covers something, but has no coverage"))?;
            if self.covers.insert(id.clone(), Cover::Waits(dir)).is_some() {
                return Err(format!("coverage {id} was given twice"));
            }
            for purge in self.pending.values_mut().filter(|purge| purge.covered.as_ref() == Some(&old)) {
                purge.covered = Some(id.clone());
            }
        }
        Ok(())
    }

    /// Whether a dir stands in its lane, and goes no later than something of this priority would.
    pub(super) fn offers(&self, dir: &str, priority: Priority) -> bool {
        self.pending.get(dir).is_some_and(|purge| purge.due.is_none() && purge.priority <= priority)
    }

    /// The dirs that wait, go no later than the item would, and cover it; the widest first.
    pub(super) fn covering_all(&self, name: &str, priority: Priority, now: i64) -> Vec<String> {
        if self.held(Held::Kind(Kind::Dir), now) {
            return Vec::new();
        }
        let covers = |dir: &&String| is_covered_by(name, dir) && self.offers(dir, priority);
        let mut dirs: Vec<_> = self.pending.keys().filter(covers).cloned().collect();
        dirs.sort_by_key(String::len);
        dirs
    }

    /// A request has joined an item: it waits for no dir that was leased before, or that goes later.
    pub(super) fn join_covered(&mut self, name: &str) {
        let Some(purge) = self.pending.get(name) else { return };
        let Some(id) = &purge.covered else { return };
        let offered = match self.covers.get(id) {
            Some(Cover::Waits(dir)) => self.offers(dir, purge.priority) && !self.pending[dir].stopped,
            _ => false,
        };
        if !offered && let Some(purge) = self.pending.get_mut(name) {
            purge.uncover();
        }
    }

    /// The dir at this place in a batch ended, well or not. Gives whether it covered something.
    pub(super) fn end_cover(&mut self, id: &str, place: u32, end: &Cover) -> bool {
        let sent = Cover::Sent { batch: id.to_owned(), index: place };
        let mut any = false;
        for cover in self.covers.values_mut().filter(|cover| **cover == sent) {
            *cover = end.clone();
            any = true;
        }
        any
    }

    /// Dirs that do not stand in their lanes any more cover nothing.
    pub(super) fn let_covers_go(&mut self) {
        for cover in self.covers.values_mut() {
            if let Cover::Waits(dir) = cover
                && self.pending.get(dir).is_none_or(|purge| purge.due.is_some())
            {
                *cover = Cover::Released;
            }
        }
    }

    /// The items that are to return to their lanes, with their coverages.
    pub(super) fn released(&self) -> Vec<(String, String)> {
        let covered = self.pending.iter().filter_map(|(name, purge)| Some((name, purge.covered.as_ref()?)));
        let released = covered.filter(|(_, id)| self.end_of(id) == Some(&Cover::Released));
        released.map(|(name, id)| (name.clone(), id.clone())).collect()
    }

    /// Items that have returned to their lanes, as found.
    pub(super) fn uncover(&mut self, found: &Snapshot) {
        for (name, id) in self.released() {
            let there = found.pending.get(&name).and_then(|record| record.covered.as_ref());
            if there != Some(&id)
                && let Some(purge) = self.pending.get_mut(&name)
            {
                purge.uncover();
            }
        }
    }

    /// What is found of coverage after a step. What was purged with a dir is settled when it is gone.
    pub(super) fn see_covers(&mut self, found: &Snapshot, now: i64) -> Result<(), String> {
        self.name_covers(found)?;
        self.let_covers_go();
        self.uncover(found);
        for (name, purge) in &mut self.pending {
            let stopped = found.pending.get(name).is_some_and(|record| record.stopped);
            if stopped && !purge.stopped {
                return Err(format!("{name} was found to be stopped, but not by a lease"));
            }
            purge.stopped = stopped;
        }
        self.settle_covered(found, now)
    }

    fn settle_covered(&mut self, found: &Snapshot, now: i64) -> Result<(), String> {
        let mut gone = Vec::new();
        for (name, purge) in self.pending.iter().filter(|(name, _)| !found.pending.contains_key(*name)) {
            if let Some(Cover::Done(leased)) = purge.covered.as_ref().and_then(|id| self.end_of(id)) {
                gone.push((name.clone(), *leased));
            }
        }
        for (name, leased) in gone {
            let units = self.pending.remove(&name).map(|purge| purge.units).unwrap_or_default();
            for unit in units {
                if unit.asked >= leased {
                    return Err(format!("{name}: {unit:?} came after the lease {leased} of its dir"));
                }
                let Some(part) = self.parts.get_mut(&unit.job) else { continue };
                // What had expired was found before, but for what stands behind others in a long list.
                let known = part.count(Ended::Expired) + part.count(Ended::Cancelled);
                let counted = found.cancelled(unit.job);
                let ended =
                    if unit.expired(now) && counted > known { Ended::Expired } else { Ended::Succeeded };
                if part.ended.insert(unit.index, ended).is_some() {
                    return Err(format!("{name}: {unit:?} was settled twice"));
                }
            }
        }
        Ok(())
    }

    /// Whether items are to be settled with a dir.
    pub(super) fn settles_covered(&self) -> bool {
        let mut ids = self.pending.values().filter_map(|purge| purge.covered.as_ref());
        ids.any(|id| matches!(self.end_of(id), Some(Cover::Done(_))))
    }
}

impl Purge {
    /// It waits for no dir any more.
    pub(super) fn uncover(&mut self) {
        (self.due, self.covered) = (None, None);
    }
}
