//! What arrives while an item waits joins it; what arrives while it is at the provider is sent
//! again.

use purgeline_core::{Cause, Class, Item, JobState};
use purgeline_queue::HoldName;
use purgeline_sim::{CallKind, Ending, Selector, qiniu::QiniuSettings};
use purgeline_tests::{TestEnv, qiniu, target, url};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_job_goes_all_the_way() {
    let sim = QiniuSettings { processing_ms: 10, ..QiniuSettings::lifted() }.start().await.unwrap();
    let env = TestEnv::new(vec![target("cdn", qiniu(sim.base_url(), json!({})))]).await;
    let worker = env.worker("w1");

    let submitted = env.submit(&[url("a"), url("b")], &[]).await;
    env.succeeded(submitted.job, &sim).await;

    assert_eq!(sim.log().of_kind(CallKind::Purge).count(), 1);
    env.at_rest().await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_during_the_call_leads_to_a_second_call_and_ten_while_it_waits_to_one() {
    let hot = url("hot");
    let sim = QiniuSettings { processing_ms: 10, ..QiniuSettings::lifted() }.start().await.unwrap();
    let config = qiniu(sim.base_url(), json!({"limits": {"max_in_flight": 1}}));
    let env = TestEnv::new(vec![target("cdn", config)]).await;
    sim.gate().close_for(CallKind::Purge);
    let worker = env.worker("w1");

    let first = env.submit(&[&hot], &[]).await;
    sim.wait_for(|log| log.stats().held == 1).await.unwrap();
    // The call is at the provider. Ten requests come, and wait together.
    let mut later = Vec::new();
    for _ in 0..10 {
        later.push(env.submit(&[&hot], &[]).await);
    }
    let new: u64 = later.iter().map(|submitted| submitted.targets[0].new).sum();
    assert_eq!(new, 1, "the first of the ten makes a record, nine join it");
    sim.gate().open();

    assert_eq!(env.ended(first.job).await.state, JobState::Succeeded);
    for submitted in later {
        env.succeeded(submitted.job, &sim).await;
    }
    assert_eq!(sim.log().carrying(&hot).count(), 2, "one call before the ten requests, one for all after");
    env.at_rest().await;
    worker.stop().await;
}

/// The account refuses what it still refreshes (400037), as Qiniu really does, so it is not asked.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_provider_still_works_on_is_sent_again_when_that_has_ended() {
    let hot = url("hot");
    let settings = QiniuSettings { existing: true, processing_ms: 600_000, ..QiniuSettings::lifted() };
    let sim = settings.start().await.unwrap();
    let env = TestEnv::new(vec![target("cdn", qiniu(sim.base_url(), json!({})))]).await;
    let worker = env.worker("w1");

    let first = env.submit(&[&hot], &[]).await;
    sim.wait_for(|log| log.stats().items_accepted == 1).await.unwrap();
    let second = env.submit(&[&hot, &url("other")], &[]).await;
    sim.wait_for(|log| log.stats().items_accepted == 2).await.unwrap();
    sim.settle(&Selector::All, &Ending::Success);
    env.succeeded(first.job, &sim).await;
    assert_eq!(env.job(second.job).await.state, JobState::Active, "the first call is none for it");

    sim.wait_for(|log| log.stats().items_accepted == 3).await.unwrap();
    sim.settle(&Selector::All, &Ending::Success);
    env.succeeded(second.job, &sim).await;
    let log = sim.log();
    assert_eq!((log.carrying(&hot).count(), log.stats().items_refused), (2, 0));
    env.at_rest().await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_urgent_job_takes_what_waits_along_to_the_front() {
    let sim = QiniuSettings { processing_ms: 10, ..QiniuSettings::lifted() }.start().await.unwrap();
    let config = qiniu(sim.base_url(), json!({"limits": {"max_urls": 1, "max_in_flight": 1}}));
    let env = TestEnv::new(vec![target("cdn", config)]).await;
    let paused = Cause::new(Class::Unknown, "test", "until all is enqueued");
    env.queue.operate().hold(env.target(), HoldName::Paused, None, &paused, "test").await.unwrap();
    let worker = env.worker("w1");

    let normal = env.submit(&[url("a"), url("b"), url("c")], &[]).await;
    let urgent = env.submit_urgent(&[url("c")]).await;
    assert_eq!(urgent.targets[0].joined, 1);
    env.queue.operate().release(env.target(), HoldName::Paused).await.unwrap();

    env.succeeded(urgent.job, &sim).await;
    env.succeeded(normal.job, &sim).await;
    let log = sim.log();
    let order: Vec<_> =
        log.of_kind(CallKind::Purge).map(|call| call.items[0].item.name.to_string()).collect();
    assert_eq!(order, [url("c"), url("a"), url("b")]);
    assert!(!env.is_pending(&Item::url(&url("c")).unwrap()).await);
    env.at_rest().await;
    worker.stop().await;
}
