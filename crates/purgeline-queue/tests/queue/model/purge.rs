//! What waits at a target, what is under way, and what became of a job's items, in the model.

use purgeline_core::{JobId, Priority};
use std::collections::BTreeMap;

/// One item of one job at this target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Unit {
    pub(crate) job: JobId,
    pub(crate) index: usize,
    /// The step in which it was enqueued.
    pub(crate) asked: u64,
    /// Of no use from then on.
    pub(crate) expires: Option<i64>,
}

/// How a unit has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Succeeded,
    Failed,
    Expired,
    Cancelled,
}

/// What waits, or is under way, for some units.
#[derive(Clone, Debug)]
pub(crate) struct Purge {
    pub(crate) priority: Priority,
    pub(crate) attempts: u32,
    /// Those that were accepted and never came to an end.
    pub(crate) unanswered: u32,
    /// Delayed until then; `None`: it may go.
    pub(crate) due: Option<i64>,
    /// It waits for quiet, until then at the latest.
    pub(crate) latest: Option<i64>,
    /// Delayed because the provider works on an earlier request.
    pub(crate) under_way: bool,
    /// Delayed because a dir is to purge it: the coverage.
    pub(crate) covered: Option<String>,
    /// A dir that was found not to be allowed to go, and covers nothing that comes.
    pub(crate) stopped: bool,
    pub(crate) units: Vec<Unit>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Leased { worker: usize, deadline: i64 },
    Ready,
    Submitted { worker: usize, poll_at: i64, since: i64 },
}

#[derive(Clone, Debug)]
pub(crate) struct Batch {
    pub(crate) state: State,
    /// The step of its last lease: its call begins after it.
    pub(crate) leased: u64,
    pub(crate) items: BTreeMap<u32, (String, Purge)>,
    /// It came of a split.
    pub(crate) is_half: bool,
    /// How its call went was said: whether that counted.
    pub(crate) heard: Option<bool>,
}

/// A job's part here.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) items: usize,
    pub(crate) chunks: usize,
    pub(crate) taken: usize,
    pub(crate) enqueued: usize,
    pub(crate) since: i64,
    pub(crate) abandoned: bool,
    /// Its chunks are refused.
    pub(crate) cancelled: bool,
    /// It is being cancelled; somebody was at it then.
    pub(crate) cancelling: Option<i64>,
    /// How each of its items ended.
    pub(crate) ended: BTreeMap<usize, Ended>,
}

impl Unit {
    pub(crate) fn expired(&self, now: i64) -> bool {
        self.expires.is_some_and(|at| at <= now)
    }
}

impl Purge {
    /// Jobs wait for it, and none has a use for it any more.
    pub(crate) fn expired(&self, now: i64) -> bool {
        !self.units.is_empty() && self.units.iter().all(|unit| unit.expired(now))
    }
}

impl Part {
    pub(crate) fn new(items: usize, chunks: usize, since: i64) -> Self {
        Self {
            items,
            chunks,
            taken: 0,
            enqueued: 0,
            since,
            abandoned: false,
            cancelled: false,
            cancelling: None,
            ended: BTreeMap::new(),
        }
    }

    pub(crate) fn over(&self) -> bool {
        self.ended.len() == self.items
    }

    pub(crate) fn count(&self, how: Ended) -> u64 {
        self.ended.values().filter(|ended| **ended == how).count() as u64
    }
}
