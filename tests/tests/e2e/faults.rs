//! A provider that drops connections, stalls, answers with errors or with half an answer: items
//! end well, each success is covered, and the worker lives.

use purgeline_core::{JobState, Kind};
use purgeline_queue::HoldName;
use purgeline_sim::{
    CallKind, Ending, FateRule, Fault, FaultPlan, FaultRule, Phase, Selector, Sim, qiniu::QiniuSettings,
};
use purgeline_tests::{TestCache, TestEnv, eventually, lifted_limits, many_urls, merge, qiniu, target, url};
use serde_json::json;

/// Has each of these go wrong with a chance, with calls of both kinds.
pub(crate) fn misbehave(sim: &Sim, chance: f64) {
    for fault in [
        Fault::Drop { phase: Phase::Before },
        Fault::Drop { phase: Phase::After },
        Fault::Stall { phase: Phase::Before, for_ms: Some(400) },
        Fault::Half,
        Fault::status(500),
        Fault::status(502),
        Fault::refuse("500000"),
        Fault::Status { status: 200, body: "<html>captive portal</html>".into(), retry_after_s: None },
    ] {
        sim.fault(FaultRule::new(fault).with_chance(chance)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn items_end_well_at_a_provider_that_misbehaves() {
    let sim = QiniuSettings { processing_ms: 10, ..QiniuSettings::lifted() }.start().await.unwrap();
    let mut config = qiniu(sim.base_url(), lifted_limits());
    merge(&mut config, json!({"timeout_ms": 200, "max_attempts": 1_000, "limits": {"max_urls": 10}}));
    let env = TestEnv::new(vec![target("cdn", config)]).await;
    misbehave(&sim, 0.06);
    let workers = [env.worker("w1"), env.worker("w2")];
    let mut jobs = Vec::new();
    for urls in many_urls(600).chunks(50) {
        jobs.push(env.submit(urls, &[]).await.job);
    }
    for job in jobs {
        env.succeeded(job, &sim).await;
    }
    let struck = sim.log().calls().iter().filter(|call| call.fault.is_some()).count();
    assert!(struck > 10, "{struck} calls were struck");
    sim.set_faults(FaultPlan::default()).unwrap();
    env.at_rest().await;
    assert_eq!(env.stats().await.dead_letters, 0);
    for worker in workers {
        assert!(worker.is_running());
        worker.stop().await;
    }
}

/// Nobody knows whether it was carried out, so it is sent again. As it is all there is, it cannot be
/// told from an outage: its age ends it.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_never_answered_is_given_up_in_time_and_buried_in_the_end() {
    let sim = QiniuSettings::lifted().start().await.unwrap();
    let config = qiniu(sim.base_url(), json!({"timeout_ms": 100, "max_attempts": 9, "max_age_s": 1}));
    let env = TestEnv::new(vec![target("cdn", config)]).await;
    sim.gate().close_for(CallKind::Purge);
    let worker = env.worker("w1");
    let job = env.ended(env.submit(&[url("a")], &[]).await.job).await;
    assert_eq!(job.state, JobState::Failed);
    let dead = env.queue.inspect().dead_letters(env.target(), 10).await.unwrap();
    assert_eq!(dead[0].cause.code, "timeout");
    assert!(dead[0].cause.message.contains("no answer within 100 ms"), "{dead:?}");
    assert!(dead[0].cause.message.ends_with("s after it was asked for, max_age_s)"), "{dead:?}");
    assert!(sim.log().carrying(&url("a")).count() >= 2);
    env.at_rest().await;
    sim.gate().open();
    worker.stop().await;
}

/// Those who publish do not wait for those who ask how it went, nor the other way round.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_whose_status_calls_hang_is_still_sent_purges() {
    let sim = QiniuSettings { processing_ms: 10, ..QiniuSettings::lifted() }.start().await.unwrap();
    let mut config = qiniu(sim.base_url(), lifted_limits());
    merge(&mut config, json!({"limits": {"max_urls": 1}}));
    let env = TestEnv::new(vec![target("cdn", config)]).await;
    sim.gate().close_for(CallKind::Status);
    let worker = env.worker("w1");
    let first = env.submit(&many_urls(30), &[]).await;
    sim.wait_for(|log| log.stats().purge_calls == 30 && log.stats().held > 0).await.unwrap();
    sim.gate().open();
    env.succeeded(first.job, &sim).await;

    sim.gate().close_for(CallKind::Purge);
    let second = env.submit(&many_urls(60)[30..], &[]).await;
    sim.wait_for(|log| log.stats().held == 8).await.unwrap();
    // All calls that may be under way hang, and it is still asked how a batch fares.
    let asked = sim.log().stats().status_calls;
    sim.gate().release(1);
    sim.wait_for(|log| log.stats().held == 8 && log.stats().status_calls > asked).await.unwrap();
    sim.gate().open();
    env.succeeded(second.job, &sim).await;
    env.at_rest().await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_end_is_never_told_is_sent_again_at_the_deadline() {
    let sim = QiniuSettings { processing_ms: 10, ..QiniuSettings::lifted() }.start().await.unwrap();
    let never = FateRule::new(Selector::All, Ending::Never);
    sim.fate(never.times(1));
    let config = qiniu(sim.base_url(), json!({"settings": {"polls": {"deadline_ms": 200}}}));
    let env = TestEnv::new(vec![target("cdn", config)]).await;
    let worker = env.worker("w1");
    let submitted = env.submit(&[url("a")], &[]).await;
    env.succeeded(submitted.job, &sim).await;
    assert_eq!(sim.log().carrying(&url("a")).count(), 2);
    env.at_rest().await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_that_refuses_the_method_is_held_and_loses_nothing() {
    let cache = TestCache::start().await;
    let env = TestEnv::new(vec![target("cache", cache.config())]).await;
    cache.answer(405);
    let worker = env.worker("w1");
    let submitted = env.submit(&[url("a"), url("b")], &[]).await;
    let hold = env.held("url").await;
    assert!(hold.why.starts_with("http-405"), "{hold:?}");
    eventually("both items wait again", || async { (env.stats().await.pending == 2).then_some(()) }).await;
    // The ACL of the cache is mended, and somebody says so.
    cache.answer(200);
    let urls = HoldName::Kind(Kind::Url);
    env.queue.operate().release(env.target(), urls).await.unwrap();
    let job = env.ended(submitted.job).await;
    assert_eq!(job.state, JobState::Succeeded);
    env.at_rest().await;
    worker.stop().await;
}
