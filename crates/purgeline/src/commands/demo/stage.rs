use purgeline_config::{Layers, Loaded, Secrets, load};
use purgeline_core::{JobId, JobRequest, JobState, Target};
use purgeline_producer::{Accept, Producer};
use purgeline_queue::{Queue, Retention};
use purgeline_redis_server::RedisServer;
use purgeline_worker::Worker;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    error::Error,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(super) type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Waiting for jobs looks at the target this often.
const LOOK: Duration = Duration::from_millis(20);

/// A Redis of the demonstration's own, a target, a producer and a worker in this process.
pub(super) struct Stage {
    pub(super) producer: Producer,
    queue: Queue,
    target: Target,
    stop: CancellationToken,
    worker: JoinHandle<Result<(), purgeline_worker::WorkerError>>,
    /// In this order: the server ends before its directory goes.
    _redis: RedisServer,
    _directory: TempDir,
}

impl Stage {
    /// Sets it up, with one target of this configuration.
    pub(super) async fn new(target: Value) -> Fallible<Self> {
        let directory = tempfile::tempdir()?;
        let redis = RedisServer::builder(directory.path()).start().await?;
        let queue = Queue::open(redis.url())?;
        let Loaded { config, targets, .. } = load(&Layers::of_text(configuration(&target)?), Secrets::Read)?;
        let retention = Retention::from(&config.retention);
        let target = Target::alone("demo".parse()?);
        let producer = Producer::new(queue.produce(), targets.clone(), retention);
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let worker = Worker::new(queue.work(), targets, config.worker, retention, "demo");
        let worker = tokio::spawn(worker.run(async move { stopped.cancelled().await }));
        Ok(Self { producer, queue, target, stop, worker, _redis: redis, _directory: directory })
    }

    /// Submits a job as a publish hook does; gives its id and how long the hook had to wait.
    pub(super) async fn submit(producer: &Producer, request: &JobRequest) -> Fallible<(JobId, Duration)> {
        let asked = Instant::now();
        let submitted = producer.submit(request, Accept::Whole).await?;
        Ok((submitted.job, asked.elapsed()))
    }

    /// Waits until so many jobs have ended, telling `progress` of how many have.
    pub(super) async fn ended(&self, jobs: u64, progress: impl Fn(u64)) -> Fallible<()> {
        loop {
            if self.worker.is_finished() {
                return Err("the worker ended by itself".into());
            }
            let stats = self.queue.inspect().stats(&self.target).await?;
            let ended = stats.counters.get("jobs_ended").copied().unwrap_or(0);
            progress(ended);
            // The jobs themselves have heard when the outbox is empty.
            if ended >= jobs && stats.outbox == 0 {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The jobs by the state that is written in Redis.
    pub(super) async fn states(&self, jobs: &[JobId]) -> Fallible<BTreeMap<&'static str, usize>> {
        let mut states = BTreeMap::new();
        for id in jobs {
            let job = self.queue.inspect().job(*id, std::slice::from_ref(&self.target)).await?;
            let state = job.ok_or_else(|| format!("job {id} is not kept"))?.state;
            *states.entry(JobState::as_str(state)).or_default() += 1;
        }
        Ok(states)
    }

    /// What the invariants do not allow.
    pub(super) async fn violations(&self) -> Fallible<usize> {
        Ok(self.queue.audit().verify(std::slice::from_ref(&self.target)).await?.len())
    }

    /// Ends the worker; the server ends with this.
    pub(super) async fn close(self) -> Fallible<()> {
        self.stop.cancel();
        self.worker.await??;
        Ok(())
    }
}

/// The configuration, as TOML: one target, and nothing is forgotten before the report.
fn configuration(target: &Value) -> Result<String, toml::ser::Error> {
    toml::to_string(&json!({
        "retention": {
            "succeeded_s": 3_600,
            "failed_s": 3_600,
            "max_dead_letters": 10_000,
            "max_jobs": 1_000_000,
            "max_events": 1_000_000,
            "history_s": 3_600,
        },
        "worker": { "concurrency": 8, "shutdown_grace_ms": 10_000, "headroom_ms": 50 },
        "targets": { "demo": target },
    }))
}

/// The middle and the 99th percentile, in milliseconds with two decimals.
pub(super) fn percentiles(mut waits: Vec<Duration>) -> (f64, f64) {
    waits.sort_unstable();
    let at = |percent: usize| {
        let index = (waits.len() * percent / 100).min(waits.len().saturating_sub(1));
        waits.get(index).map_or(0.0, |wait| (wait.as_secs_f64() * 100_000.0).round() / 100.0)
    };
    (at(50), at(99))
}
