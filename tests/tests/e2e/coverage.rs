//! A dir that waits covers what is below it, until it fails; one that is at the provider covers nothing
//! that came later.

use purgeline_core::{Cause, Class, JobState};
use purgeline_queue::HoldName;
use purgeline_sim::{CallKind, Ending, FateRule, Selector, Sim, qiniu::QiniuSettings};
use purgeline_tests::{RunningWorker, Stage, qiniu, target, url};
use serde_json::json;

const DIR: &str = "https://www.example.com/a/";

/// A stage whose target is held until [`go`].
async fn held_stage() -> (Sim, Stage, RunningWorker) {
    let sim = QiniuSettings { processing_ms: 10, ..QiniuSettings::lifted() }.start().await.unwrap();
    let config = qiniu(sim.base_url(), json!({"max_attempts": 1}));
    let stage = Stage::new(vec![target("cdn", config)]).await;
    let cause = Cause::new(Class::Unknown, "test", "until all is enqueued");
    stage.queue.hold(stage.target(), HoldName::Paused, None, &cause, "test").await.unwrap();
    let worker = stage.worker("w1");
    (sim, stage, worker)
}

async fn go(stage: &Stage) {
    stage.queue.release(stage.target(), HoldName::Paused).await.unwrap();
}

/// What was asked for in all purge calls, in order.
fn asked(sim: &Sim) -> Vec<String> {
    let log = sim.log();
    log.of_kind(CallKind::Purge).flat_map(|call| &call.items).map(|item| item.item.name.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn urls_under_a_waiting_dir_are_not_sent_on_their_own() {
    let (sim, stage, worker) = held_stage().await;
    let before = stage.submit(&[url("a/early")], &[]).await;
    let dir = stage.submit(&[] as &[&str], &[DIR]).await;
    let after = stage.submit(&[url("a/late"), url("a/b/late"), url("beside")], &[]).await;
    assert_eq!(after.targets[0].covered, 2);
    go(&stage).await;

    for job in [before.job, dir.job, after.job] {
        stage.succeeded(job, &sim).await;
    }
    let mut asked = asked(&sim);
    asked.sort();
    assert_eq!(asked, [DIR.to_owned(), url("beside")]);
    stage.at_rest().await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn urls_below_a_dir_that_failed_go_by_themselves() {
    let (sim, stage, worker) = held_stage().await;
    sim.fate(FateRule::new(Selector::Exact(DIR.to_owned()), Ending::Failure("no room".to_owned())));
    let dir = stage.submit(&[] as &[&str], &[DIR]).await;
    let covered = stage.submit(&[url("a/x"), url("a/y"), url("beside")], &[]).await;
    go(&stage).await;

    assert_eq!(stage.ended(dir.job).await.state, JobState::Failed);
    stage.succeeded(covered.job, &sim).await;
    let mut asked = asked(&sim);
    asked.sort();
    assert_eq!(asked, [DIR.to_owned(), url("a/x"), url("a/y"), url("beside")]);
    stage.at_rest().await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dir_at_the_provider_covers_nothing_that_came_later() {
    let (sim, stage, worker) = held_stage().await;
    sim.gate().close_for(CallKind::Purge);
    let dir = stage.submit(&[] as &[&str], &[DIR]).await;
    go(&stage).await;
    sim.wait_for(|log| log.stats().held == 1).await.unwrap();
    let late = stage.submit_urgent(&[url("a/x")]).await;
    assert_eq!(late.targets[0].covered, 0);
    sim.wait_for(|log| log.stats().held == 2).await.unwrap();
    sim.gate().open();

    stage.succeeded(dir.job, &sim).await;
    stage.succeeded(late.job, &sim).await;
    assert_eq!(asked(&sim), [DIR.to_owned(), url("a/x")]);
    stage.at_rest().await;
    worker.stop().await;
}
