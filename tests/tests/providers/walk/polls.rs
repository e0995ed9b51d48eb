//! An answer to a question about a purge: it says nothing of the purge, so no item ends by it.

use super::{code_case::CodeCase, purges::first_word};
use purgeline_core::{Class, JobState};
use purgeline_sim::CallKind;
use purgeline_tests::provider_case::But;

pub(super) async fn run(case: &CodeCase) {
    if case.class == Class::Unauthorised {
        holds_until_mended(case).await;
    } else {
        is_asked_again(case).await;
    }
}

/// The question is asked again, and the items end as the tasks do. They are not sent again, unless
/// the provider knows nothing of them.
async fn is_asked_again(case: &CodeCase) {
    // Sent again while it is still worked on, an item may be refused for that once more.
    let fixture = case.fixture(3).await;
    case.misbehave(&fixture, Some(1));
    let items = case.items();
    let job = fixture.submit(&items).await;
    fixture
        .pass_until("the answer was given", async || {
            fixture.sim.log().of_kind(CallKind::Status).any(|call| call.fault.is_some()).then_some(())
        })
        .await;
    fixture.skip_rest().await;
    let job = fixture.ended(job).await;
    assert_eq!(job.state, JobState::Succeeded, "{job:#?}");
    let log = fixture.sim.log();
    let struck: Vec<_> = log.of_kind(CallKind::Status).filter(|call| call.fault.is_some()).collect();
    assert_eq!(struck.len(), 1, "the answer was given");
    assert!(log.of_kind(CallKind::Status).any(|call| call.seq > struck[0].seq), "it was asked again");
    let sent: Vec<_> = items.iter().map(|item| fixture.carrying(item).len()).collect();
    if case.row.but == But::SentAgain {
        assert!(sent.iter().any(|sent| *sent >= 2), "{sent:?}");
    } else {
        assert!(sent.iter().all(|sent| *sent == 1), "an item was sent again: {sent:?}");
    }
    fixture.end().await;
}

/// The target is held, nothing is lost, and when somebody has mended it the question is asked again.
async fn holds_until_mended(case: &CodeCase) {
    let fixture = case.fixture(1).await;
    case.misbehave(&fixture, None);
    let items = case.items();
    let job = fixture.submit(&items).await;
    let hold = fixture
        .pass_until("the target is held", async || {
            fixture.holds().await.into_iter().find(|hold| case.row.is_code(first_word(&hold.why)))
        })
        .await;
    assert_eq!(hold.name, "unauthorised");
    assert_eq!(fixture.counts(job).await.1, 0);
    fixture.behave();
    fixture.env.queue.operate().probe(fixture.env.target()).await.unwrap();
    let job = fixture.ended(job).await;
    assert_eq!(job.state, JobState::Succeeded, "{job:#?}");
    for item in &items {
        assert_eq!(fixture.carrying(item).len(), 1, "{item} was not sent again");
    }
    fixture.end().await;
}
