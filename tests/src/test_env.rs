use crate::{Calls, Clocks, RunningWorker, TestRedis, eventually, wait::patiently, worker_config};
use purgeline_core::{
    Item, JobId, JobOptions, JobRequest, JobState, PartCounts, Priority, Target, config::Durability,
};
use purgeline_producer::{Accept, Producer, Submitted};
use purgeline_providers::ConfiguredTarget;
use purgeline_queue::{Hold, Job, Queue, QuotaPolicy, QuotaWait, Retention, TargetStats};
use purgeline_sim::Sim;
use purgeline_worker::Worker;
use redis::AsyncTypedCommands;
use std::sync::Arc;

pub const RETENTION: Retention = Retention {
    succeeded_ms: 3_600_000,
    failed_ms: 3_600_000,
    max_dead_letters: 100_000,
    max_jobs: 1_000_000,
    max_events: 100_000,
    history_ms: 604_800_000,
    max_history: 100_000,
};

/// A Redis of its own, targets, a producer.
pub struct TestEnv {
    /// What was started for it; a test that brings its own queue keeps its Redis itself.
    redis: Option<TestRedis>,
    pub queue: Queue,
    pub targets: Vec<ConfiguredTarget>,
    pub producer: Producer,
    pub clocks: Option<Clocks>,
}

/// `RUST_LOG=purgeline_worker=debug cargo nextest run … --no-capture` shows what workers do.
pub fn init_tracing() {
    let _ = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_test_writer()
        .try_init();
}

impl TestEnv {
    pub async fn new(targets: Vec<ConfiguredTarget>) -> Self {
        Self::set(targets, Durability::Everysec, None).await
    }

    /// Every write is on disk before it is answered.
    pub async fn durable(targets: Vec<ConfiguredTarget>) -> Self {
        Self::set(targets, Durability::Always, None).await
    }

    /// Queue and workers live in the time of these clocks.
    pub async fn timed(targets: Vec<ConfiguredTarget>, clocks: &Clocks) -> Self {
        Self::set(targets, Durability::Everysec, Some(clocks.clone())).await
    }

    async fn set(targets: Vec<ConfiguredTarget>, durability: Durability, clocks: Option<Clocks>) -> Self {
        init_tracing();
        let redis = TestRedis::chosen(durability).await;
        let mut queue = Queue::open(redis.url()).unwrap();
        if let Some(clocks) = &clocks {
            queue = queue.with_clock(clocks.queue.clone());
        }
        Self { redis: Some(redis), clocks, ..Self::over(queue, targets) }
    }

    /// On a queue whose Redis the test keeps.
    #[must_use]
    pub fn over(queue: Queue, targets: Vec<ConfiguredTarget>) -> Self {
        init_tracing();
        let producer = Producer::new(queue.produce(), targets.clone(), RETENTION);
        Self { redis: None, queue, targets, producer, clocks: None }
    }

    /// The Redis that was started for it.
    #[must_use]
    pub fn redis(&self) -> &TestRedis {
        self.redis.as_ref().expect("the environment has its own Redis")
    }

    /// The same, to be killed and started.
    pub fn redis_mut(&mut self) -> &mut TestRedis {
        self.redis.as_mut().expect("the environment has its own Redis")
    }

    #[must_use]
    pub fn target(&self) -> &Target {
        &self.targets[0].target
    }

    #[must_use]
    pub fn target_refs(&self) -> Vec<Target> {
        self.targets.iter().map(|configured| configured.target.clone()).collect()
    }

    // === workers ===

    #[must_use]
    pub fn worker(&self, name: &str) -> RunningWorker {
        RunningWorker::run(self.new_worker(&self.targets, name))
    }

    /// A worker for other targets than the environment's: with mended credentials, say.
    #[must_use]
    pub fn new_worker(&self, targets: &[ConfiguredTarget], name: &str) -> Worker {
        let worker = Worker::new(self.queue.work(), targets.to_vec(), worker_config(), RETENTION, name);
        match &self.clocks {
            Some(clocks) => worker.with_clock(Arc::new(clocks.queue.clone())),
            None => worker,
        }
    }

    // === jobs ===

    pub async fn submit(&self, urls: &[impl AsRef<str>], dirs: &[&str]) -> Submitted {
        self.submit_as(JobOptions::default(), urls, dirs).await
    }

    pub async fn submit_urgent(&self, urls: &[impl AsRef<str>]) -> Submitted {
        self.submit_as(JobOptions { priority: Priority::Urgent, ..JobOptions::default() }, urls, &[]).await
    }

