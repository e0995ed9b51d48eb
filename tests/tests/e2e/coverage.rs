//! A dir that waits covers what is below it, until it fails; one that is at the provider covers nothing
//! that came later.

use purgeline_core::{Cause, Class, JobState};
use purgeline_queue::HoldName;
use purgeline_sim::{CallKind, Ending, FateRule, Selector, Sim, qiniu::QiniuSettings};
use purgeline_tests::{RunningWorker, TestEnv, qiniu, target, url};
use serde_json::json;

const DIR: &str = "https://www.example.com/a/";

/// An environment whose target is held until [`go`].
async fn held_stage() -> (Sim, TestEnv, RunningWorker) {
    let sim = QiniuSettings { processing_ms: 10, ..QiniuSettings::lifted() }.start().await.unwrap();
    let config = qiniu(sim.base_url(), json!({"max_attempts": 1}));
    let env = TestEnv::new(vec![target("cdn", config)]).await;
    let cause = Cause::new(Class::Unknown, "test", "until all is enqueued");
    env.queue.operate().hold(env.target(), HoldName::Paused, None, &cause, "test").await.unwrap();
    let worker = env.worker("w1");
    (sim, env, worker)
}

async fn go(env: &TestEnv) {
    env.queue.operate().release(env.target(), HoldName::Paused).await.unwrap();
}

/// What was asked for in all purge calls, in order.
fn asked(sim: &Sim) -> Vec<String> {
    let log = sim.log();
    log.of_kind(CallKind::Purge).flat_map(|call| &call.items).map(|item| item.item.name.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn urls_under_a_waiting_dir_are_not_sent_on_their_own() {
    let (sim, env, worker) = held_stage().await;
    let before = env.submit(&[url("a/early")], &[]).await;
    let dir = env.submit(&[] as &[&str], &[DIR]).await;
    let after = env.submit(&[url("a/late"), url("a/b/late"), url("beside")], &[]).await;
    assert_eq!(after.targets[0].covered, 2);
    go(&env).await;

    for job in [before.job, dir.job, after.job] {
        env.succeeded(job, &sim).await;
    }
    let mut asked = asked(&sim);
    asked.sort();
    assert_eq!(asked, [DIR.to_owned(), url("beside")]);
    env.at_rest().await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn urls_below_a_dir_that_failed_go_by_themselves() {
    let (sim, env, worker) = held_stage().await;
    sim.fate(FateRule::new(Selector::Exact(DIR.to_owned()), Ending::Failure("no room".to_owned())));
    let dir = env.submit(&[] as &[&str], &[DIR]).await;
    let covered = env.submit(&[url("a/x"), url("a/y"), url("beside")], &[]).await;
    go(&env).await;

    assert_eq!(env.ended(dir.job).await.state, JobState::Failed);
    env.succeeded(covered.job, &sim).await;
    let mut asked = asked(&sim);
    asked.sort();
    assert_eq!(asked, [DIR.to_owned(), url("a/x"), url("a/y"), url("beside")]);
    env.at_rest().await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dir_at_the_provider_covers_nothing_that_came_later() {
    let (sim, env, worker) = held_stage().await;
    sim.gate().close_for(CallKind::Purge);
    let dir = env.submit(&[] as &[&str], &[DIR]).await;
    go(&env).await;
    sim.wait_for(|log| log.stats().held == 1).await.unwrap();
    let late = env.submit_urgent(&[url("a/x")]).await;
    assert_eq!(late.targets[0].covered, 0);
    sim.wait_for(|log| log.stats().held == 2).await.unwrap();
    sim.gate().open();

    env.succeeded(dir.job, &sim).await;
    env.succeeded(late.job, &sim).await;
    assert_eq!(asked(&sim), [DIR.to_owned(), url("a/x")]);
    env.at_rest().await;
    worker.stop().await;
}
