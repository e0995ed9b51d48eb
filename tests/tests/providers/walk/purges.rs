//! An answer to a purge, by its class.

use super::code_case::CodeCase;
use crate::sim_fixture::{QueueCounts, SimFixture};
use purgeline_core::{Class, Item, JobId, JobState, Kind};
use purgeline_queue::{DeadLetter, HoldName};
use purgeline_sim::CallRecord;
use purgeline_tests::provider_case::But;
use serde_json::json;
use std::{collections::HashSet, sync::Arc};

pub(super) async fn run(case: &CodeCase) {
    match case.class {
        Class::Delay if case.row.but == But::UnderWay => under_way(case).await,
        Class::Soon | Class::Unknown => {
            is_sent_again(case).await;
            is_given_up(case).await;
        }
        Class::Delay => waits(case).await,
        Class::ItemDead | Class::ClientBug => fails_alone(case).await,
        Class::Unauthorised => {
            holds_until_mended(case).await;
            if case.row.but == But::Renewed {
                is_renewed(case).await;
            }
        }
        Class::QuotaDay => waits_for_the_day(case).await,
    }
}

/// The calls that met the fault.
fn struck(fixture: &SimFixture) -> Vec<Arc<CallRecord>> {
    fixture.purges().into_iter().filter(|call| fixture.is_struck(call)).collect()
}

/// The items of a job that the calls carried.
fn of_calls(case: &CodeCase, items: &[Item], calls: &[Arc<CallRecord>]) -> Vec<Item> {
    let carried = |item: &&Item| calls.iter().any(|call| case.provider.carries(call, item));
    items.iter().filter(carried).cloned().collect()
}

async fn assert_succeeded(fixture: &SimFixture, job: JobId) {
    let job = fixture.ended(job).await;
    assert_eq!(job.state, JobState::Succeeded, "{job:#?}");
}

/// Refused once, it succeeds by a later call, with one attempt spent of two.
async fn is_sent_again(case: &CodeCase) {
    let fixture = case.fixture(2).await;
    case.misbehave(&fixture, Some(1));
    let items = case.items();
    let job = fixture.submit(&items).await;
    assert_succeeded(&fixture, job).await;
    let refused = of_calls(case, &items, &struck(&fixture));
    assert!(!refused.is_empty(), "the answer was given");
    for item in &refused {
        assert!(fixture.carrying(item).len() >= 2, "{item} was sent again");
    }
    assert_eq!(fixture.dead_letters().await, []);
    fixture.end().await;
}

/// Refused as often as it may be sent, or for so long as it may be, it fails with the provider's code
/// and words as its cause.
async fn is_given_up(case: &CodeCase) {
    let fixture = case
        .fixture_of(
            json!({ "max_attempts": 1, "max_age_s": 1, "breaker": { "probe_ms": 100, "max_probe_ms": 100 } }),
        )
        .await;
    case.misbehave(&fixture, None);
    let items = case.items();
    let job = fixture.submit(&items).await;
    let job = fixture.ended(job).await;
    assert_eq!(job.state, JobState::Failed, "{job:#?}");
    let dead = fixture.dead_letters().await;
    assert_eq!(dead.len(), items.len());
    dead.iter().for_each(|dead| assert_cause(case, dead));
    fixture.end().await;
}

pub(super) fn assert_cause(case: &CodeCase, dead: &DeadLetter) {
    assert!(case.row.is_code(&dead.cause.code), "{dead:?}");
    assert_eq!(dead.cause.class, case.class, "{dead:?}");
}

/// Nothing of it is sent before the time that is written, then it succeeds.
async fn waits(case: &CodeCase) {
    let fixture = case.fixture(2).await;
    case.misbehave(&fixture, Some(1));
    let items = case.items();
    let job = fixture.submit(&items).await;
    fixture
        .pass_until("the refusal is written", async || {
            // In this order: once the call was made, items wait only after its refusal was written.
            if struck(&fixture).is_empty() {
                return None;
            }
            let QueueCounts { in_flight, ready, pending, .. } = fixture.queue_counts().await;
            (in_flight + ready == 0 && pending > 0).then_some(())
        })
        .await;
    let refused = of_calls(case, &items, &struck(&fixture));
    let until = match fixture.holds().await.iter().find(|hold| hold.name == "throttled") {
        Some(hold) => {
            assert!(case.row.is_code(first_word(&hold.why)), "{hold:?}");
            hold.until_ms.expect("a throttle ends")
        }
        None => {
            let mut times = Vec::new();
            for item in &refused {
                let (due, why) = fixture.due(item).await.expect("it waits");
                assert!(case.row.is_code(&why), "{item} waits for {why}");
                times.push(due);
            }
            times.into_iter().min().expect("a call was refused")
        }
    };
    assert!(until > fixture.now_ms(), "it waits");
    fixture.jump_to(until - 1_000);
    assert_succeeded(&fixture, job).await;
    assert_none_before(case, &fixture, &refused, until);
    fixture.end().await;
}

