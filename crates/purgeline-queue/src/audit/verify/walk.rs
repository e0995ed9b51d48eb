use super::{coverage::Coverages, damage::Damage, violation::Violation};
use crate::{QueueError, redis::store::Store};
use purgeline_core::{JobId, Target};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Violations of one target that one walk gives: when there are more, the first that it met.
const MAX_FOUND: usize = 10_000;

/// What a target's keys hold, read piece by piece. What is remembered of an item is a number, of a
/// waiting job its id and a count.
pub(super) struct Walk<'a> {
    pub(super) queue: &'a Store,
    pub(super) target: &'a Target,
    pub(super) found: BTreeSet<Violation>,
    /// Items of each job that wait somewhere: in a record, a batch, or a list to be counted.
    pub(super) waiting: HashMap<JobId, u64>,
    /// Those of these jobs that have a part.
    pub(super) has_part: HashSet<JobId>,
    /// Items of each job that its producer has announced and not enqueued.
    pub(super) announced: HashMap<JobId, i128>,
    /// Jobs that are known to be announced.
    pub(super) submitting: HashSet<String>,
    /// The names of its batches and lists of waiting jobs.
    pub(super) batches: BTreeSet<String>,
    pub(super) lists: BTreeSet<String>,
    /// Lists of waiting jobs that something leads to.
    pub(super) reached: HashSet<String>,
    /// What dirs cover.
    pub(super) coverages: Coverages,
    /// The counters when the walk began.
    pub(super) counters: BTreeMap<String, String>,
}

impl<'a> Walk<'a> {
    pub(super) async fn new(queue: &'a Store, target: &'a Target) -> Result<Self, QueueError> {
        let mut walk = Self {
            queue,
            target,
            found: BTreeSet::new(),
            waiting: HashMap::new(),
            has_part: HashSet::new(),
            announced: HashMap::new(),
            submitting: HashSet::new(),
            batches: BTreeSet::new(),
            lists: BTreeSet::new(),
            reached: HashSet::new(),
            coverages: Coverages::default(),
            counters: BTreeMap::new(),
        };
        walk.counters = walk.counters().await?;
        Ok(walk)
    }

    pub(super) fn wrong(&mut self, damage: Damage) {
        if self.found.len() < MAX_FOUND {
            self.found.insert(Violation::new(self.target.name.as_str(), damage));
        }
    }

    /// Compares a number that the scripts keep for themselves with what was counted.
    pub(super) fn compare(&mut self, name: &'static str, counted: i128) {
        let said = self.counters.get(name).and_then(|text| text.parse().ok()).unwrap_or_default();
        if said != counted {
            self.wrong(Damage::Counter { name, said, counted, seen: self.counters.clone() });
        }
    }
}
