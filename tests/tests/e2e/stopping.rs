//! Workers come and go: what a stopping one has at the provider it finishes, the rest it returns.

use purgeline_core::{Action, Item, JobState, config::WorkerConfig};
use purgeline_queue::Queue;
use purgeline_sim::{CallKind, CallLog, qiniu::QiniuSettings};
use purgeline_tests::{
    RETENTION, Relay, RunningWorker, TestCache, TestEnv, lifted_limits, many_urls, merge, qiniu, target, url,
    worker_config,
};
use purgeline_worker::Worker;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_worker_finishes_its_calls_and_leaves_no_lease() {
    let sim = QiniuSettings { processing_ms: 10, ..QiniuSettings::lifted() }.start().await.unwrap();
    let config = qiniu(sim.base_url(), json!({"limits": {"max_urls": 2, "max_in_flight": 4}}));
    let env = TestEnv::new(vec![target("cdn", config)]).await;
    let urls = many_urls(40);
    let submitted = env.submit(&urls, &[]).await;
    sim.gate().close_for(CallKind::Purge);
    let worker = env.worker("leaving");
    sim.wait_for(|log| log.stats().held == 4).await.unwrap();
    worker.ask_to_stop();
    sim.gate().open();
    worker.stop().await;

    let stats = env.stats().await;
    assert_eq!((stats.in_flight, stats.open_batches, stats.pending), (0, 4, 32));
    assert_eq!(sim.log().of_kind(CallKind::Purge).count(), 4, "nothing new was sent");
    env.assert_verified().await;

    let worker = env.worker("staying");
    env.succeeded(submitted.job, &sim).await;
    env.at_rest().await;
    assert_eq!(sim.log().stats().items_asked, 40, "each URL was sent once");
    assert_eq!(env.counter("reaped").await, 0);
    worker.stop().await;
}

/// The lease is asked for, and granted while the worker is told to stop: its items go back at
/// once, and the attempt that was none does not count.
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_is_granted_too_late_is_given_back() {
    let cache = TestCache::start().await;
    let env = TestEnv::new(vec![target("cache", cache.config())]).await;
    let Some(dir) = env.redis().alone("its connections are cut on the way, by a relay before one socket")
    else {
        return;
    };
    env.submit(&[url("a")], &[]).await;
    // The question for a lease is the one that tells the limits.
    let relay = Relay::at(dir, "max_in_flight").await;
    let queue = Queue::open(relay.url()).unwrap();
    let worker = RunningWorker::start(&queue, &env.targets, "leaving");
    relay.blocked().await;
    worker.ask_to_stop();
    relay.open();
    worker.stop().await;

    let stats = env.stats().await;
    assert_eq!((stats.in_flight, stats.pending, cache.purged().len()), (0, 1, 0));
    let item = Item::url(&url("a")).unwrap();
    let action = Action::Default;
    let waiting = env.queue.inspect().pending_item(env.target(), &item, action).await.unwrap().unwrap();
    assert_eq!((waiting.record.attempts, env.counter("reaped").await), (0, 0));
    assert_eq!(env.counter("leased").await, 1, "it had been granted");
    env.assert_verified().await;

    let worker = env.worker("staying");
    env.at_rest().await;
    assert_eq!(cache.purged(), ["PURGE www.example.com/a"]);
    worker.stop().await;
}

/// The most purge calls that were at the provider at the same time.
fn most_at_once(log: &CallLog) -> i64 {
    let mut changes: Vec<(u64, i64)> = log
        .of_kind(CallKind::Purge)
        .flat_map(|call| [(call.arrived_ns, 1), (call.outcome.as_ref().unwrap().ended_ns, -1)])
        .collect();
    changes.sort_unstable();
    let mut now = 0;
    let after_each = changes.into_iter().map(|(_, change)| {
        now += change;
        now
    });
    after_each.max().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_join_and_leave_and_each_url_is_sent_once() {
    let sim = QiniuSettings { processing_ms: 10, ..QiniuSettings::lifted() }.start().await.unwrap();
    let mut config = qiniu(sim.base_url(), lifted_limits());
    merge(&mut config, json!({"limits": {"max_urls": 5}}));
    let env = TestEnv::new(vec![target("cdn", config)]).await;
    let urls = many_urls(1_500);
    let mut jobs = Vec::new();
    for urls in urls.chunks(100) {
        jobs.push(env.submit(urls, &[]).await.job);
    }
    let mut workers = vec![env.worker("w0")];
    for round in 1..=4 {
        let so_far = round * 50;
        sim.wait_for(|log| log.stats().purge_calls >= so_far).await.unwrap();
        workers.push(env.worker(&format!("w{round}")));
        workers.remove(0).stop().await;
    }
    for job in jobs {
        env.succeeded(job, &sim).await;
    }
    env.at_rest().await;
    let stats = sim.log().stats().clone();
    assert_eq!((stats.items_asked, stats.items_distinct), (1_500, 1_500));
    assert_eq!(env.counter("reaped").await, 0, "nobody waited for a lease to run out");
    assert!(most_at_once(&sim.log()) <= 8, "no more calls at once than the target may have in flight");
    for worker in workers {
        worker.stop().await;
    }
}

/// A call that outlives the grace is given up; its items go out again when the lease has run out.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_does_not_wait_for_a_call_beyond_its_grace() {
    let sim = QiniuSettings { processing_ms: 10, ..QiniuSettings::lifted() }.start().await.unwrap();
    let env = TestEnv::new(vec![target("cdn", qiniu(sim.base_url(), json!({})))]).await;
    sim.gate().close_for(CallKind::Purge);
    let submitted = env.submit(&[url("a")], &[]).await;
    let config = WorkerConfig { shutdown_grace_ms: 1, ..worker_config() };
    let worker = Worker::new(env.queue.work(), env.targets.clone(), config, RETENTION, "impatient");
    let worker = RunningWorker::run(worker);
    sim.wait_for(|log| log.stats().held == 1).await.unwrap();
    worker.stop().await;
    assert_eq!(sim.log().stats().held, 1, "it ended before its call");
    assert_eq!(env.job(submitted.job).await.state, JobState::Active);

    env.pass(worker_config().lease_ms.get()).await;
    sim.gate().open();
    let worker = env.worker("staying");
    env.succeeded(submitted.job, &sim).await;
    env.at_rest().await;
    worker.stop().await;
}
