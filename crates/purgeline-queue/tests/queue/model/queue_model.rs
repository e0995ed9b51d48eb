//! What must be true of one target, in plain Rust: which item of which job waits where, and how
//! each has ended. It knows the rules of coalescing and coverage, and nothing of Redis.

pub(crate) use super::purge::{Batch, Ended, Part, Purge, State, Unit};
use super::{
    breaker_model::{BreakerModel, Probe},
    coverage::{COVERED_MS, Cover},
    letters::Letter,
    step::{Held, Outcome, Times},
};
use purgeline_core::{Item, JobId, Kind, Priority, covers};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default)]
pub(crate) struct QueueModel {
    pub(crate) pending: BTreeMap<String, Purge>,
    /// What may not go before a time, by that.
    pub(crate) embargoed: BTreeMap<(i64, String), Purge>,
    /// What was purged is purged once more after so many ms.
    pub(crate) rebound_ms: Option<i64>,
    pub(crate) batches: BTreeMap<String, Batch>,
    pub(crate) parts: BTreeMap<JobId, Part>,
    /// What failed for good, by the letter's id.
    pub(crate) letters: BTreeMap<String, Letter>,
    /// Held until then; `None`: until it is lifted.
    pub(crate) holds: BTreeMap<Held, Option<i64>>,
    pub(crate) breaker: BreakerModel,
    /// What dirs cover, by the id of the coverage.
    pub(crate) covers: BTreeMap<String, Cover>,
}

/// What a chunk does, or why it does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Added { new: u64, joined: u64, covered: u64 },
    Repeated,
    Gap(u64),
    Full,
    Abandoned,
    Cancelled,
}

pub(crate) struct AskedChunk<'a> {
    pub(crate) job: JobId,
    pub(crate) index: usize,
    pub(crate) chunks: usize,
    pub(crate) job_items: usize,
    pub(crate) priority: Priority,
    /// With times of the clock.
    pub(crate) times: Times,
    /// Names, the first of them the job's item number `first`.
    pub(crate) items: &'a [&'a str],
    pub(crate) first: usize,
}

pub(crate) fn kind_of(name: &str) -> Kind {
    Item::from_name(name).unwrap().0.kind()
}

pub(crate) fn is_covered_by(name: &str, dir: &str) -> bool {
    let (item, action) = Item::from_name(name).unwrap();
    let (dir, dir_action) = Item::from_name(dir).unwrap();
    action == dir_action && covers(&dir, &item)
}

impl QueueModel {
    /// Whether the breaker lets nothing be called now.
    pub(crate) fn broken(&self, question: bool, now: i64) -> bool {
        let under_way = match self.breaker.open.as_ref().and_then(|open| open.probe.as_ref()) {
            Some(Probe::Question { until }) => *until > now,
            Some(Probe::Batch(id)) => self
                .batches
                .get(id)
                .is_some_and(|batch| matches!(batch.state, State::Leased { deadline, .. } if deadline > now)),
            None => false,
        };
        under_way || self.breaker.waits_until(question).is_some_and(|until| until > now)
    }

    /// What goes now is the probe, if the breaker is open.
    pub(crate) fn probe_by(&mut self, probe: Probe) -> bool {
        let Some(open) = &mut self.breaker.open else { return false };
        open.probe = Some(probe);
        true
    }

    pub(crate) fn held(&self, what: Held, now: i64) -> bool {
        self.holds.get(&what).is_some_and(|until| until.is_none_or(|until| until > now))
    }

    /// Items announced by jobs that have not been enqueued whole.
    pub(crate) fn announced(&self) -> usize {
        self.parts.values().map(|part| part.items - part.enqueued).sum()
    }

