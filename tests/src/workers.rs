use crate::stage::RETENTION;
use purgeline_core::config::WorkerConfig;
use purgeline_providers::ConfiguredTarget;
use purgeline_queue::Queue;
use purgeline_worker::{Worker, WorkerError};
use std::num::{NonZeroU32, NonZeroU64};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A worker in this process.
pub struct RunningWorker {
    stop: CancellationToken,
    handle: JoinHandle<Result<(), WorkerError>>,
}

/// Short leases and polls, so that a test sees what happens when they run out.
pub fn worker_config() -> WorkerConfig {
    WorkerConfig {
        lease_ms: NonZeroU64::new(1_500).unwrap(),
        idle_poll_ms: NonZeroU64::new(200).unwrap(),
        concurrency: NonZeroU32::new(8).unwrap(),
        shutdown_grace_ms: 10_000,
        headroom_ms: 50,
    }
}

impl RunningWorker {
    pub fn start(queue: &Queue, targets: &[ConfiguredTarget], name: &str) -> Self {
        Self::run(Worker::new(queue.clone(), targets.to_vec(), worker_config(), RETENTION, name))
    }

    pub fn run(worker: Worker) -> Self {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let handle = tokio::spawn(worker.run(async move { stopped.cancelled().await }));
        Self { stop, handle }
    }

    /// As SIGTERM does: nothing new, calls in flight are finished.
    pub async fn stop(self) {
        self.stop.cancel();
        self.handle.await.unwrap().unwrap();
    }
}
