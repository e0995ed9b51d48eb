//! A worker or a producer in a process of its own, for tests that kill it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what it cannot do ends it, and the test that started it says so"
)]

use nix::{sys::signal::kill, unistd::Pid};
use purgeline_core::{JobOptions, JobRequest, config::WorkerConfig};
use purgeline_producer::{Accept, Producer};
use purgeline_queue::Queue;
use purgeline_tests::{ChildTask, ProcessFault, RETENTION, init_tracing, many_urls, target, worker_config};
use purgeline_worker::{CrashPoint, FaultHook, Worker};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio::signal::unix::{SignalKind, signal};

/// Sends this process a signal when it reaches a point for the first time.
struct FaultAtPoint {
    point: CrashPoint,
    fault: ProcessFault,
    sent: AtomicBool,
}

impl FaultHook for FaultAtPoint {
    fn reached(&self, point: CrashPoint) {
        if point == self.point && !self.sent.swap(true, Ordering::SeqCst) {
            kill(Pid::this(), self.fault.signal()).unwrap();
        }
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    init_tracing();
    let task = std::env::args().nth(1).unwrap();
    match serde_json::from_str(&task).unwrap() {
        ChildTask::Work { redis, name, target: of, config, lease_ms, headroom_ms, fault } => {
            let config = (of, config);
            let worker =
                WorkerConfig { lease_ms: lease_ms.try_into().unwrap(), headroom_ms, ..worker_config() };
            work(&redis, &name, config, worker, fault).await;
        }
        ChildTask::Submit { redis, target: to, config, key, urls } => {
            let producer =
                Producer::new(Queue::open(&redis).unwrap().produce(), vec![target(&to, config)], RETENTION);
            let request = JobRequest {
                urls: many_urls(urls),
                options: JobOptions { idempotency_key: Some(key), ..JobOptions::default() },
                ..JobRequest::default()
            };
            producer.submit(&request, Accept::Whole).await.unwrap();
        }
    }
}

async fn work(
    redis: &str,
    name: &str,
    (of, config): (String, serde_json::Value),
    worker_config: WorkerConfig,
    fault: Option<(String, ProcessFault)>,
) {
    let mut worker = Worker::new(
        Queue::open(redis).unwrap().work(),
        vec![target(&of, config)],
        worker_config,
        RETENTION,
        name,
    );
    if let Some((point, fault)) = fault {
        let point = CrashPoint::ALL.into_iter().find(|known| known.as_str() == point).unwrap();
        worker =
            worker.with_fault_hook(Arc::new(FaultAtPoint { point, fault, sent: AtomicBool::new(false) }));
    }
    let mut terminated = signal(SignalKind::terminate()).unwrap();
    worker
        .run(async move {
            terminated.recv().await;
        })
        .await
        .unwrap();
}
