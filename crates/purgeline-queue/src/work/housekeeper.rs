use crate::{QueueError, WorkQueue, redis::scripts};
use purgeline_core::Target;
use std::time::Duration;

/// The answer to a worker that would keep a target's house.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tend {
    /// It is the housekeeper, and this is to be done.
    Chores(Chores),
    /// Another worker is. Its place may be free after this time.
    Another(Duration),
}

/// What a housekeeper finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chores {
    /// Leases have run out.
    pub reap: bool,
    /// Outcomes of hot items wait to be counted, requests have expired, or items that no dir covers
    /// any more are to return to their lanes.
    pub drain: bool,
    /// The outbox has entries.
    pub carry: bool,
    /// Something waits that may go, or be asked about.
    pub work: bool,
}

impl WorkQueue {
    /// Makes `worker` the housekeeper of a target for `lease_ms`, or keeps it that, unless another
    /// worker is. So that a fleet at rest asks Redis once for each target, and not once for each
    /// target and worker. The chores themselves may be done by several at once.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn tend(&self, target: &Target, worker: &str, lease_ms: u64) -> Result<Tend, QueueError> {
        let mut script = self.store.script(&scripts::TEND, target);
        script.arg(worker).arg(lease_ms);
        let answer: Vec<u64> = self.store.invoke(&script).await?;
        match answer[..] {
            [0, ms] => Ok(Tend::Another(Duration::from_millis(ms))),
            [1, reap, drain, outbox, work] => Ok(Tend::Chores(Chores {
                reap: reap > 0,
                drain: drain > 0,
                carry: outbox > 0,
                work: work > 0,
            })),
            _ => Err(QueueError::malformed(
                "the answer of tend.lua",
                "0 and ms, or 1 and four numbers",
                answer,
            )),
        }
    }

    /// Leaves the place of a target's housekeeper, if `worker` has it, so that another need not wait.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn leave_house(&self, target: &Target, worker: &str) -> Result<(), QueueError> {
        self.tend(target, worker, 0).await.map(drop)
    }
}
