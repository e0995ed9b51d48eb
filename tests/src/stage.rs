use crate::RunningWorker;
use purgeline_core::{JobId, JobOptions, JobRequest, JobState, Target, config::Durability};
use purgeline_producer::{Accept, Producer, Submitted};
use purgeline_providers::ConfiguredTarget;
use purgeline_queue::{Job, Queue, Retention, server::RedisServer};
use std::{fmt::Debug, future::Future, time::Duration};

/// How long a test waits for a state before it says that it does not come. Never the time that
/// is expected: only a test that fails gets there.
const PATIENCE: Duration = Duration::from_secs(60);

pub const RETENTION: Retention = Retention {
    succeeded_ms: 3_600_000,
    failed_ms: 3_600_000,
    max_dead_letters: 100_000,
    max_events: 100_000,
};

/// A redis-server of its own, targets, a producer.
pub struct Stage {
    pub redis: RedisServer,
    pub queue: Queue,
    pub targets: Vec<ConfiguredTarget>,
    pub producer: Producer,
}

/// `RUST_LOG=purgeline_worker=debug cargo nextest run … --no-capture` shows what workers do.
pub fn init_tracing() {
    let _ = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_test_writer()
        .try_init();
}

impl Stage {
    pub async fn new(targets: Vec<ConfiguredTarget>) -> Self {
        Self::durable(targets, Durability::Everysec).await
    }

    pub async fn durable(targets: Vec<ConfiguredTarget>, durability: Durability) -> Self {
        init_tracing();
        let redis = RedisServer::for_test().durability(durability).start().await.unwrap();
        let queue = Queue::open(redis.url()).unwrap();
        let producer = Producer::new(queue.clone(), targets.clone(), RETENTION);
        Self { redis, queue, targets, producer }
    }

    pub fn target_refs(&self) -> Vec<Target> {
        self.targets.iter().map(|configured| configured.target.clone()).collect()
    }

    pub fn worker(&self, name: &str) -> RunningWorker {
        RunningWorker::start(&self.queue, &self.targets, name)
    }

    pub async fn submit(&self, urls: &[&str], dirs: &[&str]) -> Submitted {
        let request = JobRequest {
            urls: urls.iter().map(ToString::to_string).collect(),
            dirs: dirs.iter().map(ToString::to_string).collect(),
            options: JobOptions::default(),
            ..JobRequest::default()
        };
        self.producer.submit(&request, Accept::Whole).await.unwrap()
    }

    pub async fn job(&self, id: JobId) -> Job {
        self.queue.job(id, &self.target_refs()).await.unwrap().expect("the job is kept")
    }

    /// Waits until a job has ended.
    pub async fn ended(&self, id: JobId) -> Job {
        eventually(&format!("job {id} ends"), || async {
            let job = self.queue.job(id, &self.target_refs()).await.ok()??;
            (job.state != JobState::Active).then_some(job)
        })
        .await
    }

    /// Nothing waits, nothing is under way, and the invariants hold.
    pub async fn at_rest(&self) {
        eventually("all targets are at rest", || async {
            for target in self.target_refs() {
                let stats = self.queue.stats(&target).await.ok()?;
                if stats.pending + stats.in_batches + stats.open_batches + stats.in_flight > 0 {
                    return None;
                }
            }
            Some(())
        })
        .await;
        eventually("nothing is wrong in Redis", || async {
            self.queue.verify(&self.target_refs()).await.ok()?.is_empty().then_some(())
        })
        .await;
    }

    pub async fn assert_verified(&self) {
        let violations = self.queue.verify(&self.target_refs()).await.unwrap();
        assert!(violations.is_empty(), "{violations:#?}");
    }
}

/// Looks again and again until there is an answer; a failing test says what did not come.
pub async fn eventually<T: Debug, F: Future<Output = Option<T>>>(
    what: &str,
    mut look: impl FnMut() -> F,
) -> T {
    let looking = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    match tokio::time::timeout(PATIENCE, looking).await {
        Ok(found) => found,
        Err(_) => panic!("it never came that {what}"),
    }
}
