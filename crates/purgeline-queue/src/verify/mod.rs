//! The proof that nothing is lost and everything is counted once, on a keyspace as it stands.

mod batches;
mod coverage;
mod damage;
mod embargoed;
mod jobs;
mod lists;
mod parts;
mod pending;
mod read;

pub(crate) use damage::{Damage, Holder, PartSeen};

use crate::{Queue, QueueError};
use coverage::Coverages;
use purgeline_core::{JobId, Target};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fmt,
};

/// Violations of one target that one walk gives: when there are more, the first that it met.
const MAX_FOUND: usize = 10_000;

/// Something in Redis that the invariants do not allow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Violation {
    /// The target, or `-` for what belongs to none.
    pub target: String,
    /// What it takes to mend it; in front of the words, so that violations sort by it.
    #[serde(skip)]
    pub(crate) damage: Damage,
    /// What is wrong, with the key that shows it.
    pub what: String,
}

/// What a target's keys hold, read piece by piece. What is remembered of an item is a number, of a
/// waiting job its id and a count.
struct Walk<'a> {
    queue: &'a Queue,
    target: &'a Target,
    found: BTreeSet<Violation>,
    /// Items of each job that wait somewhere: in a record, a batch, or a list to be counted.
    waiting: HashMap<JobId, u64>,
    /// The names of its batches, parts, and lists of waiting jobs.
    batches: BTreeSet<String>,
    parts: BTreeSet<String>,
    lists: BTreeSet<String>,
    /// Lists of waiting jobs that something leads to.
    reached: HashSet<String>,
    /// What dirs cover.
    coverages: Coverages,
    /// The counters when the walk began.
    counters: BTreeMap<String, String>,
}

impl Queue {
    /// Walks all keys of these targets and gives what the invariants do not allow:
    ///
    /// 1. *Durable*: every pending record can be leased (it has a hint in a ranked lane, or a due
    ///    time), every item that waits for a dir is found when that ends, every embargo ends, every batch is leased, ready or asked about, every item of a batch is whole.
    /// 2. *Counted once*: for each job at each target, the items that have settled and those that
    ///    wait add up to its items; a part is over exactly when all have settled; a job is over
    ///    when its parts are.
    /// 3. *Nothing is orphaned*: no lease, poll or delay of what is not there, no list of waiting
    ///    jobs that nothing leads to, no waiting job without a part, no word in the outbox that
    ///    nobody can carry.
    ///
    /// Exact on a queue at rest. While producers and workers run, what they move between two
    /// reads can look wrong: see [`verify_twice`](Self::verify_twice). At most 10,000 violations
    /// of a target are given. No answer of Redis holds more than 1,000 entries or one batch, and
    /// what is kept here is 8 bytes for each item, twice that for a covered one, and 24 for each job
    /// that waits.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn verify(&self, targets: &[Target]) -> Result<Vec<Violation>, QueueError> {
        let mut found = BTreeSet::new();
        for target in targets {
            let mut walk = Walk::new(self, target).await?;
            walk.names().await?;
            walk.coverages().await?;
            walk.pending().await?;
            walk.embargoed().await?;
            walk.batches().await?;
            walk.settling().await?;
            walk.stray_lists().await?;
            walk.stray_coverages();
            walk.parts().await?;
            walk.outbox().await?;
            found.extend(walk.found);
        }
        self.verify_jobs(targets, &mut found).await?;
        Ok(found.into_iter().collect())
    }

    /// What two walks in a row find, word for word: for a queue that is in use. What was only on
    /// its way has moved on by the second, or its numbers have; damage stays as it is.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn verify_twice(&self, targets: &[Target]) -> Result<Vec<Violation>, QueueError> {
        let mut found = self.verify(targets).await?;
        if !found.is_empty() {
            let again: HashSet<_> =
                self.verify(targets).await?.into_iter().map(|v| (v.target, v.what)).collect();
            found.retain(|violation| again.contains(&(violation.target.clone(), violation.what.clone())));
        }
        Ok(found)
    }
}

impl<'a> Walk<'a> {
    async fn new(queue: &'a Queue, target: &'a Target) -> Result<Self, QueueError> {
        let mut walk = Self {
            queue,
            target,
            found: BTreeSet::new(),
            waiting: HashMap::new(),
            batches: BTreeSet::new(),
            parts: BTreeSet::new(),
            lists: BTreeSet::new(),
            reached: HashSet::new(),
            coverages: Coverages::default(),
            counters: BTreeMap::new(),
        };
        walk.counters = walk.counters().await?;
        Ok(walk)
    }

    fn wrong(&mut self, damage: Damage) {
        if self.found.len() < MAX_FOUND {
            self.found.insert(Violation::new(self.target.name.as_str(), damage));
        }
    }

    /// Compares a number that the scripts keep for themselves with what was counted.
    fn compare(&mut self, name: &'static str, counted: i128) {
        let said = self.counters.get(name).and_then(|text| text.parse().ok()).unwrap_or_default();
        if said != counted {
            self.wrong(Damage::Counter { name, said, counted, seen: self.counters.clone() });
        }
    }
}

impl Violation {
    fn new(target: &str, damage: Damage) -> Self {
        Self { target: target.to_owned(), what: damage.to_string(), damage }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.target, self.what)
    }
}