/// After the calls that met the fault, none carried these items before a time.
fn assert_none_before(case: &CodeCase, fixture: &SimFixture, items: &[Item], until_ms: i64) {
    for item in items {
        let calls = fixture.carrying(item);
        let well: Vec<_> = calls.iter().filter(|call| !fixture.is_struck(call)).collect();
        assert!(!well.is_empty(), "{item} was sent again");
        for call in well {
            assert!(
                call.arrived_ms >= until_ms,
                "{case}: {item} was sent {} ms early",
                until_ms - call.arrived_ms
            );
        }
    }
}

/// The item that the answer is about fails with it, and no other; the others are sent until they
/// go, within the calls that it takes to find the culprit by halves.
async fn fails_alone(case: &CodeCase) {
    let fixture = case.fixture(8).await;
    let (items, bad) = (case.items(), case.bad_item());
    if let Some(rule) = case.rule() {
        // Where calls show no items, the first call is the one.
        let of_bad = fixture.provider.purges == purgeline_sim::CallKind::Purge;
        fixture.misbehave(vec![if of_bad { rule.carrying(bad.text()) } else { rule.times(1) }]);
    }
    let mut all = items.clone();
    all.push(bad.clone());
    let job = fixture.submit(&all).await;
    let job = fixture.ended(job).await;
    assert_eq!(job.state, JobState::Partial, "{job:#?}");
    let dead = fixture.dead_letters().await;
    assert_eq!(dead.len(), 1, "{dead:#?}");
    assert_cause(case, &dead[0]);
    let bad = match struck(&fixture).last() {
        Some(call) => all.iter().rfind(|item| fixture.provider.carries(call, item)).unwrap().clone(),
        None => bad,
    };
    assert_eq!(dead[0].item, bad.name(purgeline_core::Action::Default));
    if fixture.provider.purges == purgeline_sim::CallKind::Purge {
        let purges = fixture.purges().len();
        let least = least_calls(case, &all);
        let most = least as f64 + 2.0 * (all.len() as f64).log2() + 2.0;
        assert!(purges as f64 <= most, "{purges} calls where {least} would do for good items");
    }
    fixture.end().await;
}

/// The calls that these few items take if none is bad.
fn least_calls(case: &CodeCase, items: &[Item]) -> usize {
    let call = case.provider.descriptor().limits.call;
    let kinds: HashSet<_> = items.iter().map(|item| (!call.mix_kinds).then(|| item.kind())).collect();
    let hosts: HashSet<_> = items.iter().map(|item| call.max_hosts.and_then(|_| item.host())).collect();
    let together = usize::try_from(call.max_items.get()).unwrap();
    (kinds.len() + hosts.len() - 1).max(items.len().div_ceil(together))
}

/// Everything that it is about is held, nothing is lost, and goes when somebody has mended it.
async fn holds_until_mended(case: &CodeCase) {
    let fixture = case.fixture(1).await;
    case.misbehave(&fixture, None);
    let items = case.items();
    let job = fixture.submit(&items).await;
    let hold = fixture
        .pass_until("the target is held", async || {
            let hold = fixture.holds().await.into_iter().find(|hold| case.row.is_code(first_word(&hold.why)));
            let queue_counts = fixture.queue_counts().await;
            hold.filter(|_| queue_counts.in_flight == 0 && queue_counts.pending > 0)
        })
        .await;
    assert!(hold.until_ms.is_none_or(|until| until > fixture.now_ms()));
    let calls = fixture.purges().len();
    let (succeeded, failed) = fixture.counts(job).await;
    let queue_counts = fixture.queue_counts().await;
    assert_eq!(failed, 0);
    let mut later = None;
    if hold.name == "unauthorised" {
        assert_eq!((succeeded, queue_counts.pending), (0, items.len() as u64), "all wait: {queue_counts:?}");
        // Neither by waiting a while nor for company does anything go.
        fixture.jump_to(hold.until_ms.map_or(fixture.now_ms(), |until| until - 1_000));
        later = Some(fixture.submit(&[item_to_wake(case)]).await);
        fixture
            .stand_until("the newcomer waits", async || {
                (fixture.queue_counts().await.pending == items.len() as u64 + 1).then_some(())
            })
            .await;
        assert_eq!(fixture.purges().len(), calls, "nothing is sent while it is held");
    }
    fixture.behave();
    for hold in fixture.holds().await {
        let (queue, target) = (&fixture.env.queue, fixture.env.target());
        if hold.name == "unauthorised" {
            queue.operate().probe(target).await.unwrap();
        } else {
            let kind = HoldName::Kind(hold.name.parse::<Kind>().unwrap());
            queue.operate().release(target, kind).await.unwrap();
        }
    }
    for job in later.into_iter().chain([job]) {
        assert_succeeded(&fixture, job).await;
    }
    assert_eq!(fixture.dead_letters().await, []);
    fixture.end().await;
}

