use crate::{
    CrashPoint, FaultHook, RetryPolicy, keeper::Keeper, next_poll::NextPoll, permit::Permits,
    persist::persist, slots::Slots,
};
use purgeline_core::config::WorkerConfig;
use purgeline_providers::{ConfiguredTarget, Provider};
use purgeline_queue::{
    BreakerPolicy, LeasePolicy, PollPolicy, QueueError, QuotaPolicy, Retention, Settlement, WorkQueue,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// What everything that works for one target in this process shares.
pub(crate) struct TargetContext {
    pub(crate) queue: WorkQueue,
    pub(crate) configured: ConfiguredTarget,
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) lease_policy: LeasePolicy,
    pub(crate) quota_policy: QuotaPolicy,
    /// `None`: the provider's calls are the end, nothing is asked about.
    pub(crate) poll_policy: Option<PollPolicy>,
    pub(crate) retry: RetryPolicy,
    pub(crate) breaker: BreakerPolicy,
    pub(crate) retention: Retention,
    pub(crate) worker: WorkerConfig,
    /// This process's name in Redis.
    pub(crate) name: String,
    /// A place of this process is free again, or the housekeeper has found work.
    pub(crate) wake: Notify,
    /// Redis has said that something was enqueued, given back or released, or that a call returned:
    /// to every worker.
    pub(crate) heard: Notify,
    /// Redis can say so: this process is subscribed.
    pub(crate) subscribed: Arc<AtomicBool>,
    /// This worker keeps the target's house.
    pub(crate) housekeeper: AtomicBool,
    /// The targets of this process.
    pub(crate) all_targets: Arc<[purgeline_core::Target]>,
    pub(crate) next_poll: NextPoll,
    pub(crate) permits: Permits,
    /// For questions how a batch fares, which have windows of their own.
    pub(crate) question_permits: Permits,
    pub(crate) slots: Slots,
    pub(crate) keeper: Keeper,
    pub(crate) fault_hook: Arc<dyn FaultHook>,
    /// No new work is taken any more.
    pub(crate) stopping: CancellationToken,
}

impl TargetContext {
    pub(crate) fn target(&self) -> &purgeline_core::Target {
        &self.configured.target
    }

    pub(crate) fn is_housekeeper(&self) -> bool {
        self.housekeeper.load(Ordering::Relaxed)
    }

    pub(crate) fn set_housekeeper(&self, is: bool) {
        self.housekeeper.store(is, Ordering::Relaxed);
    }

    pub(crate) fn is_subscribed(&self) -> bool {
        self.subscribed.load(Ordering::Relaxed)
    }

    pub(crate) fn reached(&self, point: CrashPoint) {
        self.fault_hook.reached(point);
    }

    /// How long a write is tried again: a lease that is not renewed meanwhile has then run out,
    /// and another worker has the items.
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_millis(self.worker.lease_ms.get())
    }

    /// Settles items and lets the jobs hear. Gives up only after a lease's time without Redis.
    pub(crate) async fn settle(
        &self,
        batch: &str,
        settlements: &[(u32, Settlement)],
        point: CrashPoint,
    ) -> Result<(), QueueError> {
        if settlements.is_empty() {
            return Ok(());
        }
        let target = self.target();
        let settled = persist(self.patience(), "settle", || {
            self.queue.settle(target, batch, settlements, &self.retention)
        })
        .await?;
        self.reached(point);
        if settled.parts_ended
            && let Err(error) = self.carry().await
        {
            // What is settled stays so; the outbox is looked at again soon.
            warn!(%error, target = %target.name, "jobs have not heard yet that their items have settled");
        }
        Ok(())
    }

    /// Carries on what the outbox holds, so that jobs end.
    pub(crate) async fn carry(&self) -> Result<(), QueueError> {
        let target = self.target();
        let ended = self.queue.carry_outbox(target, &self.retention).await?;
        for (job, state) in &ended {
            info!(%job, %state, target = %target.name, "job {job} {state}");
        }
        if !ended.is_empty() {
            self.reached(CrashPoint::Carried);
        }
        Ok(())
    }
}
