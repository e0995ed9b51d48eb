use super::explain::{self, ItemState};
use crate::OpsError;
use purgeline_core::{Action, Item, JobId, Priority, TargetName};
use purgeline_providers::ConfiguredTarget;
use purgeline_queue::{BatchState, DeadLetter, EmbargoedItem, Hold, LastOutcome, PendingItem, Queue};
use serde::Serialize;

/// How an item fares at each target that serves it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ItemStatus {
    /// Its name: `url:https://www.example.com/a`.
    pub item: String,
    /// How it fares at each.
    pub targets: Vec<ItemAtTarget>,
}

/// How it fares at one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ItemAtTarget {
    /// The target.
    pub target: TargetName,
    /// It waits, or a dir that covers it does.
    pub waiting: Option<WaitingAtTarget>,
    /// It waits for the end of these embargoes, or a dir that covers it does: the first first.
    pub embargoes: Vec<EmbargoedItem>,
    /// It is in these calls.
    pub batches: Vec<ItemInBatch>,
    /// What is held at the target, if anything of it waits there.
    pub holds: Vec<Hold>,
    /// How it last ended, and the dirs above it.
    pub last: Vec<LastOutcome>,
    /// What is kept of its last failure.
    pub dead_letter: Option<DeadLetter>,
}

/// What waits of the item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WaitingAtTarget {
    /// Its name.
    pub item: String,
    /// Where it is, and why still.
    #[serde(flatten)]
    pub state: ItemState,
    /// The jobs that wait for it; not all of them if `more_jobs`.
    pub jobs: Vec<JobId>,
    /// More jobs wait for it than are named.
    pub more_jobs: bool,
    /// Items before it in its lane, about; `None`: it is delayed, or there are very many.
    pub before: Option<u64>,
}

/// A call that the item is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ItemInBatch {
    /// The batch's id at the target.
    pub batch: String,
    /// Where that stands.
    pub state: BatchState,
    /// The worker that sends it, or has sent it.
    pub worker: Option<String>,
    /// When the worker leased it, in milliseconds since 1970.
    pub leased_at_ms: Option<i64>,
    /// What the provider gave for it.
    pub receipt: Option<String>,
    /// When the provider accepted it, in milliseconds since 1970.
    pub submitted_at_ms: Option<i64>,
    /// When its worker's lease runs out, or when the provider is asked next, in milliseconds
    /// since 1970.
    pub due_ms: Option<i64>,
    /// Polls of it so far.
    pub polls: u32,
}

impl ItemAtTarget {
    /// Reads it.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub(super) async fn read(
        queue: &Queue,
        configured: &ConfiguredTarget,
        item: &Item,
        wished: Action,
    ) -> Result<Self, OpsError> {
        // What the item is called does not depend on the priority.
        let (action, _) = configured.lane(item, wished, Priority::Normal);
        let target = &configured.target;
        let standing = explain::read_standing(queue, configured).await?;
        let mut status = Self {
            target: target.name.clone(),
            waiting: None,
            embargoes: queue.inspect().embargoes_of(target, item, action).await?,
            batches: Vec::new(),
            holds: Vec::new(),
            last: queue.inspect().last_outcomes(target, item, action).await?,
            dead_letter: None,
        };
        let found = explain::find_pending(queue, configured, &standing, item, action).await?;
        if let Some((PendingItem { name, record }, state)) = found {
            let before = match record.due_ms {
                Some(_) => None,
                None => queue.inspect().items_before(target, item, action, &record.lane).await?,
            };
            let (jobs, more_jobs) = (record.jobs, record.more_jobs);
            status.waiting = Some(WaitingAtTarget { item: name, state, jobs, more_jobs, before });
        }
        for id in queue.inspect().batches_of(target, item, action).await? {
            // It may have ended since.
            let Some(batch) = queue.inspect().batch(target, &id).await? else { continue };
            status.batches.push(ItemInBatch {
                batch: id,
                state: batch.state,
                worker: batch.worker,
                leased_at_ms: batch.leased_at_ms,
                receipt: batch.receipt,
                submitted_at_ms: batch.submitted_at_ms,
                due_ms: batch.due_ms,
                polls: batch.polls,
            });
        }
        if status.waiting.is_some() || !status.embargoes.is_empty() || !status.batches.is_empty() {
            status.holds = standing.holds;
        }
        let own = item.name(action);
        let failed = status.last.iter().find(|last| last.item == own).and_then(|last| last.dead.as_deref());
        if let Some(id) = failed {
            status.dead_letter = queue.inspect().dead_letter(target, id).await?;
        }
        Ok(status)
    }
}
