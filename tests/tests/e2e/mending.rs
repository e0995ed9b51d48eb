//! What failed is mended: tried again under its old job when the provider is well, or cancelled.

use purgeline_core::{JobState, PartCounts};
use purgeline_queue::{CancelState, DeadFilter, Job};
use purgeline_sim::{CallKind, Ending, FateRule, Selector, qiniu::QiniuSettings};
use purgeline_tests::{RETENTION, TestEnv, eventually, many_urls, qiniu, target, url};
use serde_json::json;
use std::collections::BTreeMap;

fn counts(env: &TestEnv, job: &Job) -> PartCounts {
    job.parts[&env.target().name].counts
}

async fn letters(env: &TestEnv, cause: Option<&str>) -> Vec<String> {
    let filter = DeadFilter { cause: cause.map(str::to_owned), ..DeadFilter::default() };
    let mut walk = env.queue.inspect().walk_dead(env.target(), &filter);
    let mut ids = Vec::new();
    while let Some(found) = walk.next().await.unwrap() {
        ids.extend(found.into_iter().map(|letter| letter.id));
    }
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_tried_again_when_the_provider_is_well_and_its_job_ends_anew() {
    let sim = QiniuSettings { processing_ms: 10, ..QiniuSettings::lifted() }.start().await.unwrap();
    let more = json!({"max_attempts": 1});
    let env = TestEnv::new(vec![target("cdn", qiniu(sim.base_url(), more))]).await;
    let urls = many_urls(30);
    for bad in &urls[..20] {
        sim.fate(
            FateRule::new(Selector::Exact(bad.clone()), Ending::Failure("origin 404".to_owned())).times(1),
        );
    }
    let submitted = env.submit(&urls, &[]).await;
    let worker = env.worker("w1");
    let job = env.ended(submitted.job).await;
    assert_eq!((job.state, counts(&env, &job).failed), (JobState::Partial, 20));

    let mut by_cause: BTreeMap<String, u64> = BTreeMap::new();
    for letter in env.queue.inspect().dead_letters(env.target(), 100).await.unwrap() {
        *by_cause.entry(letter.cause.code).or_default() += 1;
    }
    let (cause, failed) = by_cause.pop_first().unwrap();
    assert_eq!((failed, by_cause.len()), (20, 0));

    // Each of those fails but once: the provider is well again.
    let ids = letters(&env, Some(&cause)).await;
    let room = 1_000;
    let done = env.queue.operate().retry_dead(env.target(), &ids, room, &RETENTION).await.unwrap();
    assert_eq!(done.retried, 20);
    let job = env.ended(submitted.job).await;
    assert_eq!((job.state, counts(&env, &job).succeeded), (JobState::Succeeded, 30));
    for (number, url) in urls.iter().enumerate() {
        let sent = sim.log().carrying(url).count();
        assert_eq!(sent, if number < 20 { 2 } else { 1 }, "{url}");
    }
    assert!(letters(&env, None).await.is_empty());
    env.at_rest().await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_that_is_stopped_in_the_middle_is_gone_on_with() {
    let sim = QiniuSettings { processing_ms: 0, ..QiniuSettings::lifted() }.start().await.unwrap();
    let more = json!({"max_attempts": 1});
    let env = TestEnv::new(vec![target("cdn", qiniu(sim.base_url(), more))]).await;
    let urls = many_urls(200);
    for bad in &urls {
        sim.fate(
            FateRule::new(Selector::Exact(bad.clone()), Ending::Failure("origin 404".to_owned())).times(1),
        );
    }
    let mut jobs = Vec::new();
    for urls in urls.chunks(10) {
        jobs.push(env.submit(urls, &[]).await.job);
    }
    let worker = env.worker("w1");
    for job in &jobs {
        assert_eq!(env.ended(*job).await.state, JobState::Failed);
    }
    worker.stop().await;
    let ids = letters(&env, None).await;
    assert_eq!(ids.len(), 200);

    let (queue, at, all) = (env.queue.clone(), env.target().clone(), ids.clone());
    let retry = tokio::spawn(async move { queue.operate().retry_dead(&at, &all, 1_000, &RETENTION).await });
    eventually("some letters are retried", || async { (env.stats().await.dead_letters < 200).then_some(()) })
        .await;
    retry.abort();
    let _ = retry.await;
    // Whoever comes next does the rest, and what was begun.
    env.queue.operate().retry_dead(env.target(), &ids, 1_000, &RETENTION).await.unwrap();
    let worker = env.worker("w2");
    for job in &jobs {
        assert_eq!(env.ended(*job).await.state, JobState::Succeeded);
    }
    assert!(urls.iter().all(|url| sim.log().carrying(url).count() == 2));
    env.at_rest().await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_cancelled_in_the_middle_and_what_is_in_a_call_ends_as_it_does() {
    let sim = QiniuSettings { processing_ms: 10, ..QiniuSettings::lifted() }.start().await.unwrap();
    let more = json!({"limits": {"max_urls": 4, "max_in_flight": 1}});
    let env = TestEnv::new(vec![target("cdn", qiniu(sim.base_url(), more))]).await;
    sim.gate().close_for(CallKind::Purge);
    let urls = many_urls(40);
    let submitted = env.submit(&urls, &[]).await;
    let other = env.submit(&[&urls[39], &url("other")], &[]).await;
    let worker = env.worker("w1");
    sim.wait_for(|log| log.stats().held == 1).await.unwrap();
    let job = submitted.job;
    let done = env.queue.operate().cancel(env.target(), job, "wrong page", &RETENTION, false).await.unwrap();
    assert_eq!((done.state, done.cancelled, done.gone), (CancelState::Cancelling, 36, 35));
    sim.gate().open();
    let ended = env.ended(job).await;
    let expected = PartCounts { items: 40, succeeded: 4, failed: 0, cancelled: 36 };
    assert_eq!((ended.state, counts(&env, &ended)), (JobState::Partial, expected));
    env.succeeded(other.job, &sim).await;
    let sent: usize = urls.iter().map(|url| sim.log().carrying(url).count()).sum();
    assert_eq!(sent, 5, "those in the call, and the one that another job wants");
    env.at_rest().await;
    worker.stop().await;
}
