//! What a provider says of single items: only those fail that it means.

use purgeline_core::JobState;
use purgeline_queue::{DeadLetter, Job};
use purgeline_sim::{
    CallKind, Ending, FateRule, Selector, Sim,
    qiniu::{BadItems, QiniuSettings},
};
use purgeline_tests::{TestEnv, many_urls, qiniu, target, url};
use serde_json::{Value, json};
use std::collections::HashSet;

/// A simulator that finds some URLs bad, and an environment for it.
async fn env(bad: &[String], bad_items: BadItems, more: Value) -> (Sim, TestEnv) {
    let settings = QiniuSettings {
        bad_urls: bad.iter().cloned().collect(),
        bad_items,
        processing_ms: 10,
        ..QiniuSettings::lifted()
    };
    let sim = settings.start().await.unwrap();
    let env = TestEnv::new(vec![target("cdn", qiniu(sim.base_url(), more))]).await;
    (sim, env)
}

fn counts(env: &TestEnv, job: &Job) -> (u64, u64) {
    let counts = job.parts[&env.target().name].counts;
    (counts.succeeded, counts.failed)
}

async fn dead_letters(env: &TestEnv) -> Vec<DeadLetter> {
    env.queue.inspect().dead_letters(env.target(), 1_000).await.unwrap()
}

fn purges(sim: &Sim) -> usize {
    sim.log().of_kind(CallKind::Purge).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_url_that_a_refusal_names_fails_alone() {
    let (sim, env) = env(&[url("bad")], BadItems::RefuseNamed, json!({})).await;
    let submitted = env.submit(&[url("a"), url("b"), url("bad"), url("c")], &[]).await;
    let worker = env.worker("w1");

    let job = env.ended(submitted.job).await;
    assert_eq!((job.state, counts(&env, &job)), (JobState::Partial, (3, 1)));
    assert_eq!(purges(&sim), 2, "the refused call, and one with the others");
    let dead = dead_letters(&env).await;
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].item, format!("url:{}", url("bad")));
    assert_eq!((dead[0].cause.code.as_str(), dead[0].cause.message.as_str()), ("400031", "invalid url"));
    assert_eq!(dead[0].jobs, [submitted.job]);
    assert_eq!(job.parts[&env.target().name].dead, [dead[0].id.clone()]);
    env.at_rest().await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_url_that_a_success_names_fails_alone() {
    let (sim, env) = env(&[url("bad")], BadItems::Partial, json!({})).await;
    let submitted = env.submit(&[url("a"), url("b"), url("bad"), url("c")], &[]).await;
    let worker = env.worker("w1");

    let job = env.ended(submitted.job).await;
    assert_eq!((job.state, counts(&env, &job)), (JobState::Partial, (3, 1)));
    assert_eq!(purges(&sim), 1);
    assert_eq!(dead_letters(&env).await.len(), 1);
    env.at_rest().await;
    worker.stop().await;
}

/// Being refused along with a bad neighbour again and again is no attempt of the item's own.
#[tokio::test(flavor = "multi_thread")]
async fn bad_neighbours_never_use_up_the_attempts_of_a_good_url() {
    let urls = many_urls(40);
    let bad: Vec<_> = urls.iter().filter(|url| url.ends_with('3')).cloned().collect();
    let more = json!({"max_attempts": 1, "limits": {"max_urls": 4, "max_in_flight": 1}});
    let (_sim, env) = env(&bad, BadItems::RefuseNamed, more).await;
    let worker = env.worker("w1");
    let mut jobs = Vec::new();
    for urls in urls.chunks(3) {
        jobs.push((env.submit(urls, &[]).await.job, urls));
    }
    for (job, urls) in jobs {
        let job = env.ended(job).await;
        let failed = urls.iter().filter(|url| bad.contains(url)).count() as u64;
        assert_eq!(counts(&env, &job), (urls.len() as u64 - failed, failed), "{urls:?}");
    }
    assert_eq!(dead_letters(&env).await.len(), bad.len());
    env.at_rest().await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_url_that_nobody_names_is_found_by_halves() {
    let urls = many_urls(60);
    let bad = urls[41].clone();
    let (sim, env) = env(std::slice::from_ref(&bad), BadItems::RefuseUnnamed, json!({})).await;
    let submitted = env.submit(&urls, &[]).await;
    let worker = env.worker("w1");

    let job = env.ended(submitted.job).await;
    assert_eq!((job.state, counts(&env, &job)), (JobState::Partial, (59, 1)));
    let log = sim.log();
    let last = log.carrying(&bad).last().unwrap();
    assert_eq!(last.items.len(), 1, "at last the culprit is alone");
    let extra = purges(&sim) - 1;
    assert!(extra as f64 <= 2.0 * 60_f64.log2() + 2.0, "{extra} calls more than one");
    let good: HashSet<_> = urls.iter().filter(|url| **url != bad).collect();
    for url in good {
        let taken = log.carrying(url).filter(|call| call.accepted() > 0).count();
        assert_eq!(taken, 1, "{url} was purged once");
    }
    let dead = dead_letters(&env).await;
    assert_eq!((dead.len(), dead[0].cause.message.as_str()), (1, "invalid url"));
    env.at_rest().await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_that_fails_is_tried_again_and_then_buried_with_the_providers_words() {
    let (sim, env) = env(&[], BadItems::default(), json!({"max_attempts": 3})).await;
    let fails =
        |name: &str| FateRule::new(Selector::Exact(url(name)), Ending::Failure("origin 404".to_owned()));
    sim.fate(fails("never"));
    sim.fate(fails("once").times(1));
    let submitted = env.submit(&[url("never"), url("once"), url("fine")], &[]).await;
    let worker = env.worker("w1");

    let job = env.ended(submitted.job).await;
    assert_eq!((job.state, counts(&env, &job)), (JobState::Partial, (2, 1)));
    let sent = |name: &str| sim.log().carrying(&url(name)).count();
    assert_eq!((sent("never"), sent("once"), sent("fine")), (3, 2, 1));
    let dead = dead_letters(&env).await;
    assert_eq!(dead.len(), 1);
    assert_eq!((dead[0].item.as_str(), dead[0].attempts), (format!("url:{}", url("never")).as_str(), 3));
    assert_eq!(dead[0].cause.message, "origin 404 (given up after 3 attempts, max_attempts)");
    env.at_rest().await;
    worker.stop().await;
}
