//! The `ztgame` provider against a simulator that shares no code with it.

use jiff::{SignedDuration, Timestamp};
use purgeline_core::{Class, ManualClock, Outcome, PollReport, Signal, Submission};
use purgeline_providers::{BuildContext, CallItem, Provider, provider};
use purgeline_sim::{
    CallKind, CallRecord, Ending, Fault, FaultRule, Options, Phase, Selector, Sim,
    ztgame::{AnswerShape, TokenBody, ZtgameSettings},
};
use purgeline_tests::{
    HttpReply, HttpServer, PATIENCE,
    wire::{bisect, client, context, dir, open, outcomes, submit, url},
};
use serde_json::{Value, json};
use std::{collections::HashSet, sync::Arc, time::Duration};

const DAY: u64 = 86_400;

/// An account on which tasks end only when a test says so.
fn account() -> ZtgameSettings {
    ZtgameSettings { processing_ms: 1_000_000_000_000, ..ZtgameSettings::default() }
}

fn user(sim: &Sim) -> Value {
    json!({"username": "sim-user", "password": "sim-password", "base_url": sim.base_url()})
}

async fn start(settings: ZtgameSettings) -> (Sim, Arc<dyn Provider>) {
    let sim = settings.start().await.unwrap();
    let client = client("ztgame", user(&sim), PATIENCE);
    (sim, client)
}

fn pages(count: usize) -> Vec<CallItem> {
    (0..count).map(|n| url(&format!("http://www.example.com/{n}"))).collect()
}

async fn poll(client: &dyn Provider, submission: &Submission, items: &[CallItem]) -> PollReport {
    let receipt = submission.receipt.as_ref().unwrap_or_else(|| panic!("{submission:?}"));
    client.poll(&[open(&receipt.0, items)]).await
}

fn accepted(submission: &Submission) -> bool {
    outcomes(submission).iter().all(|outcome| *outcome == Outcome::Accepted)
}

fn count(sim: &Sim, kind: CallKind) -> usize {
    sim.log().of_kind(kind).count()
}

fn is_refused(call: &CallRecord) -> bool {
    call.outcome.as_ref().is_none_or(|outcome| outcome.status.is_none_or(|status| status >= 300))
}

#[tokio::test]
async fn a_purge_succeeds_with_every_shape_of_answer() {
    for answer in [AnswerShape::Nested, AnswerShape::NestedCamel, AnswerShape::Flat] {
        let (sim, client) = start(ZtgameSettings { answer, ..account() }).await;
        for items in [pages(10), vec![dir("http://www.example.com/a/"), dir("http://www.example.com/b/")]] {
            let submission = submit(&*client, &items).await;
            assert!(accepted(&submission), "{submission:?}");
            let runs = poll(&*client, &submission, &items).await;
            assert_eq!((runs.answers[0].ended.len(), &runs.answers[0].cause), (0, &None));
            sim.settle(&Selector::All, &Ending::Success);
            let done = poll(&*client, &submission, &items).await;
            let all: Vec<_> = (0..items.len()).map(|at| (at, Outcome::Done)).collect();
            assert_eq!((&done.answers[0].ended, done.bisect.len()), (&all, 0));
        }
        assert_eq!(count(&sim, CallKind::Token), 1, "one token does for all calls");
    }
}

