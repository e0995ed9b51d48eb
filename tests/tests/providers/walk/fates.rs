//! A task that ends badly, by the word that its provider has for it.

use super::{code_case::CodeCase, purges::assert_cause};
use purgeline_core::{Action, Class, JobState};
use purgeline_sim::{Ending, FateRule, Selector};

pub(super) async fn run(case: &CodeCase, detail: &str) {
    assert_eq!(case.class, Class::Soon, "a purge that failed may go better");
    ends_well(case, detail).await;
    ends_badly(case, detail).await;
}

fn fate(case: &CodeCase, detail: &str) -> FateRule {
    let bad = case.bad_item();
    FateRule::new(Selector::Exact(bad.text().to_owned()), Ending::Failure(detail.to_owned()))
}

/// What failed once is sent again and succeeds.
async fn ends_well(case: &CodeCase, detail: &str) {
    let fixture = case.fixture(4).await;
    fixture.sim.fate(fate(case, detail).times(1));
    let mut items = case.items();
    items.push(case.bad_item());
    let job = fixture.submit(&items).await;
    let job = fixture.ended(job).await;
    assert_eq!(job.state, JobState::Succeeded, "{job:#?}");
    assert_eq!(fixture.carrying(&case.bad_item()).len(), 2);
    fixture.end().await;
}

/// What fails again and again fails with the provider's word as its cause, and alone.
async fn ends_badly(case: &CodeCase, detail: &str) {
    let fixture = case.fixture(2).await;
    fixture.sim.fate(fate(case, detail));
    let mut items = case.items();
    items.push(case.bad_item());
    let job = fixture.submit(&items).await;
    let job = fixture.ended(job).await;
    assert_eq!(job.state, JobState::Partial, "{job:#?}");
    let dead = fixture.dead_letters().await;
    assert_eq!(dead.len(), 1, "{dead:#?}");
    assert_eq!(dead[0].item, case.bad_item().name(Action::Default));
    assert_cause(case, &dead[0]);
    fixture.end().await;
}
