//! When an item goes, read off the provider's log: after the last save, after an embargo, once
//! more for an origin that lags. Queue, worker and simulator live in a time that the test turns.

use purgeline_core::{JobId, JobOptions, JobState, Priority, When};
use purgeline_sim::{CallKind, Options, Sim, qiniu::QiniuSettings};
use purgeline_tests::{Clocks, TestEnv, eventually, lifted_limits, merge, qiniu, target, url};
use serde_json::{Value, json};
use std::time::Duration;

async fn timed(more: Value) -> (Sim, TestEnv, Clocks) {
    let clocks = Clocks::at("2026-01-02T00:30:00Z");
    let settings = QiniuSettings { processing_ms: 0, ..QiniuSettings::lifted() };
    let sim = settings.start_with(Options::with_clock(clocks.sim.clone())).await.unwrap();
    let mut config = qiniu(sim.base_url(), lifted_limits());
    merge(&mut config, more);
    let env = TestEnv::timed(vec![target("cdn", config)], &clocks).await;
    (sim, env, clocks)
}

fn purges(sim: &Sim) -> usize {
    sim.log().of_kind(CallKind::Purge).count()
}

async fn purged(sim: &Sim, times: usize) {
    eventually(&format!("{times} purges"), || async { (purges(sim) >= times).then_some(()) }).await;
}

