use crate::{QueueError, WorkQueue, policy::json, redis::scripts};
use purgeline_core::{Cause, Target, config::BreakerConfig};
use serde::Serialize;

/// When a target's breaker opens, and how often it then tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct BreakerPolicy {
    /// Calls and questions in a row that fail altogether until it opens.
    pub failures: u32,
    /// From there to the first probe, in milliseconds; twice as long after each that fails.
    pub probe_ms: u64,
    /// The longest time between two probes, in milliseconds.
    pub max_probe_ms: u64,
}

/// What has been answered, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked<'a> {
    /// The call of a batch that `worker` has leased.
    Call {
        /// The batch.
        batch: &'a str,
        /// The worker.
        worker: &'a str,
    },
    /// A question: how batches fare, or what is left of a quota.
    Question,
}

/// Whether a target answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It did, whatever it said of the items.
    Well,
    /// The call failed altogether: no connection, no answer, an error of the server's own.
    Down(Cause),
    /// It refuses the credentials.
    Unauthorised(Cause),
}

/// What follows from how a call went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// What failed counts against its items: the call before it went well, so it may be theirs and
    /// not the target's failure.
    pub counts: bool,
    /// Milliseconds until the items of a failed call may go again: none while the breaker is closed.
    pub wait_ms: u64,
    /// What happened to the breaker.
    pub change: Change,
}

/// What happened to a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    None,
    /// It has opened: from now on everything waits, but for probes.
    Opened,
    /// The probe failed: it stays open, for longer.
    ProbeFailed,
    /// It has closed: everything goes again.
    Closed,
}

/// The name of the hold while a breaker is open.
pub(crate) const HOLDS: [&str; 2] = ["broken", "unauthorised"];

impl From<&BreakerConfig> for BreakerPolicy {
    fn from(config: &BreakerConfig) -> Self {
        Self {
            failures: config.failures.get(),
            probe_ms: config.probe_ms.get(),
            max_probe_ms: config.max_probe_ms.get(),
        }
    }
}

impl WorkQueue {
    /// Takes down for a target's breaker whether a call was answered. To be called before its
    /// items are settled; repeating it changes nothing.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn answered(
        &self,
        target: &Target,
        asked: Asked<'_>,
        fate: &Fate,
        policy: &BreakerPolicy,
    ) -> Result<Heard, QueueError> {
        let (batch, worker) = match asked {
            Asked::Call { batch, worker } => (batch, worker),
            Asked::Question => ("", ""),
        };
        let (fate, cause) = match fate {
            Fate::Well => ("well", None),
            Fate::Down(cause) => ("down", Some(cause)),
            Fate::Unauthorised(cause) => ("unauthorised", Some(cause)),
        };
        let mut script = self.store.script(&scripts::ANSWERED, target);
        script.arg(batch).arg(worker).arg(fate);
        match cause {
            Some(cause) => script.arg(&cause.code).arg(&cause.message),
            None => script.arg("").arg(""),
        };
        script.arg(json(policy));
        let (counts, wait_ms, happened): (bool, u64, String) = self.store.invoke(&script).await?;
        let change = match happened.as_str() {
            "" => Change::None,
            "opened" => Change::Opened,
            "failed" => Change::ProbeFailed,
            "closed" => Change::Closed,
            _ => {
                let expected = "opened, failed, closed or nothing";
                return Err(QueueError::malformed("the answer of answered.lua", expected, happened));
            }
        };
        Ok(Heard { counts, wait_ms, change })
    }
}