#[tokio::test]
async fn both_bodies_of_a_token_request_work() {
    for (token_body, asked) in [(TokenBody::Any, 1), (TokenBody::Flat, 1), (TokenBody::Nested, 2)] {
        let (sim, client) = start(ZtgameSettings { token_body, ..account() }).await;
        assert!(accepted(&submit(&*client, &pages(1)).await), "{token_body:?}");
        assert_eq!(count(&sim, CallKind::Token), asked, "{token_body:?}");
    }
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends() {
    let now: Timestamp = "2026-01-02T00:30:00Z".parse().unwrap();
    let (ours, theirs) = (ManualClock::new(now), purgeline_sim::ManualClock::at(now));
    let sim = account().start_with(Options::with_clock(theirs.clone())).await.unwrap();
    let context = BuildContext { clock: Arc::new(ours.clone()), ..context(user(&sim), PATIENCE) };
    let client = (provider("ztgame").unwrap().build)(&context).unwrap();
    for (pass, tokens) in [(0, 1), (DAY - 600, 1), (301, 2), (0, 2), (DAY - 300, 3)] {
        ours.advance(SignedDuration::from_secs(i64::try_from(pass).unwrap()));
        theirs.advance(Duration::from_secs(pass));
        let submission = submit(&*client, &pages(1)).await;
        assert!(accepted(&submission), "{submission:?}");
        poll(&*client, &submission, &pages(1)).await;
        assert_eq!(count(&sim, CallKind::Token), tokens);
    }
    let calls = sim.log();
    let refused = calls.calls().iter().filter(|call| is_refused(call));
    assert_eq!(refused.count(), 0, "renewal comes before the refusal");
}

#[tokio::test]
async fn a_token_that_is_refused_is_renewed_once() {
    for code in ["invalid token", "Could not find token", "Unauthorized"] {
        let (sim, client) = start(account()).await;
        let refuse =
            |kind, times| sim.fault(FaultRule::new(Fault::refuse(code)).on(kind).times(times)).unwrap();
        refuse(CallKind::Purge, 1);
        let submission = submit(&*client, &pages(2)).await;
        assert!(accepted(&submission), "{code}: {submission:?}");
        assert_eq!((count(&sim, CallKind::Token), count(&sim, CallKind::Purge)), (2, 2), "{code}");
        refuse(CallKind::Status, 1);
        assert_eq!(poll(&*client, &submission, &pages(2)).await.answers[0].cause, None);
        assert_eq!(count(&sim, CallKind::Token), 3);
        // A second refusal is believed, and loses nothing.
        refuse(CallKind::Purge, 2);
        let refused = submit(&*client, &pages(2)).await;
        assert!(matches!(&refused.signals[..], [Signal::Unauthorised { kind: None, .. }]), "{refused:?}");
        for outcome in outcomes(&refused) {
            let Outcome::Retry { cause, .. } = outcome else { panic!("{outcome:?}") };
            assert_eq!((cause.class, cause.code.as_str()), (Class::Unauthorised, &*code.replace(' ', "-")));
        }
        assert_eq!(count(&sim, CallKind::Purge), 4);
    }
}

#[tokio::test]
async fn a_wrong_password_holds_the_target_before_anything_is_sent() {
    let (sim, client) = start(ZtgameSettings { password: "another".into(), ..account() }).await;
    let refused = submit(&*client, &pages(2)).await;
    let [Signal::Unauthorised { kind: None, cause }] = &refused.signals[..] else { panic!("{refused:?}") };
    assert_eq!(cause.to_string(), "no-token-given: Invalid user / password");
    let report = client.poll(&[open("fa97b5d1", &pages(2))]).await;
    assert!(matches!(&report.signals[..], [Signal::Unauthorised { .. }]));
    assert_eq!(report.answers[0].ended, []);
    assert!(sim.log().calls().iter().all(|call| call.kind == CallKind::Token));
}

#[tokio::test]
async fn a_token_answer_is_never_quoted() {
    for body in [
        json!({"access": {"token": {"id": 5, "secret": "swordfish"}}}),
        json!({"access": {"token": {"id": "swordfish\n"}}}),
        json!({"token": "swordfish"}),
    ] {
        let server = HttpServer::always(HttpReply::json(200, &body)).await;
        let settings = json!({"username": "u", "password": "sim-password", "base_url": server.url()});
        let submission = submit(&*client("ztgame", settings, PATIENCE), &pages(1)).await;
        let [Outcome::Retry { cause, .. }] = outcomes(&submission) else { panic!("{submission:?}") };
        assert_eq!((cause.class, cause.code.as_str()), (Class::Unknown, "no-token"));
        assert!(!cause.message.contains("swordfish"), "{cause}");
    }
}

#[tokio::test]
async fn halving_finds_the_bad_item_and_sends_the_others() {
    for (items, bad) in [(2, 1), (7, 3), (10, 0), (10, 2), (10, 9)] {
        let bad = format!("http://www.example.com/{bad}");
        let (sim, client) =
            start(ZtgameSettings { bad_urls: HashSet::from([bad.clone()]), ..account() }).await;
        let (made, failed) = bisect(&*client, pages(items)).await;
        let [(culprit, cause)] = &failed[..] else { panic!("{failed:?}") };
        assert_eq!((culprit, cause.code.as_str()), (&bad, "downstream-400"));
        let most = 2.0 * f64::from(u32::try_from(items).unwrap()).log2() + 2.0;
        assert!(f64::from(u32::try_from(made - 1).unwrap()) <= most, "{made} calls for {items} items");
        assert_eq!(sim.log().stats().items_accepted, items as u64 - 1);
    }
}

#[tokio::test]
async fn a_foreign_host_fails_in_one_call() {
    let hosts = Some(vec!["*.example.com".to_owned()]);
    let (_sim, client) = start(ZtgameSettings { hosts, ..account() }).await;
    let items: Vec<_> = (0..10).map(|n| url(&format!("http://other.org/{n}"))).collect();
    let (made, failed) = bisect(&*client, items).await;
    assert_eq!((made, failed.len()), (1, 10));
    assert!(
        failed.iter().all(|(_, cause)| cause.to_string() == "not-yours: other.org is not yours or not ready")
    );
}

#[tokio::test]
async fn success_at_some_of_the_cdns_is_retried() {
    let (_sim, client) = start(ZtgameSettings { success_rate: 66.7, ..account() }).await;
    let submission = submit(&*client, &pages(1)).await;
    let [Outcome::Retry { after_ms: None, cause }] = outcomes(&submission) else { panic!("{submission:?}") };
    assert_eq!(cause.to_string(), "success-rate: only 66.7 % of the CDNs behind it have taken the purge");
}

#[tokio::test]
async fn a_failed_task_is_split_and_a_running_task_is_polled_on() {
    for words in ["failure", "error", "delete"] {
        let (sim, client) = start(account()).await;
        let items = pages(3);
        let submission = submit(&*client, &items).await;
        let culprit = Selector::Exact("http://www.example.com/1".to_owned());
        sim.settle(&culprit, &Ending::Failure(words.to_owned()));
        assert_eq!(poll(&*client, &submission, &items).await.bisect, []);
        sim.settle(&Selector::All, &Ending::Success);
        let report = poll(&*client, &submission, &items).await;
        let [(0, cause)] = &report.bisect[..] else { panic!("{report:?}") };
        assert_eq!((cause.class, cause.code.as_str()), (Class::Soon, words));
        assert_eq!(report.answers[0].ended, []);
    }
    let (sim, client) = start(ZtgameSettings { runs_for_ever: true, ..account() }).await;
    let submission = submit(&*client, &pages(1)).await;
    sim.settle(&Selector::All, &Ending::Success);
    assert_eq!(poll(&*client, &submission, &pages(1)).await.answers[0].ended, []);
}

#[tokio::test]
async fn an_unknown_task_is_sent_again() {
    let (sim, client) = start(account()).await;
    let report = client.poll(&[open("00000000-929f-11e5-b504-e03f4978b2ff", &pages(2))]).await;
    assert_eq!(report.answers[0].ended.len(), 2);
    assert!(report.answers[0].ended.iter().all(|(_, outcome)| matches!(outcome,
        Outcome::Retry { cause, .. } if cause.code == "task-id-can-not-found")));
    // An answer that was lost leaves no request to ask about.
    sim.fault(FaultRule::new(Fault::Drop { phase: Phase::After }).on(CallKind::Purge).times(1)).unwrap();
    let lost = submit(&*client, &pages(1)).await;
    let [Outcome::Retry { after_ms: None, cause }] = outcomes(&lost) else { panic!("{lost:?}") };
    assert_eq!((cause.class, cause.code.as_str()), (Class::Unknown, "no-answer"));
    assert!(accepted(&submit(&*client, &pages(1)).await));
}

#[tokio::test]
async fn several_questions_are_asked_one_by_one() {
    let (sim, client) = start(account()).await;
    let (one, other) = (pages(1), pages(2).split_off(1));
    let batches = [
        open(&submit(&*client, &one).await.receipt.unwrap().0, &one),
        open(&submit(&*client, &other).await.receipt.unwrap().0, &other),
    ];
    sim.settle(&Selector::Exact("http://www.example.com/1".to_owned()), &Ending::Success);
    sim.fault(FaultRule::new(Fault::status(503)).on(CallKind::Status).times(1)).unwrap();
    let report = client.poll(&batches).await;
    assert_eq!(report.answers[0].cause.as_ref().unwrap().code, "http-503");
    assert_eq!((report.answers[1].batch, &report.answers[1].ended), (1, &vec![(0, Outcome::Done)]));
    assert!(matches!(report.signals[..], [Signal::Throttled { .. }]));
}
