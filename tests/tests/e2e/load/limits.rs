//! The fleet keeps the provider's limits, at the provider's end of the wire.

use crate::faults::misbehave;
use purgeline_core::{JobState, config::WorkerConfig};
use purgeline_providers::ConfiguredTarget;
use purgeline_queue::Queue;
use purgeline_sim::{CallKind, Sim, qiniu::QiniuSettings};
use purgeline_tests::{RETENTION, RunningWorker, TestEnv, many_urls, qiniu, target, worker_config};
use purgeline_worker::{CrashPoint, FaultHook, Worker};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// An account with Qiniu's real rates: 80 calls and 240 items a second.
async fn rated() -> Sim {
    let rate = QiniuSettings::default().rate;
    let settings = QiniuSettings { rate, processing_ms: 10, ..QiniuSettings::lifted() };
    settings.start().await.unwrap()
}

/// Works off so many URLs, all at each target, with two workers.
async fn work_off(sim: &Sim, targets: Vec<ConfiguredTarget>, urls: usize) {
    let env = TestEnv::new(targets).await;
    let submitted = env.submit(&many_urls(urls), &[]).await;
    // Room for what a busy machine does to a call between worker and provider.
    let config = WorkerConfig { headroom_ms: 250, ..worker_config() };
    let workers = ["w1", "w2"].map(|name| {
        let queue = Queue::open(env.redis().url()).unwrap();
        RunningWorker::run(Worker::new(queue.work(), env.targets.clone(), config.clone(), RETENTION, name))
    });
    assert_eq!(env.ended(submitted.job).await.state, JobState::Succeeded);
    env.at_rest().await;
    assert_eq!(sim.log().stats().items_distinct, urls as u64);
    for worker in workers {
        worker.stop().await;
    }
}

/// Gives the most items that arrived in a second.
fn assert_within_limits(sim: &Sim) -> u64 {
    let log = sim.log();
    assert_eq!(log.stats().limited, 0, "the provider refused nothing");
    let busiest = log.busiest(Duration::from_secs(1), |call| call.kind == CallKind::Purge);
    assert!(busiest.items <= 240 && busiest.calls <= 80, "{busiest:?}");
    busiest.items
}

fn cdn(sim: &Sim, name: &str, more: Value) -> ConfiguredTarget {
    target(name, qiniu(sim.base_url(), more))
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_keep_240_items_a_second_and_use_them() {
    let sim = rated().await;
    work_off(&sim, vec![cdn(&sim, "cdn", json!({}))], 960).await;
    assert!(assert_within_limits(&sim) >= 180);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_keep_80_calls_a_second() {
    let sim = rated().await;
    work_off(&sim, vec![cdn(&sim, "cdn", json!({"limits": {"max_urls": 1}}))], 240).await;
    assert_within_limits(&sim);
}

#[tokio::test(flavor = "multi_thread")]
async fn targets_of_one_account_keep_its_limits_together() {
    let sim = rated().await;
    let shared = |name| cdn(&sim, name, json!({"account": "shared"}));
    work_off(&sim, vec![shared("one"), shared("two")], 480).await;
    assert!(assert_within_limits(&sim) >= 180);
    assert_eq!(sim.log().stats().items_asked, 960);
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_hold_at_a_provider_that_misbehaves() {
    let sim = rated().await;
    misbehave(&sim, 0.05);
    let more = json!({"timeout_ms": 300, "max_attempts": 1_000});
    work_off(&sim, vec![cdn(&sim, "cdn", more)], 600).await;
    assert_within_limits(&sim);
}

/// Longer than a permit is good for by the head room of these workers, 50 ms.
const SLOW: Duration = Duration::from_millis(60);

/// Always takes its time between permit and call. Counts its calls.
#[derive(Default)]
struct Slow(AtomicU64);

impl FaultHook for Slow {
    fn reached(&self, point: CrashPoint) {
        match point {
            // Not a wait for something: a machine, or a way to Redis, that is slow.
            CrashPoint::Leased => std::thread::sleep(SLOW),
            CrashPoint::Sending => {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
            _ => {}
        }
    }
}

/// It is not left out, nor are its late calls too many for the provider.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_always_late_makes_the_fleet_slower_and_breaks_no_limit() {
    let sim = rated().await;
    let env = TestEnv::new(vec![cdn(&sim, "cdn", json!({"limits": {"max_urls": 6}}))]).await;
    let submitted = env.submit(&many_urls(720), &[]).await;
    let slow = Arc::new(Slow::default());
    let workers = [
        RunningWorker::run(env.new_worker(&env.targets, "slow").with_fault_hook(slow.clone())),
        RunningWorker::run(env.new_worker(&env.targets, "fast")),
    ];
    assert_eq!(env.ended(submitted.job).await.state, JobState::Succeeded);
    env.at_rest().await;
    assert_within_limits(&sim);
    let (slow, all) = (slow.0.load(Ordering::SeqCst), sim.log().stats().purge_calls);
    assert!(0 < slow && slow < all, "{slow} of {all} calls were the slow worker's");
    for worker in workers {
        worker.stop().await;
    }
}