    pub(crate) fn enqueue(&mut self, chunk: &AskedChunk<'_>, room: u64, now: i64, step: u64) -> Taken {
        let part = self.parts.get(&chunk.job);
        if part.is_some_and(|part| part.abandoned) {
            return Taken::Abandoned;
        }
        if part.is_some_and(|part| part.cancelled) {
            return Taken::Cancelled;
        }
        let taken = part.map_or(0, |part| part.taken);
        if taken > chunk.index {
            return Taken::Repeated;
        }
        if taken < chunk.index {
            return Taken::Gap(taken as u64);
        }
        let Times { quiet, not_before, expires } = chunk.times;
        let embargo = not_before.filter(|at| *at > now);
        let quiet = quiet.filter(|_| chunk.priority != Priority::Urgent && embargo.is_none());
        let mut after = self.clone();
        let (mut new, mut joined, mut covered) = (0, 0, 0);
        let mut hastened = Vec::new();
        for (at, name) in chunk.items.iter().enumerate() {
            let unit = Unit { job: chunk.job, index: chunk.first + at, asked: step, expires };
            let fresh = Purge {
                priority: chunk.priority,
                attempts: 0,
                unanswered: 0,
                due: embargo.or(quiet.map(|(quiet, _)| now + quiet)),
                latest: quiet.map(|(_, max_wait)| now + max_wait),
                under_way: false,
                covered: None,
                stopped: false,
                units: vec![unit],
            };
            if let Some(until) = embargo {
                match after.embargoed.get_mut(&(until, name.to_string())) {
                    Some(purge) => {
                        purge.units.push(unit);
                        purge.priority = purge.priority.min(chunk.priority);
                        joined += 1;
                    }
                    None => {
                        after.embargoed.insert((until, name.to_string()), fresh);
                        new += 1;
                    }
                }
                continue;
            }
            // Dirs cover by the haste that they had before this call.
            let dirs = after.covering_all(name, chunk.priority, now);
            let dir = dirs.into_iter().find(|dir| !after.pending[dir].stopped);
            if let Some(purge) = after.pending.get_mut(*name) {
                purge.units.push(unit);
                hastened.push(*name);
                joined += 1;
            } else if let Some(dir) = dir {
                let (due, cover) = (Some(now + COVERED_MS), Some(after.cover_by(&dir)));
                let waits = Purge { due, latest: None, covered: cover, ..fresh };
                after.pending.insert(name.to_string(), waits);
                covered += 1;
            } else {
                after.pending.insert(name.to_string(), fresh);
                new += 1;
            }
        }
        for name in hastened {
            let purge = after.pending.get_mut(name).unwrap();
            purge.priority = purge.priority.min(chunk.priority);
            if let Some(latest) = purge.latest {
                purge.latest = quiet.map(|(_, max_wait)| latest.min(now + max_wait));
                purge.due = quiet.zip(purge.latest).map(|((quiet, _), latest)| latest.min(now + quiet));
            }
            after.join_covered(name);
        }
        if chunk.index == 0 {
            let more = if chunk.chunks > 1 { chunk.job_items as u64 } else { new + covered };
            let have = self.pending.len() + self.embargoed.len() + self.announced();
            if more > 0 && have as u64 + more > room {
                return Taken::Full;
            }
        }
        let part = after.parts.entry(chunk.job).or_insert(Part::new(chunk.job_items, chunk.chunks, now));
        part.taken += 1;
        part.enqueued += chunk.items.len();
        *self = after;
        Taken::Added { new, joined, covered }
    }

    /// What may go now as far as the item itself is concerned.
    pub(crate) fn may_go(&self, now: i64) -> impl Iterator<Item = (&String, &Purge)> {
        self.pending.iter().filter(move |(name, purge)| {
            purge.due.is_none_or(|due| due <= now) && !self.held(Held::Kind(kind_of(name)), now)
        })
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.batches.values().filter(|batch| matches!(batch.state, State::Leased { .. })).count()
    }

    /// Whether a batch holds this item.
    pub(crate) fn held_by_batch(&self, name: &str) -> bool {
        self.batches.values().any(|batch| batch.items.values().any(|(held, _)| held == name))
    }

    /// A batch holds the item no longer: if it was the last one, whoever waited for that may go.
    fn let_go(&mut self, name: &str) {
        if self.held_by_batch(name) {
            return;
        }
        if let Some(purge) = self.pending.get_mut(name).filter(|purge| purge.under_way) {
            (purge.due, purge.under_way) = (None, false);
        }
    }

