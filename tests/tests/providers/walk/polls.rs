//! An answer to a question about a purge: it says nothing of the purge, so no item ends by it.

use super::{case::Case, purges::first_word};
use crate::subject::But;
use purgeline_core::{Class, JobState};
use purgeline_sim::CallKind;

pub(super) async fn run(case: &Case) {
    if case.class == Class::Unauthorised {
        holds_until_mended(case).await;
    } else {
        is_asked_again(case).await;
    }
}

/// The question is asked again, and the items end as the tasks do. They are not sent again, unless
/// the provider knows nothing of them.
async fn is_asked_again(case: &Case) {
    // Sent again while it is still worked on, an item may be refused for that once more.
    let scene = case.scene(3).await;
    case.misbehave(&scene, Some(1));
    let items = case.items();
    let job = scene.submit(&items).await;
    scene
        .pass_until("the answer was given", async || {
            scene.sim.log().of_kind(CallKind::Status).any(|call| call.fault.is_some()).then_some(())
        })
        .await;
    scene.skip_rest().await;
    let job = scene.ended(job).await;
    assert_eq!(job.state, JobState::Succeeded, "{job:#?}");
    let log = scene.sim.log();
    let struck: Vec<_> = log.of_kind(CallKind::Status).filter(|call| call.fault.is_some()).collect();
    assert_eq!(struck.len(), 1, "the answer was given");
    assert!(log.of_kind(CallKind::Status).any(|call| call.seq > struck[0].seq), "it was asked again");
    let sent: Vec<_> = items.iter().map(|item| scene.carrying(item).len()).collect();
    if case.row.but == But::SentAgain {
        assert!(sent.iter().any(|sent| *sent >= 2), "{sent:?}");
    } else {
        assert!(sent.iter().all(|sent| *sent == 1), "an item was sent again: {sent:?}");
    }
    scene.end().await;
}

/// The target is held, nothing is lost, and when somebody has mended it the question is asked again.
async fn holds_until_mended(case: &Case) {
    let scene = case.scene(1).await;
    case.misbehave(&scene, None);
    let items = case.items();
    let job = scene.submit(&items).await;
    let hold = scene
        .pass_until("the target is held", async || {
            scene.holds().await.into_iter().find(|hold| case.row.is_code(first_word(&hold.why)))
        })
        .await;
    assert_eq!(hold.name, "unauthorised");
    assert_eq!(scene.counts(job).await.1, 0);
    scene.behave();
    scene.stage.queue.operate().probe(scene.stage.target()).await.unwrap();
    let job = scene.ended(job).await;
    assert_eq!(job.state, JobState::Succeeded, "{job:#?}");
    for item in &items {
        assert_eq!(scene.carrying(item).len(), 1, "{item} was not sent again");
    }
    scene.end().await;
}
