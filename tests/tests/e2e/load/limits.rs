//! The fleet keeps the provider's limits, at the provider's end of the wire.

use purgeline_core::config::WorkerConfig;
use purgeline_queue::Queue;
use purgeline_sim::{Busiest, CallKind, Sim, qiniu::QiniuSettings};
use purgeline_tests::{RETENTION, RunningWorker, Stage, many_urls, qiniu, target, worker_config};
use purgeline_worker::Worker;
use serde_json::{Value, json};
use std::time::Duration;

/// Works off so many URLs with two workers at Qiniu's real limits.
async fn busiest(urls: usize, more: Value) -> (Sim, Busiest) {
    let settings =
        QiniuSettings { rate: QiniuSettings::default().rate, processing_ms: 10, ..QiniuSettings::lifted() };
    let sim = settings.start().await.unwrap();
    let stage = Stage::new(vec![target("cdn", qiniu(sim.base_url(), more))]).await;
    let submitted = stage.submit(&many_urls(urls), &[]).await;
    // Room for what a busy machine does to a call between worker and provider.
    let config = WorkerConfig { headroom_ms: 250, ..worker_config() };
    let workers = ["w1", "w2"].map(|name| {
        let queue = Queue::open(stage.redis.url()).unwrap();
        RunningWorker::run(Worker::new(queue, stage.targets.clone(), config.clone(), RETENTION, name))
    });
    let job = stage.ended(submitted.job).await;
    assert_eq!(job.state, purgeline_core::JobState::Succeeded);
    stage.at_rest().await;
    for worker in workers {
        worker.stop().await;
    }
    let log = sim.log();
    assert_eq!(log.stats().limited, 0, "the provider refused nothing");
    assert_eq!(log.stats().items_distinct, urls as u64);
    let busiest = log.busiest(Duration::from_secs(1), |call| call.kind == CallKind::Purge);
    (sim, busiest)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_keep_240_items_a_second() {
    let (_sim, busiest) = busiest(960, json!({})).await;
    assert!(busiest.items <= 240 && busiest.calls <= 80, "{busiest:?}");
    assert_eq!(busiest.items, 240, "and use them");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_keep_80_calls_a_second() {
    let (_sim, busiest) = busiest(240, json!({"limits": {"max_urls": 1}})).await;
    assert!(busiest.items <= 240 && busiest.calls <= 80, "{busiest:?}");
}
