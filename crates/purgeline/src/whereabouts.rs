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
        /// What is written of it.
        #[serde(flatten)]
        record: Record,
    },
    /// A waiting dir above it will purge it.
    Covered {
        /// That dir.
        dir: String,
        /// What is written of it.
        #[serde(flatten)]
        record: Record,
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
        return Ok(Some(Whereabouts::Pending { record: pending.record }));
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
            return Ok(Some(Whereabouts::Covered { dir: pending.name, record: pending.record }));
        }
    }
    Ok(None)
}

impl fmt::Display for Whereabouts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pending { record } => write!(f, "waits {}", Waiting(record)),
            Self::Covered { dir, record } => write!(f, "waits with {dir} {}", Waiting(record)),
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

struct Waiting<'a>(&'a Record);

impl fmt::Display for Waiting<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Record { lane, since_ms, attempts, due_ms, cause, .. } = self.0;
        write!(f, "in {lane} since {}", Time(*since_ms))?;
        if let Some(due) = due_ms {
            write!(f, ", not before {}", Time(*due))?;
        }
        match (attempts, cause) {
            (0, None) => Ok(()),
            (sent, Some(cause)) => write!(f, ", after {sent} attempts (last: {cause})"),
            (sent, None) => write!(f, ", after {sent} attempts"),
        }
    }
}
