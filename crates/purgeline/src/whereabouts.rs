use crate::output::{HoldText, Time};
use purgeline_core::{Action, Item, Kind, Priority, Target};
use purgeline_providers::ConfiguredTarget;
use purgeline_queue::{
    BatchState, CoveringDir, PendingItem, Queue, QueueError, QuotaPolicy, QuotaWait, Record, Standing,
    WaitReason,
};
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
    /// The day's quota that has nothing left for it.
    quota: Option<QuotaWait>,
    /// What is in its way.
    why: WaitReason,
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
) -> Result<Option<Whereabouts>, QueueError> {
    let (action, _) = target.lane(item, wished, Priority::Normal);
    let waits = queue.embargoed_item(&target.target, item, action, not_before_ms).await?.is_some();
    if waits {
        return Ok(Some(Whereabouts::Embargoed { until_ms: not_before_ms }));
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
) -> Result<Option<Whereabouts>, QueueError> {
    // What the item is called does not depend on the priority.
    let (action, _) = target.lane(item, wished, Priority::Normal);
    if let Some((_, whereabouts)) = find_pending(queue, target, standing, item, action).await? {
        return Ok(Some(whereabouts));
    }
    match queue.batch_of(&target.target, item, action).await? {
        Some(id) => find_batch(queue, &target.target, id).await,
        None => Ok(None),
    }
}

async fn find_batch(queue: &Queue, target: &Target, id: String) -> Result<Option<Whereabouts>, QueueError> {
    let Some(batch) = queue.batch(target, &id).await? else { return Ok(None) };
    Ok(Some(Whereabouts::Batch {
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
) -> Result<Option<(PendingItem, Whereabouts)>, QueueError> {
    let policy =
        QuotaPolicy::new(&target.descriptor.limits, target.config.limits.quota_reserve_percent.get());
    let Some(mut pending) = queue.pending_item(&target.target, item, action).await? else { return Ok(None) };
    if let Some(covering) = queue.covering_dir(&target.target, item, action, &pending.record).await? {
        let CoveringDir { dir, batch } = covering;
        let by = match batch {
            Some(id) => find_batch(queue, &target.target, id).await?,
            // A dir has few others above it.
            None => Box::pin(find_pending(queue, target, standing, &dir, action)).await?.map(|(_, by)| by),
        };
        if let Some(by) = by {
            let whereabouts = Whereabouts::Covered { dir: dir.name(action), by: Box::new(by) };
            return Ok(Some((pending, whereabouts)));
        }
    }
    if pending.record.covered_by().is_some() {
        // Its dir is through with it, so it is about to stand in its lane again.
        (pending.record.due_ms, pending.record.cause) = (None, None);
    }
    let quota = queue.quota_wait(&target.target, &policy, item, pending.record.lane.priority).await?;
    let wait = Wait { quota, ..Wait::of(item.kind(), &pending.record, standing) };
    Ok(Some((pending, Whereabouts::Pending { wait })))
}

impl fmt::Display for Whereabouts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pending { wait } => write!(f, "waits {wait}"),
            Self::Covered { dir, by } => write!(f, "is covered by {dir}, which {by}"),
            Self::Embargoed { until_ms } => write!(f, "is embargoed until {}", Time(*until_ms)),
            Self::Batch { batch, state: BatchState::Leased, .. } => {
                write!(f, "is being sent in batch {batch}")
            }
            Self::Batch { batch, state: BatchState::Ready, .. } => {
                write!(f, "waits to be sent in batch {batch}, a part of a refused one")
            }
            Self::Batch { batch, state: BatchState::Submitted, receipt, submitted_at_ms, due_ms, polls } => {
                write!(f, "was accepted in batch {batch}")?;
                if let Some(at) = submitted_at_ms {
                    write!(f, " at {}", Time(*at))?;
                }
                if let Some(receipt) = receipt {
                    write!(f, " as {receipt}")?;
                }
                write!(f, ", asked about {polls} times")?;
                match due_ms {
                    Some(due) => write!(f, ", next at {}", Time(*due)),
                    None => Ok(()),
                }
            }
        }
    }
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
    pub(crate) const fn is_delayed(&self) -> bool {
        self.due_ms.is_some()
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
        if let Some(QuotaWait { quota, until_ms }) = &self.quota {
            write!(f, ", for quota {quota} until {}", Time(*until_ms))?;
        }
        let times = if self.attempts == 1 { "attempt" } else { "attempts" };
        match (self.attempts, &self.cause) {
            (0, None) => {}
            (0, Some(cause)) if cause == "rebound" => write!(f, ", to be purged once more")?,
            (sent, Some(cause)) => write!(f, ", after {sent} {times} (last: {cause})")?,
            (sent, None) => write!(f, ", after {sent} {times}")?,
        }
        match &self.why {
            // That was said.
            WaitReason::Delayed { .. } => Ok(()),
            WaitReason::Turn if self.quota.is_some() => Ok(()),
            why => write!(f, "; {}", Why(why)),
        }
    }
}

/// What is in an item's way, for people.
struct Why<'a>(&'a WaitReason);

impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            WaitReason::Delayed { until_ms, .. } => write!(f, "delayed until {}", Time(*until_ms)),
            WaitReason::UnderWay => f.write_str("the provider works on an earlier request for it"),
            WaitReason::Held { hold } => write!(f, "held: {}", HoldText(hold)),
            WaitReason::Calls { max } => write!(f, "all {max} calls are under way"),
            WaitReason::Rate { rate } => {
                write!(f, "the limit {} is used up, {} of {}", rate.rate, rate.used, rate.max)?;
                match rate.frees_ms {
                    Some(frees) => write!(f, ", until {}", Time(frees)),
                    None => Ok(()),
                }
            }
            WaitReason::Linger { until_ms } => {
                write!(f, "its call waits for company until {}", Time(*until_ms))
            }
            WaitReason::Turn => f.write_str("nothing is in its way: it goes when a worker asks"),
        }
    }
}
