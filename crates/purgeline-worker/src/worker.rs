use crate::{
    FaultHook, RetryPolicy,
    backend::TargetBackend,
    context::TargetContext,
    crash_point::NoFaults,
    housekeeping,
    keeper::Keeper,
    next_poll::NextPoll,
    permit::Permits,
    slots::Slots,
    wake,
    work::{Work, WorkTask},
};
use apalis::layers::WorkerBuilderExt;
use apalis_core::{error::BoxDynError, monitor::Monitor, task::data::Data, worker::builder::WorkerBuilder};
use purgeline_core::{Clock, SystemClock, config::WorkerConfig};
use purgeline_providers::{ConfiguredTarget, TargetError};
use purgeline_queue::{
    BreakerPolicy, LeasePolicy, PollPolicy, QuotaPolicy, Retention, WorkQueue, WorkerInfo,
};
use std::{
    future::Future,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};
use thiserror::Error;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

/// A worker process: for each target an apalis worker over the queue.
pub struct Worker {
    queue: WorkQueue,
    targets: Vec<ConfiguredTarget>,
    config: WorkerConfig,
    retention: Retention,
    name: String,
    clock: Arc<dyn Clock>,
    fault_hook: Arc<dyn FaultHook>,
}

/// Why a worker cannot run.
#[derive(Debug, Error)]
pub enum WorkerError {
    /// A target's client cannot be made.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// There is nothing to work for.
    #[error("no target is configured: add one under [targets.NAME]")]
    NoTargets,
    /// The runtime of the workers ended by itself, which it should not.
    #[error("the worker runtime ended: {0}")]
    Runtime(String),
}

impl Worker {
    /// A worker for these targets, under a name that no other worker process has.
    #[must_use]
    pub fn new(
        queue: WorkQueue,
        targets: Vec<ConfiguredTarget>,
        config: WorkerConfig,
        retention: Retention,
        name: impl Into<String>,
    ) -> Self {
        Self {
            queue,
            targets,
            config,
            retention,
            name: name.into(),
            clock: Arc::new(SystemClock),
            fault_hook: Arc::new(NoFaults),
        }
    }

    /// Calls this hook at each crash point.
    #[must_use]
    pub fn with_fault_hook(mut self, fault_hook: Arc<dyn FaultHook>) -> Self {
        self.fault_hook = fault_hook;
        self
    }

    /// Gives the providers' clients this clock, for signatures and quota days.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Works until `shutdown` resolves; then takes nothing new, finishes the calls in flight (for
    /// at most the configured grace), gives back what was not sent, and ends. Rides out outages
    /// of Redis.
    ///
    /// # Errors
    /// When it cannot start: no targets, or one whose client cannot be made.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send + 'static) -> Result<(), WorkerError> {
        if self.targets.is_empty() {
            return Err(WorkerError::NoTargets);
        }
        let stopping = CancellationToken::new();
        let contexts = self.contexts(&stopping)?;
        let ended = CancellationToken::new();
        let mut chores = tokio::task::JoinSet::new();
        for context in &contexts {
            let (of_keeper, of_house, end) = (Arc::clone(context), Arc::clone(context), ended.clone());
            chores.spawn(async move { of_keeper.keep_leases(&end).await });
            let end = ended.clone();
            chores.spawn(async move { of_house.keep_house(&end).await });
            let (of_quotas, end) = (Arc::clone(context), ended.clone());
            chores.spawn(async move { of_quotas.watch_quotas(&end).await });
        }
        let (queue, listeners, end) = (self.queue.clone(), contexts.clone(), ended.clone());
        chores.spawn(async move { wake::carry(&queue, &listeners, &end).await });

        let (queue, info, end) = (self.queue.clone(), self.info(), ended.clone());
        chores.spawn(async move { housekeeping::show_alive(&queue, info, &end).await });

