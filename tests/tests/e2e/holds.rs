//! What a provider says of the whole target, or of one kind: items wait, none fails, and they go
//! when they may. Queue, worker and simulator live in a time that the test turns.

use jiff::Timestamp;
use purgeline_core::{Item, JobId, JobState};
use purgeline_queue::QuotaWait;
use purgeline_sim::{CallKind, Fault, FaultRule, Options, Sim, qiniu::QiniuSettings};
use purgeline_tests::{
    Clocks, RunningWorker, TestEnv, eventually, lifted_limits, many_urls, merge, qiniu, target, url,
};
use serde_json::json;
use std::time::Duration;

/// 15.5 hours before Qiniu's next day.
const MORNING: &str = "2026-01-02T00:30:00Z";

async fn timed(settings: QiniuSettings) -> (Sim, TestEnv, Clocks) {
    let clocks = Clocks::at(MORNING);
    let sim = settings.start_with(Options::with_clock(clocks.sim.clone())).await.unwrap();
    let mut config = qiniu(sim.base_url(), lifted_limits());
    let limits = json!({"max_in_flight": 1, "quota_reserve_percent": 0});
    merge(&mut config, json!({"max_attempts": 1, "limits": limits}));
    let env = TestEnv::timed(vec![target("cdn", config)], &clocks).await;
    (sim, env, clocks)
}

/// An account whose refreshes take no time.
fn instant() -> QiniuSettings {
    QiniuSettings { processing_ms: 0, ..QiniuSettings::lifted() }
}

/// Turns the clock in small steps until a job has ended: windows pass and questions come due.
async fn pass_until_ended(env: &TestEnv, clocks: &Clocks, job: JobId) {
    eventually(&format!("job {job} ends"), || async {
        clocks.advance(Duration::from_millis(20));
        let job = env.queue.inspect().job(job, &env.target_refs()).await.ok()??;
        (job.state != JobState::Active).then_some(())
    })
    .await;
}

