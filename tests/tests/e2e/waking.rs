//! How a worker learns that there is something to do: by wake-ups, and without them by polling.

use purgeline_core::{JobState, config::WorkerConfig};
use purgeline_queue::Queue;
use purgeline_sim::{CallKind, qiniu::QiniuSettings};
use purgeline_tests::{
    Clocks, RETENTION, RunningWorker, TestEnv, eventually, qiniu, target, url, worker_config,
};
use purgeline_worker::Worker;
use redis::AsyncTypedCommands;
use serde_json::json;
use std::{sync::Arc, time::Duration};

/// Polls so seldom that no test waits for it.
fn by_wake_ups_alone() -> WorkerConfig {
    WorkerConfig { idle_poll_ms: 3_600_000.try_into().unwrap(), ..worker_config() }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_worker_is_woken_and_needs_no_polling() {
    let sim = QiniuSettings { processing_ms: 60, ..QiniuSettings::lifted() }.start().await.unwrap();
    let env = TestEnv::new(vec![target("cdn", qiniu(sim.base_url(), json!({})))]).await;
    let worker = Worker::new(env.queue.work(), env.targets.clone(), by_wake_ups_alone(), RETENTION, "w1");
    let worker = RunningWorker::run(worker);
    for name in ["a", "b", "c"] {
        // Each comes when the worker has long gone to rest again, or is just about to.
        let submitted = env.submit(&[url(name)], &[]).await;
        env.succeeded(submitted.job, &sim).await;
    }
    env.at_rest().await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_wake_ups_are_cut_off_finds_its_work_by_polling() {
    let sim = QiniuSettings { processing_ms: 10, ..QiniuSettings::lifted() }.start().await.unwrap();
    let env = TestEnv::new(vec![target("cdn", qiniu(sim.base_url(), json!({})))]).await;
    let Some(_) = env.redis().alone("a user is made at one server") else { return };
    // A user that may do everything but subscribe.
    let mut redis = env.queue.manager();
    let rights = ["on", "nopass", "~*", "&*", "+@all", "-subscribe"];
    let () = redis::cmd("ACL").arg("SETUSER").arg("deaf").arg(&rights).query_async(&mut redis).await.unwrap();
    let url_of_deaf = format!("{}?user=deaf&pass=x", env.redis().url());
    let queue = Queue::open(&url_of_deaf).unwrap();
    let worker = RunningWorker::start(&queue, &env.targets, "deaf");
    let submitted = env.submit(&[url("a")], &[]).await;
    env.succeeded(submitted.job, &sim).await;
    env.at_rest().await;
    let channels: Vec<String> =
        redis::cmd("PUBSUB").arg("CHANNELS").query_async(&mut env.queue.manager()).await.unwrap();
    assert_eq!(channels, [] as [&str; 0], "nobody listens");
    worker.stop().await;
}

/// Dirs alone have a window, and it has no room for an hour.
#[tokio::test(flavor = "multi_thread")]
async fn an_urgent_url_goes_while_dirs_wait_for_their_window() {
    let sim = QiniuSettings { processing_ms: 10, ..QiniuSettings::lifted() }.start().await.unwrap();
    let limits = json!({"limits": {
        "exceed_documented": true,
        "rates": [{"unit": "dirs", "max": 1, "window_ms": 3_600_000}, {"unit": "calls", "max": 1_000, "window_ms": 1_000}],
    }});
    let env = TestEnv::new(vec![target("cdn", qiniu(sim.base_url(), limits))]).await;
    let worker = Worker::new(env.queue.work(), env.targets.clone(), by_wake_ups_alone(), RETENTION, "w1");
    let worker = RunningWorker::run(worker);
    env.submit(&[] as &[&str], &["https://www.example.com/a/"]).await;
    eventually("one dir goes", || async { (sim.log().of_kind(CallKind::Purge).count() == 1).then_some(()) })
        .await;
    env.submit(&[] as &[&str], &["https://www.example.com/b/"]).await;
    // The worker has looked, and waits for the window of the dirs.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let submitted = env.submit_urgent(&[url("urgent")]).await;
    let urgent =
        || async { Some(env.job(submitted.job).await.state).filter(|state| *state != JobState::Active) };
    let ended = tokio::time::timeout(Duration::from_secs(20), eventually("the urgent URL is purged", urgent));
    assert_eq!(ended.await.expect("it waits for the dirs"), JobState::Succeeded);
    assert_eq!(env.stats().await.pending, 1, "the second dir waits");
    worker.stop().await;
}

/// The call takes longer than the lease; the worker lives and keeps it.
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_kept_as_long_as_its_worker_lives() {
    const LEASE_MS: u64 = 600;
    let clocks = Clocks::at("2026-01-02T00:30:00Z");
    let sim = QiniuSettings { processing_ms: 0, ..QiniuSettings::lifted() }.start().await.unwrap();
    let env = TestEnv::timed(vec![target("cdn", qiniu(sim.base_url(), json!({})))], &clocks).await;
    let config = WorkerConfig { lease_ms: LEASE_MS.try_into().unwrap(), ..worker_config() };
    let worker = Worker::new(env.queue.work(), env.targets.clone(), config, RETENTION, "w1")
        .with_clock(Arc::new(clocks.queue.clone()));
    let worker = RunningWorker::run(worker);
    sim.gate().close_for(CallKind::Purge);
    let submitted = env.submit(&[url("a")], &[]).await;
    sim.wait_for(|log| log.stats().held == 1).await.unwrap();

    let leases = env.queue.keys().leases(env.target());
    let left_ms = || async {
        let leases = env.queue.manager().zrange_withscores(&leases, 0, -1).await.unwrap();
        leases.first().expect("the batch is leased").1 - env.queue.now_ms().await.unwrap() as f64
    };
    for _ in 0..5 {
        clocks.advance(Duration::from_millis(LEASE_MS * 2 / 3));
        eventually("the lease is renewed", || async { (left_ms().await == LEASE_MS as f64).then_some(()) })
            .await;
    }
    sim.gate().open();
    let ended = eventually("the job ends", || async {
        // For the question after it; never so fast that a slow worker loses the lease.
        if env.queue.manager().zcard(&leases).await.unwrap() == 0 {
            clocks.advance(Duration::from_millis(20));
        }
        Some(env.job(submitted.job).await.state).filter(|state| *state != JobState::Active)
    })
    .await;
    assert_eq!(ended, JobState::Succeeded);
    assert_eq!((sim.log().carrying(&url("a")).count(), env.counter("reaped").await), (1, 0));
    env.at_rest().await;
    worker.stop().await;
}