/// Turns the clock in small steps until a job has ended: questions come due.
async fn succeeds(env: &TestEnv, clocks: &Clocks, sim: &Sim, job: JobId) {
    eventually(&format!("job {job} ends"), || async {
        clocks.advance(Duration::from_millis(20));
        let job = env.queue.inspect().job(job, &env.target_refs()).await.ok()??;
        (job.state != JobState::Active).then_some(())
    })
    .await;
    env.succeeded(job, sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_saves_in_a_minute_are_one_call_after_the_last() {
    // The hook says nothing of quiet: the target does.
    let (sim, env, clocks) = timed(json!({"quiet_ms": 10_000, "max_wait_ms": 120_000})).await;
    let worker = env.worker("w1");
    let mut saves = Vec::new();
    for _ in 0..10 {
        saves.push(env.submit(&[url(1)], &[]).await.job);
        clocks.advance(Duration::from_secs(6));
    }
    let last = env.job(saves[9]).await.submitted_ms;
    clocks.advance(Duration::from_secs(4));
    for job in saves {
        succeeds(&env, &clocks, &sim, job).await;
    }
    env.at_rest().await;
    let calls: Vec<_> = sim.log().of_kind(CallKind::Purge).map(|call| call.arrived_ms).collect();
    assert_eq!(calls.len(), 1);
    assert!(calls[0] >= last + 10_000, "the last save was at {last}, the call at {}", calls[0]);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn saves_without_end_are_purged_all_the_same_and_what_is_urgent_at_once() {
    let (sim, env, clocks) = timed(json!({})).await;
    let worker = env.worker("w1");
    let options = JobOptions { quiet_ms: Some(10_000), max_wait_ms: Some(60_000), ..JobOptions::default() };
    let first = env.submit_as(options.clone(), &[url(1)], &[]).await.job;
    let begun = env.job(first).await.submitted_ms;
    for _ in 0..14 {
        clocks.advance(Duration::from_secs(4));
        env.submit_as(options.clone(), &[url(1)], &[]).await;
    }
    assert_eq!(purges(&sim), 0);
    clocks.advance(Duration::from_secs(4));
    purged(&sim, 1).await;
    let call = sim.log().of_kind(CallKind::Purge).map(|call| call.arrived_ms).next().unwrap();
    assert_eq!(call, begun + 60_000);
    succeeds(&env, &clocks, &sim, first).await;

    // One more save, and one that may not wait.
    let patient = env.submit_as(options.clone(), &[url(1)], &[]).await.job;
    let urgent = JobOptions { priority: Priority::Urgent, ..options };
    let urgent = env.submit_as(urgent, &[url(1)], &[]).await.job;
    let before = env.job(urgent).await.submitted_ms;
    purged(&sim, 2).await;
    let call = sim.log().of_kind(CallKind::Purge).map(|call| call.arrived_ms).nth(1).unwrap();
    assert_eq!(call, before, "the clock stood still");
    succeeds(&env, &clocks, &sim, urgent).await;
    succeeds(&env, &clocks, &sim, patient).await;
    env.at_rest().await;
    assert_eq!(purges(&sim), 2);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embargoed_page_is_purged_at_its_time_and_others_get_theirs_before() {
    let (sim, env, clocks) = timed(json!({})).await;
    let worker = env.worker("w1");
    let noon: When = "2026-01-02T12:00:00Z".parse().unwrap();
    let options = JobOptions {
        not_before: Some(noon),
        idempotency_key: Some("the scoop".to_owned()),
        ..JobOptions::default()
    };
    let scoop = env.submit_as(options.clone(), &[url(1), url(2)], &[]).await;
    let now = env.submit(&[url(1)], &["https://img.example.com/"]).await.job;
    succeeds(&env, &clocks, &sim, now).await;
    assert_eq!(env.job(scoop.job).await.state, JobState::Active);
    let again = env.submit_as(options, &[url(2), url(1)], &[]).await;
    assert_eq!((again.job, again.repeated), (scoop.job, true));
    let before = purges(&sim);

    clocks.advance(Duration::from_secs(12 * 3600));
    succeeds(&env, &clocks, &sim, scoop.job).await;
    env.at_rest().await;
    let log = sim.log();
    let calls: Vec<_> = log.of_kind(CallKind::Purge).skip(before).collect();
    assert_eq!((calls.len(), calls[0].items.len()), (1, 2));
    assert!(calls[0].arrived_ms >= noon.at_ms(0));
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_expires_while_its_target_is_paused_is_never_sent() {
    let (sim, env, clocks) = timed(json!({})).await;
    let paused = purgeline_queue::HoldName::Paused;
    let cause =
        purgeline_core::Cause::new(purgeline_core::Class::Delay, "by-hand", "the cache is being moved");
    env.queue.operate().hold(env.target(), paused, None, &cause, "ops").await.unwrap();
    let worker = env.worker("w1");
    let options = JobOptions { expires_at: Some("+5m".parse().unwrap()), ..JobOptions::default() };
    let live = env.submit_as(options, &[url(1), url(2)], &[]).await.job;
    let page = env.submit(&[url(2)], &[]).await.job;
    clocks.advance(Duration::from_secs(300));
    let job = env.ended(live).await;
    assert_eq!((job.state, job.parts[&env.target().name].expired), (JobState::Cancelled, 2));
    env.queue.operate().release(env.target(), paused).await.unwrap();
    succeeds(&env, &clocks, &sim, page).await;
    env.at_rest().await;
    assert_eq!(sim.log().stats().items_asked, 1);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_before_an_origin_that_lags_is_asked_once_more() {
    let (sim, env, clocks) = timed(json!({"rebound_ms": 30_000})).await;
    let worker = env.worker("w1");
    let job = env.submit(&[url(1)], &[]).await.job;
    succeeds(&env, &clocks, &sim, job).await;
    assert_eq!((purges(&sim), env.stats().await.delayed), (1, 1));
    env.assert_verified().await;
    clocks.advance(Duration::from_secs(30));
    purged(&sim, 2).await;
    eventually("the second purge ends", || async {
        clocks.advance(Duration::from_millis(20));
        (env.stats().await.in_batches == 0).then_some(())
    })
    .await;
    clocks.advance(Duration::from_secs(30));
    env.at_rest().await;
    assert_eq!((purges(&sim), env.counter("rebounds").await), (2, 1));
    let calls: Vec<_> = sim.log().of_kind(CallKind::Purge).map(|call| call.arrived_ms).collect();
    assert!(calls[1] >= calls[0] + 30_000, "{calls:?}");
    worker.stop().await;
}
