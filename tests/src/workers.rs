use crate::{PATIENCE, RETENTION};
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

/// Leases that no test outlives, so that a slow machine loses none; short ones are set where it
/// is seen what happens when they run out.
#[must_use]
pub fn worker_config() -> WorkerConfig {
    WorkerConfig {
        lease_ms: NonZeroU64::new(20_000).unwrap(),
        idle_poll_ms: NonZeroU64::new(200).unwrap(),
        concurrency: NonZeroU32::new(8).unwrap(),
        shutdown_grace_ms: 60_000,
        headroom_ms: 50,
    }
}

impl RunningWorker {
    #[must_use]
    pub fn start(queue: &Queue, targets: &[ConfiguredTarget], name: &str) -> Self {
        Self::run(Worker::new(queue.work(), targets.to_vec(), worker_config(), RETENTION, name))
    }

    #[must_use]
    pub fn run(worker: Worker) -> Self {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let handle = tokio::spawn(worker.run(async move { stopped.cancelled().await }));
        Self { stop, handle }
    }

    /// Whether it still runs: a worker ends only when it is told to.
    #[must_use]
    pub fn is_running(&self) -> bool {
        !self.handle.is_finished()
    }

    /// Tells it to stop, as SIGTERM does, and does not wait.
    pub fn ask_to_stop(&self) {
        self.stop.cancel();
    }

    /// As SIGTERM does: nothing new, calls in flight are finished.
    pub async fn stop(self) {
        self.stop.cancel();
        let ended = tokio::time::timeout(PATIENCE, self.handle).await;
        ended.expect("the worker ends when told to").unwrap().unwrap();
    }
}
