//! What arrives while an item waits joins it; what arrives while it is at the provider is sent
//! again. Read off the simulator's log.

use purgeline_core::JobState;
use purgeline_sim::{CallKind, qiniu::QiniuSettings};
use purgeline_tests::{Stage, qiniu_target};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_job_goes_all_the_way() {
    let sim = QiniuSettings { processing_ms: 10, ..QiniuSettings::lifted() }.start().await.unwrap();
    let stage = Stage::new(vec![qiniu_target("cdn", &sim.base_url(), json!({}))]).await;
    let worker = stage.worker("w1");

    let submitted = stage.submit(&["https://www.example.com/a", "https://www.example.com/b"], &[]).await;
    let job = stage.ended(submitted.job).await;

    assert_eq!(job.state, JobState::Succeeded);
    assert_eq!(sim.log().of_kind(CallKind::Purge).count(), 1);
    stage.at_rest().await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_during_the_call_leads_to_a_second_call_and_ten_while_it_waits_to_one() {
    let url = "https://www.example.com/hot";
    let settings = QiniuSettings { processing_ms: 10, existing: false, ..QiniuSettings::lifted() };
    let sim = settings.start().await.unwrap();
    let stage =
        Stage::new(vec![qiniu_target("cdn", &sim.base_url(), json!({"limits": {"max_in_flight": 1}}))]).await;
    sim.gate().close_for(CallKind::Purge);
    let worker = stage.worker("w1");

    let first = stage.submit(&[url], &[]).await;
    sim.wait_for(|log| log.carrying(url).count() == 1).await.unwrap();
    // The call is at the provider. Ten requests come, and wait together.
    let mut later = Vec::new();
    for _ in 0..10 {
        later.push(stage.submit(&[url], &[]).await);
    }
    let enqueued_at = later.iter().map(|submitted| submitted.targets[0].new).sum::<u64>();
    assert_eq!(enqueued_at, 1, "the first of the ten makes a record, nine join it");
    let held_seq = sim.log().calls().len();
    sim.gate().open();

    assert_eq!(stage.ended(first.job).await.state, JobState::Succeeded);
    for submitted in later {
        assert_eq!(stage.ended(submitted.job).await.state, JobState::Succeeded);
    }
    let log = sim.log();
    let calls: Vec<_> = log.carrying(url).collect();
    assert_eq!(calls.len(), 2, "one call before the ten requests, one for all of them after");
    assert!(calls[1].seq as usize >= held_seq, "the second call began after the requests");
    stage.at_rest().await;
    worker.stop().await;
}
