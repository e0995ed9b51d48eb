//! A purge that its provider took and never tells the end of is sent again at its deadline, as
//! often as the provider's schedule and the target allow, and then fails for want of an answer.

use crate::{scene::Scene, subject::Subject, subjects};
use purgeline_core::{Class, JobState};
use purgeline_sim::{Ending, FateRule, Selector};
use serde_json::json;

/// How long an end is waited for, in ms.
const DEADLINE_MS: u32 = 1_000;

/// Sends of an item, where the provider's schedule does not bound them.
const MAX_ATTEMPTS: u32 = 4;

const SUBJECTS: [&Subject; 5] =
    [&subjects::FORESIGHT, &subjects::HUAWEI, &subjects::QINIU, &subjects::WANGSU, &subjects::ZTGAME];

async fn scene(subject: &'static Subject) -> Scene {
    // A task that runs for ever is not refused as "being refreshed".
    let account = if subject.provider == "qiniu" { json!({ "existing": false }) } else { json!({}) };
    let settings = json!({ "polls": { "then_ms": 100, "max_ms": 100, "deadline_ms": DEADLINE_MS } });
    let config = json!({ "max_attempts": MAX_ATTEMPTS, "settings": settings });
    Scene::start(subject, account, config).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_ends_is_sent_again_so_often_and_then_fails() {
    for subject in SUBJECTS {
        let scene = scene(subject).await;
        scene.sim.fate(FateRule::new(Selector::All, Ending::Never));
        let items = subject.items(crate::subject::Items::Urls);
        let job = scene.submit(&items).await;
        let job = scene.ended(job).await;
        assert_eq!(job.state, JobState::Failed, "{}", subject.name);
        let resubmits = scene.stage.targets[0].descriptor.polls.unwrap().resubmits;
        let sends = resubmits.map_or(MAX_ATTEMPTS, |times| times + 1);
        for item in &items {
            let calls = scene.carrying(item);
            assert_eq!(calls.len(), usize::try_from(sends).unwrap(), "{}: {item}", subject.name);
            for pair in calls.windows(2) {
                let apart_ms = pair[1].arrived_ms - pair[0].arrived_ms;
                assert!(apart_ms >= i64::from(DEADLINE_MS), "{}: again after {apart_ms} ms", subject.name);
            }
        }
        for dead in scene.dead_letters().await {
            assert_eq!((dead.cause.code.as_str(), dead.cause.class), ("poll-deadline", Class::Unknown));
        }
        scene.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_the_second_time_succeeds() {
    for subject in SUBJECTS {
        let scene = scene(subject).await;
        let items = subject.items(crate::subject::Items::Urls);
        scene.sim.fate(FateRule::new(Selector::All, Ending::Never).times(items.len() as u64));
        let job = scene.submit(&items).await;
        let job = scene.ended(job).await;
        assert_eq!(job.state, JobState::Succeeded, "{}", subject.name);
        assert!(items.iter().all(|item| scene.carrying(item).len() == 2), "{}", subject.name);
        scene.end().await;
    }
}