    pub async fn submit_as(&self, options: JobOptions, urls: &[impl AsRef<str>], dirs: &[&str]) -> Submitted {
        let request = JobRequest {
            urls: urls.iter().map(|url| url.as_ref().to_owned()).collect(),
            dirs: dirs.iter().map(ToString::to_string).collect(),
            options,
            ..JobRequest::default()
        };
        self.producer.submit(&request, Accept::Whole).await.unwrap()
    }

    pub async fn job(&self, id: JobId) -> Job {
        self.queue.inspect().job(id, &self.target_refs()).await.unwrap().expect("the job is kept")
    }

    /// Waits until a job has ended.
    pub async fn ended(&self, id: JobId) -> Job {
        let ended = patiently(|| async {
            let job = self.queue.inspect().job(id, &self.target_refs()).await.ok()??;
            (job.state != JobState::Active).then_some(job)
        });
        match ended.await {
            Some(job) => job,
            None => panic!("it does not end: {:#?}, {:#?}", self.job(id).await, self.stats().await),
        }
    }

    /// Waits until a job has ended; it has succeeded, its counters say so, and the provider has
    /// seen a call after its submission for each of its items.
    pub async fn succeeded(&self, id: JobId, sim: &Sim) -> Job {
        let job = self.ended(id).await;
        assert_eq!(job.state, JobState::Succeeded, "{job:#?}");
        for part in job.parts.values() {
            let all = PartCounts {
                items: part.counts.items,
                succeeded: part.counts.items,
                ..PartCounts::default()
            };
            assert_eq!(part.counts, all);
        }
        Calls::of(&sim.log()).assert_cover(&job);
        job
    }

    // === states ===

    pub async fn stats(&self) -> TargetStats {
        self.queue.inspect().stats(self.target()).await.unwrap()
    }

    /// One of a target's counters since the beginning.
    pub async fn counter(&self, name: &str) -> u64 {
        self.stats().await.counters.get(name).copied().unwrap_or_default()
    }

    pub async fn holds(&self) -> Vec<Hold> {
        self.queue.inspect().holds(self.target()).await.unwrap()
    }

    /// Waits until the target is held under a name.
    pub async fn held(&self, name: &str) -> Hold {
        eventually(&format!("{name} is held"), || async {
            self.queue.inspect().holds(self.target()).await.ok()?.into_iter().find(|hold| hold.name == name)
        })
        .await
    }

    /// The day's quota that an item of ordinary priority waits for at the target.
    pub async fn quota_wait(&self, item: &Item) -> Option<QuotaWait> {
        let configured = &self.targets[0];
        let policy = QuotaPolicy::of(&configured.descriptor, &configured.config);
        self.queue.inspect().quota_wait(self.target(), &policy, item, Priority::Normal).await.unwrap()
    }

    /// Waits until an item of ordinary priority would have to wait for a quota.
    pub async fn out_of_quota(&self, item: &Item) -> QuotaWait {
        eventually(&format!("{item} waits for a quota"), || self.quota_wait(item)).await
    }

    /// Whether an item waits at the target.
    pub async fn is_pending(&self, item: &Item) -> bool {
        let item =
            self.queue.inspect().pending_item(self.target(), item, purgeline_core::Action::Default).await;
        item.unwrap().is_some()
    }

    /// Has so much time pass for all that waits for a time: leases, questions, delays. For those
    /// whose time is Redis's own, since a process that stands beside the test takes no other.
    pub async fn pass(&self, ms: u64) {
        for target in self.target_refs() {
            let keys = self.queue.keys();
            for key in [keys.leases(&target), keys.polls(&target), keys.delayed(&target)] {
                let sooner = -f64::from(u32::try_from(ms).unwrap());
                for member in self.queue.manager().zrange(&key, 0, -1).await.unwrap() {
                    self.queue.manager().zincr(&key, member, sooner).await.unwrap();
                }
            }
        }
    }

    /// Nothing waits, nothing is under way, and the invariants hold.
    pub async fn at_rest(&self) {
        for target in self.target_refs() {
            let resting = patiently(|| async {
                let stats = self.queue.inspect().stats(&target).await.ok()?;
                let busy = stats.pending
                    + stats.in_batches
                    + stats.open_batches
                    + stats.ready_batches
                    + stats.in_flight
                    + stats.outbox;
                (busy == 0).then_some(())
            });
            if resting.await.is_none() {
                panic!("{} is not at rest: {:#?}", target.name, self.queue.inspect().stats(&target).await);
            }
        }
        self.assert_verified().await;
    }

    /// Nothing in Redis breaks the invariants. Exact when nothing moves.
    pub async fn assert_verified(&self) {
        let violations = self.queue.audit().verify(&self.target_refs()).await.unwrap();
        assert!(violations.is_empty(), "{violations:#?}");
    }
}