        info!(worker = %self.name, targets = contexts.len(), "worker {} started", self.name);
        let grace = Duration::from_millis(self.config.shutdown_grace_ms);
        let mut monitor = Monitor::new().shutdown_timeout(grace).should_restart(|_, _| true);
        for context in contexts {
            let concurrency = context.slots.free();
            monitor = monitor.register(move |_| {
                let name = format!("{}/{}", context.name, context.target().name);
                WorkerBuilder::new(name)
                    .backend(TargetBackend::new(Arc::clone(&context)))
                    .concurrency(concurrency)
                    .catch_panic()
                    .data(Arc::clone(&context))
                    .build(work)
            });
        }
        let signal = async move {
            shutdown.await;
            info!("stopping: no new work, finishing calls in flight");
            stopping.cancel();
            Ok(())
        };
        let result = monitor.run_with_signal(signal).await;
        ended.cancel();
        while let Some(chore) = chores.join_next().await {
            if let Err(error) = chore {
                warn!(%error, "a chore ended badly");
            }
        }
        info!(worker = %self.name, "worker {} stopped", self.name);
        result.map_err(|error| WorkerError::Runtime(error.to_string()))
    }

    fn info(&self) -> WorkerInfo {
        WorkerInfo {
            name: self.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            library: purgeline_queue::Queue::library_name().to_owned(),
            pid: std::process::id(),
            targets: self.targets.iter().map(|configured| configured.target.name.clone()).collect(),
            since_ms: 0,
            seen_ms: 0,
        }
    }

    fn contexts(&self, stopping: &CancellationToken) -> Result<Vec<Arc<TargetContext>>, WorkerError> {
        let subscribed = Arc::new(AtomicBool::new(false));
        let all_targets: Arc<[_]> = self.targets.iter().map(|configured| configured.target.clone()).collect();
        let mut contexts = Vec::new();
        for configured in &self.targets {
            let (limits, lease_ms) = (&configured.descriptor.limits, self.config.lease_ms.get());
            let headroom_ms = self.config.headroom_ms;
            let provider = configured.client(Arc::clone(&self.clock))?;
            contexts.push(Arc::new(TargetContext {
                queue: self.queue.clone(),
                provider,
                lease_policy: LeasePolicy::of(&configured.descriptor, &configured.config, &self.config),
                quota_policy: QuotaPolicy::of(&configured.descriptor, &configured.config),
                poll_policy: PollPolicy::of(&configured.descriptor, &self.config),
                retry: RetryPolicy {
                    initial: Duration::from_millis(configured.config.retry_initial_ms.get()),
                    max: Duration::from_millis(configured.config.retry_max_ms.get()),
                    max_attempts: configured.config.max_attempts.get(),
                    max_age: Duration::from_secs(configured.config.max_age_s.get()),
                },
                breaker: BreakerPolicy::from(&configured.config.breaker),
                retention: self.retention,
                worker: self.config.clone(),
                name: self.name.clone(),
                wake: Notify::new(),
                heard: Notify::new(),
                subscribed: Arc::clone(&subscribed),
                housekeeper: AtomicBool::new(false),
                all_targets: Arc::clone(&all_targets),
                next_poll: NextPoll::now(),
                permits: Permits::to_purge(limits, lease_ms, headroom_ms),
                question_permits: Permits::to_ask(limits, lease_ms, headroom_ms),
                slots: Slots::new(
                    limits.max_in_flight.min(self.config.concurrency),
                    configured.descriptor.polls.is_some(),
                ),
                keeper: Keeper::default(),
                fault_hook: Arc::clone(&self.fault_hook),
                stopping: stopping.clone(),
                configured: configured.clone(),
            }));
        }
        Ok(contexts)
    }
}

/// The apalis service of a target's worker.
async fn work(work: Work, context: Data<Arc<TargetContext>>) -> Result<(), BoxDynError> {
    let done = match work.task {
        WorkTask::Submit(batch, permit) => context.submit(batch, permit).await,
        WorkTask::Confirm(due, permit) => context.confirm(due, permit).await,
    };
    drop(work.slot);
    // There is a place again, and what was accepted is to be asked about.
    context.wake.notify_one();
    // Nothing is lost: a lease that is not settled runs out, a poll that was not put off is due
    // again.
    done.map_err(|error| {
        error!(%error, worker = %context.name, target = %context.target().name, "work was left to its lease: {error}");
        error.into()
    })
}
