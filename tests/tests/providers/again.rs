//! An item that is asked for again while its provider still works on it.

use crate::sim_fixture::SimFixture;
use purgeline_core::{JobState, Kind};
use purgeline_tests::provider_case::{self, item};
use serde_json::json;
use std::time::Duration;

/// Asked for again and again while it is being refreshed, a URL is never sent then: the later
/// requests wait together for the end of the earlier one, and then go once. A task takes `task_ms`.
async fn sends_once_after_the_earlier_task_ends(fixture: SimFixture, task_ms: i64, refusal: &str) {
    let (hot, cold) = (item(Kind::Url, "www", 0), item(Kind::Url, "www", 1));
    for round in 1..=3 {
        let first = fixture.submit(std::slice::from_ref(&hot)).await;
        let is_open = async || (fixture.carrying(&hot).len() == 2 * round - 1).then_some(());
        fixture.stand_until("it is being refreshed", is_open).await;
        let mut jobs = vec![first, fixture.submit(std::slice::from_ref(&hot)).await];
        // Another goes meanwhile.
        let sent = fixture.carrying(&cold).len();
        jobs.push(fixture.submit(&[hot.clone(), cold.clone()]).await);
        let is_sent = async || (fixture.carrying(&cold).len() > sent).then_some(());
        fixture.stand_until("the other is sent", is_sent).await;
        jobs.push(fixture.submit(std::slice::from_ref(&hot)).await);
        for job in jobs {
            let job = fixture.ended(job).await;
            assert_eq!(job.state, JobState::Succeeded, "{:#?}", fixture.dead_letters().await);
        }
        assert_eq!(fixture.carrying(&hot).len(), 2 * round, "one call for all that waited");
    }
    let log = fixture.sim.log();
    assert_eq!(log.stats().codes.get(refusal), None, "{:?}", log.stats().codes);
    assert_eq!(log.stats().items_refused, 0);
    // Each call for it came after the task of the one before had ended.
    let calls = fixture.carrying(&hot);
    for pair in calls.windows(2) {
        let apart_ms = pair[1].arrived_ms - pair[0].arrived_ms;
        assert!(apart_ms >= task_ms, "a task takes {task_ms} ms, and the next call came after {apart_ms} ms");
    }
    fixture.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn qiniu_is_not_asked_to_refresh_a_url_twice_at_once() {
    let account = json!({ "existing": true, "processing_ms": 50 });
    let fixture = SimFixture::start(&provider_case::QINIU, account, json!({ "max_attempts": 1 })).await;
    sends_once_after_the_earlier_task_ends(fixture, 50, "400037").await;
}

/// It refuses an item for a minute after it took it. Here with its real times, since its tasks are
/// told apart by them.
#[tokio::test(flavor = "multi_thread")]
async fn wangsu_is_not_asked_to_purge_a_running_url() {
    let account = json!({ "running_ms": 60_000, "processing_ms": 90_000 });
    let polls = json!({ "first_ms": 90_000, "then_ms": 60_000, "max_ms": 120_000 });
    let config = json!({ "max_attempts": 1, "settings": { "polls": polls } });
    let mut fixture = SimFixture::start(&provider_case::WANGSU, account, config).await;
    fixture.step = Duration::from_secs(1);
    sends_once_after_the_earlier_task_ends(fixture, 90_000, "running url or dir").await;
}
