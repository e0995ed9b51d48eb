//! A task that ends badly, by the word that its provider has for it.

use super::{case::Case, purges::assert_cause};
use purgeline_core::{Action, Class, JobState};
use purgeline_sim::{Ending, FateRule, Selector};

pub(super) async fn run(case: &Case, detail: &str) {
    assert_eq!(case.class, Class::Soon, "a purge that failed may go better");
    ends_well(case, detail).await;
    ends_badly(case, detail).await;
}

fn fate(case: &Case, detail: &str) -> FateRule {
    let bad = case.bad_item();
    FateRule::new(Selector::Exact(bad.text().to_owned()), Ending::Failure(detail.to_owned()))
}

/// What failed once is sent again and succeeds.
async fn ends_well(case: &Case, detail: &str) {
    let scene = case.scene(4).await;
    scene.sim.fate(fate(case, detail).times(1));
    let mut items = case.items();
    items.push(case.bad_item());
    let job = scene.submit(&items).await;
    let job = scene.ended(job).await;
    assert_eq!(job.state, JobState::Succeeded, "{job:#?}");
    assert_eq!(scene.carrying(&case.bad_item()).len(), 2);
    scene.end().await;
}

/// What fails again and again fails with the provider's word as its cause, and alone.
async fn ends_badly(case: &Case, detail: &str) {
    let scene = case.scene(2).await;
    scene.sim.fate(fate(case, detail));
    let mut items = case.items();
    items.push(case.bad_item());
    let job = scene.submit(&items).await;
    let job = scene.ended(job).await;
    assert_eq!(job.state, JobState::Partial, "{job:#?}");
    let dead = scene.dead_letters().await;
    assert_eq!(dead.len(), 1, "{dead:#?}");
    assert_eq!(dead[0].item, case.bad_item().name(Action::Default));
    assert_cause(case, &dead[0]);
    scene.end().await;
}