fn purges(sim: &Sim) -> usize {
    sim.log().of_kind(CallKind::Purge).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_that_successes_tell_of_is_kept_until_the_next_day() {
    let (sim, env, clocks) = timed(QiniuSettings { url_quota_day: 120, ..instant() }).await;
    let worker = env.worker("w1");
    let submitted = env.submit(&many_urls(150), &[]).await;
    let wait = env.out_of_quota(&Item::url(&url("x")).unwrap()).await;
    let until_ms = "2026-01-02T16:00:00Z".parse::<Timestamp>().unwrap().as_millisecond();
    assert_eq!(wait, QuotaWait { quota: "urls".into(), until_ms });
    eventually("both calls have come", || async { (purges(&sim) == 2).then_some(()) }).await;
    assert_eq!(env.stats().await.pending, 30);
    // What comes now waits too, and coalesces.
    let more = env.submit(&many_urls(150)[140..], &[]).await;
    assert_eq!(more.targets[0].joined, 10);

    clocks.advance(Duration::from_secs(15 * 3600 + 1800));
    pass_until_ended(&env, &clocks, submitted.job).await;
    env.ended(more.job).await;
    assert_eq!(sim.log().stats().items_asked, 150, "each once, none was refused");
    assert_eq!(env.job(submitted.job).await.state, JobState::Succeeded);
    env.at_rest().await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_refused_for_the_quota_uses_no_attempt() {
    let (sim, env, clocks) = timed(instant()).await;
    // Somebody else has used the account.
    sim.fault(FaultRule::new(Fault::refuse("400034")).on(CallKind::Purge).times(1)).unwrap();
    let worker = env.worker("w1");
    let submitted = env.submit(&many_urls(120), &[]).await;
    env.out_of_quota(&Item::url(&url("x")).unwrap()).await;
    eventually("the refused items wait again", || async { (env.stats().await.pending == 120).then_some(()) })
        .await;
    // Dirs have a quota of their own.
    let dir = env.submit(&[] as &[&str], &["https://img.example.com/"]).await;
    pass_until_ended(&env, &clocks, dir.job).await;
    assert_eq!(env.job(submitted.job).await.state, JobState::Active);

    clocks.advance(Duration::from_secs(16 * 3600));
    pass_until_ended(&env, &clocks, submitted.job).await;
    assert_eq!(env.job(submitted.job).await.state, JobState::Succeeded);
    assert_eq!(sim.log().stats().codes["400034"], 1);
    env.at_rest().await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_refusal_slows_the_target_and_fails_no_item() {
    let (sim, env, clocks) = timed(instant()).await;
    sim.fault(FaultRule::new(Fault::refuse("403024")).on(CallKind::Purge).times(3)).unwrap();
    let worker = env.worker("w1");
    let submitted = env.submit(&[url("a"), url("b")], &[]).await;
    let hold = env.held("throttled").await;
    assert!(hold.why.starts_with("403024 single user QPS Rate limited"), "{hold:?}");

    pass_until_ended(&env, &clocks, submitted.job).await;
    env.succeeded(submitted.job, &sim).await;
    assert_eq!(purges(&sim), 4);
    env.at_rest().await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_worker_calls_before_the_time_that_the_provider_asked_for() {
    let (sim, env, clocks) = timed(instant()).await;
    let slow = Fault::Status { status: 429, body: String::new(), retry_after_s: Some(600) };
    sim.fault(FaultRule::new(slow).on(CallKind::Purge).times(1)).unwrap();
    let workers = [env.worker("w1"), env.worker("w2")];
    let submitted = env.submit(&[url("a")], &[]).await;
    env.held("throttled").await;
    let urgent = env.submit_urgent(&[url("b")]).await;
    clocks.advance(Duration::from_secs(599));
    eventually("both items wait", || async { (env.stats().await.pending == 2).then_some(()) }).await;

    clocks.advance(Duration::from_secs(1));
    for job in [submitted.job, urgent.job] {
        pass_until_ended(&env, &clocks, job).await;
        env.succeeded(job, &sim).await;
    }
    let log = sim.log();
    let arrived: Vec<_> = log.of_kind(CallKind::Purge).map(|call| call.arrived_ns / 1_000_000_000).collect();
    assert_eq!(arrived[0], 0);
    assert!(arrived[1..].iter().all(|second| *second >= 600), "{arrived:?}");
    env.at_rest().await;
    for worker in workers {
        worker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_credentials_hold_the_target_until_they_are_mended() {
    let (sim, env, clocks) = timed(QiniuSettings { secret_key: "new-secret-key".into(), ..instant() }).await;
    let stale = env.worker("stale");
    let submitted = env.submit(&[url("a"), url("b")], &[]).await;
    let hold = env.held("unauthorised").await;
    assert!(hold.why.starts_with("401"), "{hold:?}");
    eventually("both items wait again", || async { (env.stats().await.pending == 2).then_some(()) }).await;
    assert_eq!(purges(&sim), 1, "and nothing more is sent");
    stale.stop().await;

    let mended = qiniu(sim.base_url(), json!({"settings": {"secret_key": "new-secret-key"}}));
    let worker = RunningWorker::run(env.new_worker(&[target("cdn", mended)], "mended"));
    clocks.advance(Duration::from_secs(60));
    pass_until_ended(&env, &clocks, submitted.job).await;
    env.succeeded(submitted.job, &sim).await;
    env.at_rest().await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_need_not_wait_for_the_next_try_after_credentials_are_mended() {
    let (sim, env, clocks) = timed(instant()).await;
    sim.fault(FaultRule::new(Fault::refuse("401001")).on(CallKind::Purge).times(1)).unwrap();
    let worker = env.worker("w1");
    let submitted = env.submit(&[url("a")], &[]).await;
    env.held("unauthorised").await;
    assert_eq!(env.queue.operate().probe(env.target()).await.unwrap().as_deref(), Some("unauthorised"));
    pass_until_ended(&env, &clocks, submitted.job).await;
    env.succeeded(submitted.job, &sim).await;
    env.at_rest().await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dirs_that_are_not_permitted_wait_and_urls_go_on() {
    let (sim, env, clocks) = timed(QiniuSettings { dir_permission: false, ..instant() }).await;
    let worker = env.worker("w1");
    const DIR: &str = "https://img.example.com/a/";
    let mixed = env.submit(&[url("a"), url("b")], &[DIR]).await;
    let hold = env.held("dir").await;
    assert!(hold.why.starts_with("400038"), "{hold:?}");
    let urls = env.submit(&[url("b"), url("c")], &[]).await;
    pass_until_ended(&env, &clocks, urls.job).await;
    env.succeeded(urls.job, &sim).await;
    // A url below the dir that is held does not wait for it.
    let below = env.submit(&[format!("{DIR}x")], &[]).await;
    assert_eq!(below.targets[0].covered, 0);
    pass_until_ended(&env, &clocks, below.job).await;
    env.succeeded(below.job, &sim).await;

    let counts = || async { env.job(mixed.job).await.parts[&env.target().name].counts };
    eventually("both urls of the mixed job are purged", || async {
        clocks.advance(Duration::from_millis(20));
        (counts().await.succeeded == 2).then_some(())
    })
    .await;
    assert_eq!((counts().await.failed, counts().await.state()), (0, JobState::Active));
    assert!(env.is_pending(&Item::dir(DIR).unwrap()).await);
    assert_eq!(sim.log().carrying(DIR).count(), 1, "it was tried once");
    worker.stop().await;
    env.assert_verified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn urls_covered_by_a_dir_that_is_not_permitted_go_by_themselves() {
    let (sim, env, clocks) = timed(QiniuSettings { dir_permission: false, ..instant() }).await;
    const DIR: &str = "https://img.example.com/a/";
    let mixed = env.submit(&[format!("{DIR}x"), format!("{DIR}y")], &[DIR]).await;
    assert_eq!(mixed.targets[0].covered, 2);
    let worker = env.worker("w1");
    env.held("dir").await;
    eventually("the urls are purged", || async {
        clocks.advance(Duration::from_millis(20));
        let counts = env.job(mixed.job).await.parts[&env.target().name].counts;
        (counts.succeeded == 2).then_some(())
    })
    .await;
    assert!(env.is_pending(&Item::dir(DIR).unwrap()).await);
    assert_eq!(sim.log().carrying(DIR).count(), 1, "it was tried once");
    worker.stop().await;
    env.assert_verified().await;
}