/// One more item, whose arrival wakes the worker.
fn item_to_wake(case: &CodeCase) -> Item {
    purgeline_tests::provider_case::item(case.provider.main_kind(), "later", 91)
}

/// Refused once for its token, the call is made again with another at once.
async fn is_renewed(case: &CodeCase) {
    let fixture = case.fixture(1).await;
    case.misbehave(&fixture, Some(1));
    let job = fixture.submit(&case.items()).await;
    assert_succeeded(&fixture, job).await;
    assert!(!struck(&fixture).is_empty(), "the answer was given");
    let tokens = fixture.sim.log().of_kind(purgeline_sim::CallKind::Token).count();
    assert_eq!(tokens, 2, "tokens were asked for");
    assert_eq!(fixture.holds().await, []);
    fixture.end().await;
}

/// All that it is about waits for the provider's next day, and none fails.
async fn waits_for_the_day(case: &CodeCase) {
    let fixture = case.fixture(2).await;
    case.misbehave(&fixture, None);
    let midnight = "2026-01-02T16:00:00Z".parse::<jiff::Timestamp>().unwrap().as_millisecond();
    let items = case.items();
    let job = fixture.submit(&items).await;
    let waiting = fixture
        .pass_until("the rest waits for the next day", async || {
            let waiting = until_the_day(&fixture, &items, midnight).await;
            let (succeeded, failed) = fixture.counts(job).await;
            assert_eq!(failed, 0, "{:?}", fixture.dead_letters().await);
            let is_all = succeeded + waiting.len() as u64 == items.len() as u64;
            (is_all && fixture.queue_counts().await.in_flight == 0).then_some(waiting)
        })
        .await;
    assert!(!waiting.is_empty());
    fixture.behave();
    let calls = fixture.purges().len();
    fixture.jump_to(midnight - 1_000);
    assert_succeeded(&fixture, job).await;
    for call in &fixture.purges()[calls..] {
        assert!(call.arrived_ms >= midnight, "sent {} ms before the day", midnight - call.arrived_ms);
    }
    assert_eq!(fixture.dead_letters().await, []);
    fixture.end().await;
}

/// The items that wait for the next day, by themselves or by their kind.
async fn until_the_day(fixture: &SimFixture, items: &[Item], midnight: i64) -> Vec<Item> {
    let open = fixture.queue_counts().await.open;
    let mut waiting = Vec::new();
    for item in items {
        let held = fixture.env.quota_wait(item).await.is_some_and(|wait| wait.until_ms == midnight);
        let due = fixture.due(item).await.is_some_and(|(due, _)| due >= midnight);
        // A half of a call that was split waits as it is.
        if due
            || (held
                && (fixture.env.is_pending(item).await || (open == 0 && fixture.is_in_batch(item).await)))
        {
            waiting.push(item.clone());
        }
    }
    waiting
}

/// The items are not sent before the provider is done with the earlier request for them, and then
/// they are.
async fn under_way(case: &CodeCase) {
    let fixture = case.fixture(2).await;
    case.misbehave(&fixture, Some(1));
    let items = case.items();
    let job = fixture.submit(&items).await;
    assert_succeeded(&fixture, job).await;
    let refused = of_calls(case, &items, &struck(&fixture));
    for item in &refused {
        assert_eq!(fixture.carrying(item).len(), 2, "{item}");
    }
    // Between the two it was asked how the earlier request fares.
    let log = fixture.sim.log();
    let asked = log.of_kind(purgeline_sim::CallKind::Status).next().expect("it was asked").seq;
    let purges = fixture.purges();
    assert!(purges[0].seq < asked && asked < purges[1].seq);
    fixture.end().await;
}

pub(super) fn first_word(why: &str) -> &str {
    why.split(' ').next().unwrap_or_default()
}
