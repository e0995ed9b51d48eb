use crate::output::Time;
use purgeline_core::{Action, Item, Priority, ancestors};
use purgeline_providers::ConfiguredTarget;
use purgeline_queue::{BatchState, Queue, QueueError, Record};
use serde::Serialize;
use std::fmt;

/// Where an item is at a target, and so why it has not been purged yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "where", rename_all = "snake_case")]
pub(crate) enum Whereabouts {
    /// It waits to be sent.
    Pending {
        /// Since when, and why still.
        #[serde(flatten)]
        wait: Wait,
    },
    /// A waiting dir above it will purge it.
    Covered {
        /// That dir.
        dir: String,
        /// Since when, and why still.
        #[serde(flatten)]
        wait: Wait,
    },
    /// It waits for the end of the job's embargo.
    Embargoed {
        /// When that is, in milliseconds since 1970.
        until_ms: i64,
    },
    /// It is in a call.
    Batch {
        /// The batch's id at the target.
        batch: String,
        /// Where that stands.
        state: BatchState,
        /// What the provider gave for it.
        receipt: Option<String>,
        /// When the provider accepted it, in milliseconds since 1970.
        submitted_at_ms: Option<i64>,
        /// Questions asked about it.
        polls: u32,
    },
}

/// How long something has waited, and what came of it so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Wait {
    /// What it stands in.
    lane: String,
    /// When it was first asked for, in milliseconds since 1970.
    since_ms: i64,
    /// Sends so far.
    attempts: u32,
    /// Delayed until then, in milliseconds since 1970; `None`: it may go.
    due_ms: Option<i64>,
    /// It waits for quiet, or to be purged again: until then at the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_ms: Option<i64>,
    /// The code of the last failed attempt.
    cause: Option<String>,
}

/// Finds an item of a job that has an embargo at a target; `None` if it does not wait there.
///
/// # Errors
/// When Redis cannot be asked.
pub(crate) async fn find_embargoed(
    queue: &Queue,
    target: &ConfiguredTarget,
    item: &Item,
    wished: Action,
    not_before_ms: i64,
) -> Result<Option<Whereabouts>, QueueError> {
    let (action, _) = target.lane(item, wished, Priority::Normal);
    let waits = queue.embargoed_item(&target.target, item, action, not_before_ms).await?.is_some();
    if waits {
        return Ok(Some(Whereabouts::Embargoed { until_ms: not_before_ms }));
    }
    find(queue, target, item, wished).await
}

/// Finds an item at a target; `None` if it does not wait there: it has settled.
///
/// # Errors
/// When Redis cannot be asked.
pub(crate) async fn find(
    queue: &Queue,
    target: &ConfiguredTarget,
    item: &Item,
    wished: Action,
) -> Result<Option<Whereabouts>, QueueError> {
    // What the item is called does not depend on the priority.
    let (action, _) = target.lane(item, wished, Priority::Normal);
    let target = &target.target;
    if let Some(pending) = queue.pending_item(target, item, action).await? {
        return Ok(Some(Whereabouts::Pending { wait: pending.record.into() }));
    }
    if let Some(id) = queue.batch_of(target, item, action).await?
        && let Some(batch) = queue.batch(target, &id).await?
    {
        return Ok(Some(Whereabouts::Batch {
            batch: id,
            state: batch.state,
            receipt: batch.receipt,
            submitted_at_ms: batch.submitted_at_ms,
            polls: batch.polls,
        }));
    }
    for dir in ancestors(item) {
        let dir = Item::from_normalized(purgeline_core::Kind::Dir, dir);
        if let Some(pending) = queue.pending_item(target, &dir, action).await? {
            return Ok(Some(Whereabouts::Covered { dir: pending.name, wait: pending.record.into() }));
        }
    }
    Ok(None)
}

impl fmt::Display for Whereabouts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pending { wait } => write!(f, "waits {wait}"),
            Self::Covered { dir, wait } => write!(f, "waits with {dir} {wait}"),
            Self::Embargoed { until_ms } => write!(f, "is embargoed until {}", Time(*until_ms)),
            Self::Batch { batch, state: BatchState::Leased, .. } => {
                write!(f, "is being sent in batch {batch}")
            }
            Self::Batch { batch, state: BatchState::Ready, .. } => {
                write!(f, "waits to be sent in batch {batch}, a part of a refused one")
            }
            Self::Batch { batch, state: BatchState::Submitted, receipt, submitted_at_ms, polls } => {
                write!(f, "was accepted in batch {batch}")?;
                if let Some(at) = submitted_at_ms {
                    write!(f, " at {}", Time(*at))?;
                }
                if let Some(receipt) = receipt {
                    write!(f, " as {receipt}")?;
                }
                write!(f, ", asked about {polls} times")
            }
        }
    }
}

impl From<Record> for Wait {
    fn from(record: Record) -> Self {
        let Record { lane, since_ms, attempts, due_ms, latest_ms, cause, .. } = record;
        Self { lane: lane.to_string(), since_ms, attempts, due_ms, latest_ms, cause }
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "in {} since {}", self.lane, Time(self.since_ms))?;
        match (self.due_ms, self.latest_ms) {
            (Some(due), Some(latest)) => {
                write!(f, ", until {} if it stays quiet, {} at the latest", Time(due), Time(latest))?;
            }
            (Some(due), None) => write!(f, ", not before {}", Time(due))?,
            (None, _) => {}
        }
        let times = if self.attempts == 1 { "attempt" } else { "attempts" };
        match (self.attempts, &self.cause) {
            (0, None) => Ok(()),
            (0, Some(cause)) if cause == "rebound" => write!(f, ", to be purged once more"),
            (sent, Some(cause)) => write!(f, ", after {sent} {times} (last: {cause})"),
            (sent, None) => write!(f, ", after {sent} {times}"),
        }
    }
}
