use crate::ops::quota_policy;
use purgeline_core::{Action, Item, Kind, Priority, Target};
use purgeline_providers::ConfiguredTarget;
use purgeline_queue::{
    BatchState, CoveringDir, PendingItem, Queue, QueueError, QuotaWait, Record, Standing, WaitReason,
};
use serde::Serialize;

/// Where an item is at a target, and so why it has not been purged yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "where", rename_all = "snake_case")]
pub enum ItemState {
    /// It waits to be sent.
    Pending {
        /// Since when, and why still.
        #[serde(flatten)]
        wait: Wait,
    },
    /// A dir above it will purge it.
    Covered {
        /// That dir.
        dir: String,
        /// Where that is.
        by: Box<Self>,
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
        /// When its worker's lease runs out, or when the provider is asked next, in milliseconds
        /// since 1970.
        due_ms: Option<i64>,
        /// Questions asked about it.
        polls: u32,
    },
}

/// How long something has waited, and what came of it so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Wait {
    /// What it stands in.
    pub lane: String,
    /// When it was first asked for, in milliseconds since 1970.
    pub since_ms: i64,
    /// Sends so far.
    pub attempts: u32,
    /// Delayed until then, in milliseconds since 1970; `None`: it may go.
    pub due_ms: Option<i64>,
    /// It waits for quiet, or to be purged again: until then at the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest_ms: Option<i64>,
    /// The code of the last failed attempt.
    pub cause: Option<String>,
    /// The day's quota that has nothing left for it.
    pub quota: Option<QuotaWait>,
    /// What is in its way.
    pub why: WaitReason,
}

/// How a target stands now, which decides when what waits there goes.
///
/// # Errors
/// When Redis cannot be asked.
pub(crate) async fn read_standing(queue: &Queue, target: &ConfiguredTarget) -> Result<Standing, QueueError> {
    queue.inspect().standing(&target.target, &target.descriptor.limits, target.config.linger_ms).await
}

/// Finds an item of a job that has an embargo at a target; `None` if it does not wait there.
///
/// # Errors
/// When Redis cannot be asked.
pub(crate) async fn find_embargoed(
    queue: &Queue,
    target: &ConfiguredTarget,
    standing: &Standing,
    item: &Item,
    wished: Action,
    not_before_ms: i64,
) -> Result<Option<ItemState>, QueueError> {
    let (action, _) = target.lane(item, wished, Priority::Normal);
    let waits = queue.inspect().embargoed_item(&target.target, item, action, not_before_ms).await?.is_some();
    if waits {
        return Ok(Some(ItemState::Embargoed { until_ms: not_before_ms }));
    }
    find(queue, target, standing, item, wished).await
}

/// Finds an item at a target; `None` if it does not wait there: it has settled.
///
/// # Errors
/// When Redis cannot be asked.
pub(crate) async fn find(
    queue: &Queue,
    target: &ConfiguredTarget,
    standing: &Standing,
    item: &Item,
    wished: Action,
) -> Result<Option<ItemState>, QueueError> {
    // What the item is called does not depend on the priority.
    let (action, _) = target.lane(item, wished, Priority::Normal);
    if let Some((_, state)) = find_pending(queue, target, standing, item, action).await? {
        return Ok(Some(state));
    }
    match queue.inspect().batch_of(&target.target, item, action).await? {
        Some(id) => find_batch(queue, &target.target, id).await,
        None => Ok(None),
    }
}

async fn find_batch(queue: &Queue, target: &Target, id: String) -> Result<Option<ItemState>, QueueError> {
    let Some(batch) = queue.inspect().batch(target, &id).await? else { return Ok(None) };
    Ok(Some(ItemState::Batch {
        batch: id,
        state: batch.state,
        receipt: batch.receipt,
        submitted_at_ms: batch.submitted_at_ms,
        due_ms: batch.due_ms,
        polls: batch.polls,
    }))
}

/// What waits under an item's own name at a target, and why it still does. `action`: as the target
/// does it.
///
/// # Errors
/// When Redis cannot be asked.
pub(crate) async fn find_pending(
    queue: &Queue,
    target: &ConfiguredTarget,
    standing: &Standing,
    item: &Item,
    action: Action,
) -> Result<Option<(PendingItem, ItemState)>, QueueError> {
    let inspect = queue.inspect();
    let Some(mut pending) = inspect.pending_item(&target.target, item, action).await? else {
        return Ok(None);
    };
    if let Some(covering) = inspect.covering_dir(&target.target, item, action, &pending.record).await? {
        let CoveringDir { dir, batch } = covering;
        let by = match batch {
            Some(id) => find_batch(queue, &target.target, id).await?,
            // A dir has few others above it.
            None => Box::pin(find_pending(queue, target, standing, &dir, action)).await?.map(|(_, by)| by),
        };
        if let Some(by) = by {
            return Ok(Some((pending, ItemState::Covered { dir: dir.name(action), by: Box::new(by) })));
        }
    }
    if pending.record.covered_by().is_some() {
        // Its dir is through with it, so it is about to return to its lane.
        (pending.record.due_ms, pending.record.cause) = (None, None);
    }
    let priority = pending.record.lane.priority;
    let quota = inspect.quota_wait(&target.target, &quota_policy(target), item, priority).await?;
    let wait = Wait { quota, ..Wait::of(item.kind(), &pending.record, standing) };
    Ok(Some((pending, ItemState::Pending { wait })))
}

impl Wait {
    fn of(kind: Kind, record: &Record, standing: &Standing) -> Self {
        Self {
            lane: record.lane.to_string(),
            since_ms: record.since_ms,
            attempts: record.attempts,
            due_ms: record.due_ms,
            latest_ms: record.latest_ms,
            cause: record.cause.clone(),
            quota: None,
            why: standing.reason(kind, record),
        }
    }

    /// Whether it waits for a time.
    #[must_use]
    pub const fn is_delayed(&self) -> bool {
        self.due_ms.is_some()
    }
}
