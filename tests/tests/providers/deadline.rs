//! A purge that its provider took and never tells the end of is sent again at its deadline, as
//! often as the provider's schedule and the target allow, and then fails for want of an answer.

use crate::sim_fixture::SimFixture;
use purgeline_core::{Class, JobState};
use purgeline_sim::{Ending, FateRule, Selector};
use purgeline_tests::{
    ProviderCase,
    provider_case::{self, Items},
};
use serde_json::json;

/// How long an end is waited for, in ms.
const DEADLINE_MS: u32 = 1_000;

/// Sends of an item, where the provider's schedule does not bound them.
const MAX_ATTEMPTS: u32 = 4;

const PROVIDERS: [&ProviderCase; 5] = [
    &provider_case::FORESIGHT,
    &provider_case::HUAWEI,
    &provider_case::QINIU,
    &provider_case::WANGSU,
    &provider_case::ZTGAME,
];

async fn fixture(provider: &'static ProviderCase) -> SimFixture {
    // A task that runs for ever is not refused as "being refreshed".
    let account = if provider.registry_name == "qiniu" { json!({ "existing": false }) } else { json!({}) };
    let settings = json!({ "polls": { "then_ms": 100, "max_ms": 100, "deadline_ms": DEADLINE_MS } });
    let config = json!({ "max_attempts": MAX_ATTEMPTS, "settings": settings });
    SimFixture::start(provider, account, config).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_that_never_ends_is_sent_again_and_then_fails() {
    for provider in PROVIDERS {
        let fixture = fixture(provider).await;
        fixture.sim.fate(FateRule::new(Selector::All, Ending::Never));
        let items = provider.items(Items::Urls);
        let job = fixture.submit(&items).await;
        let job = fixture.ended(job).await;
        assert_eq!(job.state, JobState::Failed, "{}", provider.name);
        let resubmits = fixture.env.targets[0].descriptor.polls.unwrap().resubmits;
        let sends = resubmits.map_or(MAX_ATTEMPTS, |times| times + 1);
        for item in &items {
            let calls = fixture.carrying(item);
            assert_eq!(calls.len(), usize::try_from(sends).unwrap(), "{}: {item}", provider.name);
            for pair in calls.windows(2) {
                let apart_ms = pair[1].arrived_ms - pair[0].arrived_ms;
                assert!(apart_ms >= i64::from(DEADLINE_MS), "{}: again after {apart_ms} ms", provider.name);
            }
        }
        // Each call that is made again carries the same items.
        let mut of_first: Vec<_> = fixture.purges().iter().map(|call| call.items.len()).collect();
        let sent_once = of_first.len() / usize::try_from(sends).unwrap();
        let again = of_first.split_off(sent_once);
        assert!(again.chunks(sent_once).all(|call| call == of_first), "{}: {again:?}", provider.name);
        let dead_letters = fixture.dead_letters().await;
        assert_eq!(dead_letters.len(), items.len(), "{}", provider.name);
        for dead in dead_letters {
            assert_eq!((dead.cause.code.as_str(), dead.cause.class), ("poll-deadline", Class::Unknown));
            assert_eq!(dead.attempts, sends, "{}", provider.name);
            // Where the schedule bounds the sends, the message counts them.
            let end = format!(" of acceptance, {sends} times");
            assert_eq!(dead.cause.message.ends_with(&end), resubmits.is_some(), "{dead:?}");
        }
        fixture.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_that_ends_after_its_deadline_succeeds_when_sent_again() {
    for provider in PROVIDERS {
        let fixture = fixture(provider).await;
        let items = provider.items(Items::Urls);
        fixture.sim.fate(FateRule::new(Selector::All, Ending::Never).times(items.len() as u64));
        let job = fixture.submit(&items).await;
        let job = fixture.ended(job).await;
        assert_eq!(job.state, JobState::Succeeded, "{}", provider.name);
        assert!(items.iter().all(|item| fixture.carrying(item).len() == 2), "{}", provider.name);
        fixture.end().await;
    }
}
