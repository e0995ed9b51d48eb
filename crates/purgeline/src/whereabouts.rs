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
    /// The code of the last failed attempt.
    cause: Option<String>,
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
        let Record { lane, since_ms, attempts, due_ms, cause, .. } = record;
        Self { lane: lane.to_string(), since_ms, attempts, due_ms, cause }
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "in {} since {}", self.lane, Time(self.since_ms))?;
        if let Some(due) = self.due_ms {
            write!(f, ", not before {}", Time(due))?;
        }
        let times = if self.attempts == 1 { "attempt" } else { "attempts" };
        match (self.attempts, &self.cause) {
            (0, None) => Ok(()),
            (sent, Some(cause)) => write!(f, ", after {sent} {times} (last: {cause})"),
            (sent, None) => write!(f, ", after {sent} {times}"),
        }
    }
}