    pub(crate) fn put_back(&mut self, name: String, purge: Purge, due: i64, now: i64) {
        let due = (due > now).then_some(due);
        match self.pending.get_mut(&name) {
            Some(newer) => {
                // It goes by itself.
                if newer.covered.is_some() {
                    newer.uncover();
                }
                newer.priority = newer.priority.min(purge.priority);
                newer.attempts = newer.attempts.max(purge.attempts);
                newer.unanswered = newer.unanswered.max(purge.unanswered);
                // Nobody who comes back is made late by one who waits for quiet.
                newer.due = if newer.latest.take().is_some() { due } else { newer.due.max(due) };
                newer.units.extend(purge.units);
            }
            None => {
                self.pending.insert(name, Purge { due, latest: None, stopped: false, ..purge });
            }
        }
    }

    /// Puts all items of a batch back.
    pub(crate) fn take_back(&mut self, id: &str, attempts: u32, now: i64) -> usize {
        let batch = self.batches.remove(id).unwrap();
        let count = batch.items.len();
        for (index, (name, mut purge)) in batch.items {
            self.end_cover(id, index, &Cover::Released);
            purge.attempts += attempts;
            self.let_go(&name);
            self.put_back(name, purge, now, now);
        }
        count
    }

    /// Settles items of a batch. Gives how many, or which rule that breaks.
    pub(crate) fn settle(&mut self, id: &str, outcomes: &[(u32, Outcome)], now: i64) -> Result<u64, String> {
        let mut settled = 0;
        for (index, outcome) in outcomes {
            let Some(batch) = self.batches.get_mut(id) else { continue };
            let leased = batch.leased;
            let Some((name, mut purge)) = batch.items.remove(index) else { continue };
            if batch.items.is_empty() {
                self.batches.remove(id);
            }
            settled += 1;
            self.let_go(&name);
            let end = if *outcome == Outcome::Done { Cover::Done(leased) } else { Cover::Released };
            let covered = self.end_cover(id, *index, &end);
            match outcome {
                Outcome::Done | Outcome::Failed => {
                    if *outcome == Outcome::Failed {
                        let (priority, units) = (purge.priority, purge.units.clone());
                        self.letters
                            .insert(format!("{id}-{index}"), Letter { name: name.clone(), priority, units });
                    }
                    let jobs = covered || !purge.units.is_empty();
                    for unit in purge.units {
                        if unit.asked >= leased {
                            return Err(format!("{name}: {unit:?} came after the lease {leased} of {id}"));
                        }
                        let part = self.parts.get_mut(&unit.job).unwrap();
                        let ended = if *outcome == Outcome::Done { Ended::Succeeded } else { Ended::Failed };
                        if part.ended.insert(unit.index, ended).is_some() {
                            return Err(format!("{name}: {unit:?} was settled twice"));
                        }
                    }
                    if *outcome == Outcome::Done && jobs {
                        self.rebound(name, purge.priority, now);
                    }
                }
                Outcome::Retry(ms) => {
                    purge.attempts += 1;
                    self.put_back(name, purge, now + i64::try_from(*ms).unwrap(), now);
                }
                Outcome::Unanswered(ms) => {
                    purge.attempts += 1;
                    purge.unanswered += 1;
                    self.put_back(name, purge, now + i64::try_from(*ms).unwrap(), now);
                }
                Outcome::Again(ms) => self.put_back(name, purge, now + i64::try_from(*ms).unwrap(), now),
            }
        }
        Ok(settled)
    }

    /// The two halves of a batch; the second is empty if it holds one item.
    pub(crate) fn halves(&self, id: &str) -> [Vec<(String, Purge)>; 2] {
        let items: Vec<_> = self.batches[id].items.values().cloned().collect();
        let (first, second) = items.split_at(items.len().div_ceil(2));
        [first.to_vec(), second.to_vec()]
    }
}
