//! What the account's targets share over a day, and in calls and tasks.

use super::{Verdict, World};
use crate::model::{
    queue_model::{Batch, Purge, State},
    rules::RESERVE_PERCENT,
    snapshot::Snapshot,
    step::At,
};
use purgeline_core::{Item, Priority};
use purgeline_queue::LeasedBatch;
use std::collections::{BTreeMap, BTreeSet};

const DAY_MS: i64 = 86_400_000;
const EIGHT_HOURS_MS: i64 = 8 * 3_600_000;
/// As in calls.lua.
const FORGOTTEN_CALL_MS: i64 = 600_000;

/// A quota, a day, and the host where it is counted by host.
type Key = (usize, i64, Option<String>);

#[derive(Debug, Default)]
pub(super) struct Quotas {
    spent: BTreeMap<Key, usize>,
    /// What each leased batch took.
    taken: BTreeMap<(At, String), Vec<Key>>,
}

impl World<'_> {
    fn today(&self) -> i64 {
        (self.now() + EIGHT_HOURS_MS).div_euclid(DAY_MS)
    }

    pub(super) fn next_day(&self) -> i64 {
        (self.today() + 1) * DAY_MS - EIGHT_HOURS_MS
    }

    /// Which quotas count an item today.
    fn counted_by(&self, name: &str) -> Vec<Key> {
        let (item, _) = Item::from_name(name).unwrap();
        let quotas = self.rules.limits.quotas.iter().enumerate();
        quotas
            .filter(|(_, quota)| quota.kind.is_none_or(|kind| kind == item.kind()))
            .filter(|(_, quota)| !quota.per_host || item.host().is_some())
            .map(|(at, quota)| {
                let host = item.host().filter(|_| quota.per_host).map(str::to_owned);
                (at, self.today(), host)
            })
            .collect()
    }

    fn room_in(&self, key: &Key, priority: Priority) -> usize {
        let max = self.rules.limits.quotas[key.0].max.unwrap().get() as usize;
        let kept = if priority == Priority::Urgent { 0 } else { max * RESERVE_PERCENT / 100 };
        (max - kept).saturating_sub(self.quotas.spent.get(key).copied().unwrap_or_default())
    }

    /// How many more items like this one the day lets go.
    fn room(&self, name: &str, priority: Priority) -> usize {
        let rooms = self.counted_by(name).into_iter().map(|key| self.room_in(&key, priority));
        rooms.min().unwrap_or(usize::MAX)
    }

    /// What may go now: it is not delayed, not held, and the day has room for it.
    pub(super) fn may_go(&self, at: At) -> BTreeMap<&String, &Purge> {
        let may_go = self.models[at].may_go(self.now());
        may_go.filter(|(name, purge)| self.room(name, purge.priority) > 0).collect()
    }

    /// Whether the day has room for all of a batch, even if only the reserve were kept.
    pub(super) fn has_room_for(&self, batch: &Batch) -> bool {
        let mut asked = BTreeMap::<Key, usize>::new();
        for key in batch.items.values().flat_map(|(name, _)| self.counted_by(name)) {
            *asked.entry(key).or_default() += 1;
        }
        asked.iter().all(|(key, count)| *count <= self.room_in(key, Priority::Normal))
    }

    /// A call takes of each quota at most what is left, and what is not urgent leaves the reserve.
    pub(super) fn within_quotas(&mut self, at: At, batch: &LeasedBatch) -> Verdict {
        let mut asked = BTreeMap::<Key, [usize; 2]>::new();
        let mut taken = Vec::new();
        for leased in &batch.items {
            for key in self.counted_by(&leased.item.name(leased.action)) {
                let [all, patient] = asked.entry(key.clone()).or_default();
                *all += 1;
                *patient += usize::from(leased.record.lane.priority != Priority::Urgent);
                taken.push(key);
            }
        }
        for (key, [all, patient]) in asked {
            let (room, unreserved) =
                (self.room_in(&key, Priority::Urgent), self.room_in(&key, Priority::Normal));
            ensure!(all <= room && patient <= unreserved, "{all} of {key:?}, room {room}: {batch:?}");
        }
        for key in &taken {
            *self.quotas.spent.entry(key.clone()).or_default() += 1;
        }
        self.quotas.taken.insert((at, batch.id.clone()), taken);
        Ok(())
    }

    /// The provider did not get a batch, or refused it as a whole.
    pub(super) fn unspend(&mut self, at: At, id: &str) {
        for key in self.quotas.taken.remove(&(at, id.to_owned())).unwrap_or_default() {
            *self.quotas.spent.get_mut(&key).unwrap() -= 1;
        }
    }

    /// Halves for which the day has no room are pending again.
    pub(super) fn halves_put_back(&mut self, at: At, after: &Snapshot) -> Verdict {
        let ready = self.models[at].batches.iter().filter(|(_, batch)| batch.state == State::Ready);
        let gone: Vec<_> =
            ready.map(|(id, _)| id.clone()).filter(|id| !after.batches.contains_key(id)).collect();
        for id in gone {
            let fits = self.has_room_for(&self.models[at].batches[&id]);
            ensure!(!fits, "{id} was put back, though the day has room for it");
            self.take_back(at, &id, 0);
        }
        Ok(())
    }

    // === dirs that wait cover nothing ===

    fn pending_dirs(&self, at: At, room: impl Fn(usize) -> bool) -> BTreeSet<String> {
        let dirs = self.models[at].pending.iter().filter(|(name, _)| name.starts_with("dir"));
        dirs.filter(|(name, purge)| room(self.room(name, purge.priority)))
            .map(|(name, _)| name.clone())
            .collect()
    }

    pub(super) fn see_dirs_without_room(&mut self, at: At) {
        self.no_room[at] = self.pending_dirs(at, |room| room == 0);
    }

    /// Those that still have room when a call of so many items has taken its part.
    pub(super) fn dirs_with_room(&self, at: At, items: usize) -> BTreeSet<String> {
        self.pending_dirs(at, |room| room > items)
    }

    // === calls and tasks ===

    /// Calls under way to all targets of the account.
    pub(super) fn calls(&self) -> usize {
        let now = self.now();
        let batches = self.models.iter().flat_map(|model| model.batches.values());
        let known = |deadline: i64| deadline > now - FORGOTTEN_CALL_MS;
        batches
            .filter(|batch| matches!(batch.state, State::Leased { deadline, .. } if known(deadline)))
            .count()
    }

    /// Tasks in progress at the provider, of all targets of the account.
    pub(super) fn tasks(&self) -> usize {
        let now = self.now();
        let batches = self.models.iter().flat_map(|model| model.batches.values());
        batches
            .filter(|batch| matches!(batch.state, State::Submitted { since, .. } if since > now - DAY_MS))
            .count()
    }
}
