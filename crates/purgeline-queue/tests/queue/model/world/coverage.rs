//! What a lease does to coverage.

use super::{Verdict, World};
use crate::model::{
    coverage::{COVERED_MS, Cover},
    queue_model::is_covered_by,
    snapshot::Snapshot,
    step::{At, Held},
};
use purgeline_core::{Kind, Priority};
use std::collections::{BTreeMap, BTreeSet};

impl World<'_> {
    /// Follows what waits from before a lease to what is found after it.
    pub(super) fn see_lease(&mut self, at: At, after: &Snapshot, sent: &BTreeSet<String>) -> Verdict {
        // The dirs that stood in their lanes at some moment.
        let mut stood = BTreeMap::<String, Priority>::new();
        loop {
            self.see_stopped(at, after)?;
            let model = &mut self.models[at];
            model.let_covers_go();
            model.uncover(after);
            let standing =
                model.pending.iter().filter(|(name, purge)| name.starts_with("dir") && purge.due.is_none());
            stood.extend(standing.map(|(name, purge)| (name.clone(), purge.priority)));
            if !self.wait_for_earlier(at, after)? {
                break;
            }
        }
        let model = &self.models[at];
        for (name, record) in &after.pending {
            let known = model.pending.get(name).is_none_or(|purge| purge.under_way == record.under_way);
            ensure!(known, "{name} waits for an earlier request: {record:?}, but {:?}", model.pending[name]);
        }
        self.see_covered(at, after, sent, &stood)?;
        let model = &self.models[at];
        let lost =
            model.pending.keys().find(|name| !after.pending.contains_key(*name) && !sent.contains(*name));
        ensure!(lost.is_none(), "{lost:?} was lost");
        Ok(())
    }

    /// Dirs of lanes that may not go are marked, and cover nothing.
    fn see_stopped(&mut self, at: At, after: &Snapshot) -> Verdict {
        let held = self.models[at].held(Held::Kind(Kind::Dir), self.now());
        let model = &mut self.models[at];
        for (name, purge) in &mut model.pending {
            let Some(record) = after.pending.get(name) else { continue };
            if record.stopped && !purge.stopped {
                let why = held || self.no_room[at].contains(name);
                ensure!(why, "{name} was found to be stopped, but may go");
                purge.stopped = true;
            }
        }
        for (id, cover) in &mut model.covers {
            let Cover::Waits(dir) = cover else { continue };
            let marked = after.pending.get(dir).is_some_and(|record| record.stopped);
            if marked && !after.open_covers.contains_key(id) && (held || self.no_room[at].contains(dir)) {
                *cover = Cover::Released;
            }
        }
        Ok(())
    }

    /// Items that wait for a dir from this lease on.
    fn see_covered(
        &mut self,
        at: At,
        after: &Snapshot,
        sent: &BTreeSet<String>,
        stood: &BTreeMap<String, Priority>,
    ) -> Verdict {
        let now = self.now();
        let no_room = &self.no_room[at];
        let model = &mut self.models[at];
        let held = model.held(Held::Kind(Kind::Dir), now);
        let mut narrower = Vec::new();
        for (name, record) in &after.pending {
            let Some(purge) = model.pending.get_mut(name) else { continue };
            let Some(id) = record.covered.as_ref().filter(|id| purge.covered.as_ref() != Some(*id)) else {
                continue;
            };
            ensure!(purge.due.is_none() && !record.rebound, "{name} was covered by {id}, but is {purge:?}");
            ensure!(record.due == Some(now + COVERED_MS), "{name} is covered until {:?}", record.due);
            let priority = purge.priority;
            (purge.due, purge.covered) = (record.due, Some(id.clone()));
            let may = |dir: &str| {
                let goes_before = sent.contains(dir) || stood.get(dir).is_some_and(|its| *its <= priority);
                is_covered_by(name, dir) && goes_before && !held && !no_room.contains(dir)
            };
            let by = after.open_covers.get(id).or_else(|| after.sent_covers.get(id));
            let legal = by.map_or_else(|| stood.keys().any(|dir| may(dir)), |dir| may(dir));
            ensure!(legal, "{name} is covered by {id} of {by:?}, which may not");
            narrower.push((name.clone(), id.clone()));
            if !model.covers.contains_key(id) {
                let whole = after.cover_parts.get(id);
                let cover = match (by, whole) {
                    (Some(dir), _) => Cover::Waits(dir.clone()),
                    (None, Some(whole)) => Cover::Within(whole.clone()),
                    (None, None) => Cover::Released,
                };
                model.covers.insert(id.clone(), cover);
            }
        }
        for (dir, id) in narrower {
            if let Some(own) = model.cover_of(&dir) {
                ensure!(after.cover_parts.get(&own) == Some(&id), "{dir} is covered by {id}, but not {own}");
                model.covers.insert(own, Cover::Within(id));
            }
        }
        Ok(())
    }
}
