use crate::{Ops, OpsError};
use purgeline_core::{JobId, JobState, TargetName};
use purgeline_queue::{CancelState, CancelledPart, Job};
use serde::Serialize;
use std::collections::BTreeMap;

/// What a cancel did to a job, or would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CancelledJob {
    /// The job.
    pub job: JobId,
    /// Nothing was changed.
    pub dry_run: bool,
    /// How the job stands now.
    pub state: JobState,
    /// Its deliveries that had not ended before.
    pub targets: BTreeMap<TargetName, CancelledDelivery>,
}

/// What a cancel did to a job's delivery at one target, or would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CancelledDelivery {
    /// What became of what waited.
    #[serde(flatten)]
    pub part: CancelledPart,
    /// Items in calls under way: they end as they do.
    pub under_way: u64,
}

impl CancelledJob {
    /// Cancels a job at every configured target where it has not ended, or only looks.
    ///
    /// # Errors
    /// [`OpsError::UnknownJob`]; when Redis cannot be asked: then the job may be cancelled at some
    /// targets, and cancelling it again goes on.
    pub(super) async fn cancel(ops: &Ops, id: JobId, reason: &str, dry_run: bool) -> Result<Self, OpsError> {
        let queue = &ops.queue;
        let before = ops.jobs().read(id).await?;
        let mut targets = BTreeMap::new();
        for name in before.parts.keys().filter(|_| !before.state.is_terminal()) {
            // At a target that is no longer configured nothing goes out, and nothing can be asked.
            let Ok(target) = ops.target(name) else { continue };
            let target = &target.target;
            let recorded = queue.produce().part_is_recorded(id, name).await?;
            if recorded {
                continue;
            }
            let part = queue.operate().cancel(target, id, reason, &ops.retention, dry_run).await?;
            if !dry_run {
                if part.state == CancelState::Absent {
                    let items = before.parts.get(name).map_or(0, |part| part.share);
                    queue.produce().cancel_part(id, name, items, &ops.retention).await?;
                }
                queue.work().carry_outbox(target, &ops.retention).await?;
            }
            targets.insert(name.clone(), part);
        }
        let after = ops.jobs().read(id).await?;
        let targets = targets
            .into_iter()
            .map(|(name, part)| {
                let under_way = open(&after, &name).saturating_sub(if dry_run { part.cancelled } else { 0 });
                (name, CancelledDelivery { part, under_way })
            })
            .collect();
        Ok(Self { job: id, dry_run, state: after.state, targets })
    }
}

/// Items of a part that have been enqueued and have not settled.
fn open(job: &Job, target: &TargetName) -> u64 {
    job.parts.get(target).map_or(0, |part| part.enqueued.saturating_sub(part.counts.settled()))
}
