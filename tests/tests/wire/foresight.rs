//! The `foresight` provider against a simulator that shares no code with it.

use purgeline_core::{Cause, Class, Outcome, PollReport, Signal, Submission};
use purgeline_providers::{CallItem, Provider};
use purgeline_sim::{
    CallKind, Ending, Fault, FaultRule, Selector, Sim,
    foresight::{ForesightSettings, TokenPrefix, UnknownTask},
};
use purgeline_tests::{
    PATIENCE,
    wire::{client, open, outcomes, resource, submit},
};
use serde_json::{Value, json};
use std::sync::Arc;

/// A server whose tasks end only when a test says so.
fn server() -> ForesightSettings {
    ForesightSettings { processing_ms: 3_600_000, ..ForesightSettings::default() }
}

async fn start(settings: ForesightSettings, more: Value) -> (Sim, Arc<dyn Provider>) {
    let sim = settings.start().await.unwrap();
    let mut wanted = json!({"base_url": sim.base_url(), "token": "sim-token"});
    wanted.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let client = client("foresight", wanted, PATIENCE);
    (sim, client)
}

fn sales() -> [CallItem; 1] {
    [resource("Sales", &json!({"year": 2026, "area": ["EU", "US"], "open": true, "of": null}))]
}

async fn poll(client: &dyn Provider, submission: &Submission) -> PollReport {
    client.poll(&[open(&submission.receipt.as_ref().unwrap().0, &sales())]).await
}

fn ended(report: &PollReport) -> Vec<(usize, String)> {
    let word = |outcome: &Outcome| match outcome {
        Outcome::Done => "done".to_owned(),
        Outcome::Retry { cause, .. } => cause.code.clone(),
        other => panic!("{other:?}"),
    };
    report.answers[0].ended.iter().map(|(at, outcome)| (*at, word(outcome))).collect()
}

fn cause(report: &PollReport) -> &Cause {
    report.answers[0].cause.as_ref().unwrap()
}

#[tokio::test]
async fn a_refresh_is_asked_about_until_it_ends() {
    for show_started in [false, true] {
        let (sim, client) = start(ForesightSettings { show_started, ..server() }, json!({})).await;
        let submission = submit(&*client, &sales()).await;
        assert_eq!(outcomes(&submission), [Outcome::Accepted]);
        let report = poll(&*client, &submission).await;
        assert_eq!((ended(&report), &report.answers[0].cause), (vec![], &None));
        sim.settle(&Selector::All, &Ending::Success);
        assert_eq!(ended(&poll(&*client, &submission).await), [(0, "done".to_owned())]);
        let log = sim.log();
        let call = log.of_kind(CallKind::Purge).next().unwrap();
        assert_eq!(&*call.items[0].item.name, sales()[0].item.text());
    }
}

#[tokio::test]
async fn success_at_once_is_the_end() {
    let (sim, client) = start(ForesightSettings { processing_ms: 0, ..server() }, json!({})).await;
    assert_eq!(outcomes(&submit(&*client, &sales()).await), [Outcome::Done]);
    assert_eq!(sim.log().calls().len(), 1);
}

#[tokio::test]
async fn a_refresh_that_failed_is_sent_again() {
    for (detail, word) in [("", "FAILURE"), ("REVOKED", "REVOKED")] {
        let (sim, client) = start(server(), json!({})).await;
        let submission = submit(&*client, &sales()).await;
        sim.settle(&Selector::All, &Ending::Failure(detail.to_owned()));
        assert_eq!(ended(&poll(&*client, &submission).await), [(0, word.to_owned())]);
    }
}

