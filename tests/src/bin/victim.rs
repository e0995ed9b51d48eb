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
use purgeline_tests::{Blow, Orders, RETENTION, init_tracing, many_urls, target, worker_config};
use purgeline_worker::{Observer, Step, Worker};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio::signal::unix::{SignalKind, signal};

/// Strikes this process when a step is reached for the first time.
struct Strike {
    step: Step,
    blow: Blow,
    struck: AtomicBool,
}

impl Observer for Strike {
    fn reached(&self, step: Step) {
        if step == self.step && !self.struck.swap(true, Ordering::SeqCst) {
            kill(Pid::this(), self.blow.signal()).unwrap();
        }
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    init_tracing();
    let orders = std::env::args().nth(1).unwrap();
    match serde_json::from_str(&orders).unwrap() {
        Orders::Work { redis, name, target: of, config, lease_ms, headroom_ms, befalls } => {
            let config = (of, config);
            let worker =
                WorkerConfig { lease_ms: lease_ms.try_into().unwrap(), headroom_ms, ..worker_config() };
            work(&redis, &name, config, worker, befalls).await;
        }
        Orders::Submit { redis, target: to, config, key, urls } => {
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
    befalls: Option<(String, Blow)>,
) {
    let mut worker = Worker::new(
        Queue::open(redis).unwrap().work(),
        vec![target(&of, config)],
        worker_config,
        RETENTION,
        name,
    );
    if let Some((step, blow)) = befalls {
        let step = Step::ALL.into_iter().find(|known| known.as_str() == step).unwrap();
        worker = worker.with_observer(Arc::new(Strike { step, blow, struck: AtomicBool::new(false) }));
    }
    let mut terminated = signal(SignalKind::terminate()).unwrap();
    worker
        .run(async move {
            terminated.recv().await;
        })
        .await
        .unwrap();
}