#[tokio::test]
async fn an_unknown_task_is_sent_again_or_waits_for_its_deadline() {
    for (unknown_task, expected) in
        [(UnknownTask::NotFound, vec![(0, "http-404".to_owned())]), (UnknownTask::Pending, vec![])]
    {
        let (_sim, client) = start(ForesightSettings { unknown_task, ..server() }, json!({})).await;
        let report = client.poll(&[open(r#"{"task":"forgotten"}"#, &sales())]).await;
        assert_eq!((ended(&report), &report.answers[0].cause), (expected, &None));
    }
}

#[tokio::test]
async fn a_resource_that_does_not_exist_fails() {
    let resources = Some(vec!["Costs".to_owned()]);
    let (_sim, client) = start(ForesightSettings { resources, ..server() }, json!({})).await;
    let submission = submit(&*client, &sales()).await;
    let [Outcome::Failed(cause)] = outcomes(&submission) else { panic!("{submission:?}") };
    assert_eq!((cause.class, cause.code.as_str()), (Class::ItemDead, "http-404"));
}

#[tokio::test]
async fn a_wrong_token_holds_the_target() {
    for more in [json!({"token": "another"}), json!({"token_prefix": ""})] {
        let (_sim, client) = start(server(), more).await;
        let refused = submit(&*client, &sales()).await;
        assert!(
            matches!(&refused.signals[..], [Signal::Unauthorised { kind: None, cause }] if cause.code == "http-401")
        );
        assert_eq!(client.cache_listing().await.unwrap_err().class, Class::Unauthorised);
    }
    // The form of the seed's trace.
    let bare = ForesightSettings { prefix: TokenPrefix::None, ..server() };
    let (_sim, client) = start(bare, json!({"token_prefix": ""})).await;
    assert_eq!(outcomes(&submit(&*client, &sales()).await), [Outcome::Accepted]);
}

#[tokio::test]
async fn each_refusal_concerns_the_item_or_the_target() {
    let (sim, client) = start(server(), json!({})).await;
    for (code, class, signals) in [
        ("required", Class::ItemDead, 0),
        ("permission_denied", Class::Unauthorised, 1),
        ("method_not_allowed", Class::Unauthorised, 1),
        ("unsupported_media_type", Class::Unauthorised, 1),
        ("throttled", Class::Delay, 1),
        ("error", Class::Soon, 0),
    ] {
        sim.fault(FaultRule::new(Fault::refuse(code)).on(CallKind::Purge).times(1)).unwrap();
        let submission = submit(&*client, &sales()).await;
        let (Outcome::Failed(cause) | Outcome::Retry { cause, .. }) = &outcomes(&submission)[0] else {
            panic!()
        };
        assert_eq!((cause.class, submission.signals.len()), (class, signals), "{code}: {cause}");
    }
}

#[tokio::test]
async fn the_listing_names_each_device_and_no_token() {
    let devices = vec!["phone".to_owned(), "desk".to_owned()];
    let (_sim, client) = start(ForesightSettings { devices, processing_ms: 0, ..server() }, json!({})).await;
    let before = client.cache_listing().await.unwrap();
    let devices: Vec<_> = before.iter().map(|entry| (entry.device.as_str(), entry.version)).collect();
    assert_eq!(devices, [("phone", Some(1)), ("desk", Some(1))]);
    assert!(before.iter().all(|entry| entry.user == "(this target's token)"), "{before:?}");
    submit(&*client, &sales()).await;
    let after = client.cache_listing().await.unwrap();
    assert!(
        after
            .iter()
            .zip(&before)
            .all(|(after, before)| after.version == Some(2) && after.etag != before.etag)
    );
}

#[tokio::test]
async fn other_providers_list_nothing() {
    let caches = client("http", json!({"nodes": ["http://127.0.0.1:1"]}), PATIENCE);
    assert_eq!(caches.cache_listing().await.unwrap_err().code, "not-offered");
}

#[tokio::test]
async fn a_refresh_counts_when_a_cache_has_moved() {
    for processing_ms in [0, 3_600_000] {
        let settings = ForesightSettings { processing_ms, ..server() };
        let (sim, client) = start(settings, json!({"verify_listing": true})).await;
        let submission = submit(&*client, &sales()).await;
        assert_eq!(outcomes(&submission), [Outcome::Accepted], "success alone is no end");
        if processing_ms > 0 {
            assert_eq!(ended(&poll(&*client, &submission).await), []);
            sim.settle(&Selector::All, &Ending::Success);
        }
        assert_eq!(ended(&poll(&*client, &submission).await), [(0, "done".to_owned())]);
    }
}

#[tokio::test]
async fn success_without_a_moved_cache_is_polled_and_then_sent_again() {
    // No device, no cache that could move.
    let settings = ForesightSettings { devices: Vec::new(), processing_ms: 0, ..server() };
    let more = json!({"verify_listing": true, "polls": {"deadline_ms": 60_000}});
    let (_sim, client) = start(settings, more).await;
    let submission = submit(&*client, &sales()).await;
    let report = poll(&*client, &submission).await;
    assert_eq!((ended(&report), cause(&report).code.as_str()), (vec![], "not-moved"));
    let mut old = open(&submission.receipt.unwrap().0, &sales());
    old.submitted_at_ms -= 31_000;
    assert_eq!(ended(&client.poll(&[old]).await), [(0, "not-moved".to_owned())]);
}

#[tokio::test]
async fn nothing_is_sent_when_the_listing_fails() {
    let (sim, client) = start(server(), json!({"verify_listing": true})).await;
    sim.fault(
        FaultRule::new(Fault::Status { status: 500, body: String::new(), retry_after_s: None })
            .on(CallKind::Other),
    )
    .unwrap();
    let submission = submit(&*client, &sales()).await;
    let [Outcome::Retry { after_ms: None, cause }] = outcomes(&submission) else { panic!("{submission:?}") };
    assert_eq!((cause.class, cause.code.as_str()), (Class::Soon, "http-500"));
    assert_eq!(sim.log().of_kind(CallKind::Purge).count(), 0);
}
