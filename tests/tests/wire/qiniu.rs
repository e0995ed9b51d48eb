//! The `qiniu` provider against a simulator that shares no code with it.

use purgeline_core::{Class, Kind, Outcome, PollReport, Signal, Submission, Verdict};
use purgeline_providers::{CallItem, Provider};
use purgeline_sim::{
    CallKind, Ending, Fault, FaultRule, Phase, Selector, Sim,
    qiniu::{BadItems, HttpStatus, QiniuSettings},
};
use purgeline_tests::{
    PATIENCE,
    wire::{client, dir, open, outcomes, submit, url},
};
use serde_json::json;
use std::{collections::HashSet, sync::Arc};

const BAD: &str = "http://www.example.com/bad";

/// An account on which tasks end only when a test says so.
fn account() -> QiniuSettings {
    QiniuSettings { processing_ms: 3_600_000, ..QiniuSettings::lifted() }
}

async fn start(settings: QiniuSettings) -> (Sim, Arc<dyn Provider>) {
    let sim = settings.start().await.unwrap();
    let keys =
        json!({"access_key": "sim-access-key", "secret_key": "sim-secret-key", "base_url": sim.base_url()});
    let client = client("qiniu", keys, PATIENCE);
    (sim, client)
}

fn pages(paths: &[&str]) -> Vec<CallItem> {
    paths.iter().map(|path| url(&format!("http://www.example.com/{path}"))).collect()
}

async fn poll(client: &dyn Provider, submission: &Submission, items: &[CallItem]) -> PollReport {
    let receipt = submission.receipt.as_ref().unwrap();
    client.poll(&[open(&receipt.0, items)]).await
}

fn ended(report: &PollReport) -> Vec<(usize, String)> {
    let words = |outcome: &Outcome| match outcome {
        Outcome::Done => "done".to_owned(),
        Outcome::Retry { cause, .. } => cause.to_string(),
        other => panic!("{other:?}"),
    };
    report.answers[0].ended.iter().map(|(at, outcome)| (*at, words(outcome))).collect()
}

/// Submits as a worker does until every item is accepted or has failed; those that failed.
async fn submit_all(client: &dyn Provider, items: Vec<CallItem>) -> Vec<String> {
    let mut failed = Vec::new();
    let mut calls = vec![items];
    let mut made = 0;
    while let Some(items) = calls.pop() {
        made += 1;
        assert!(made < 20, "goes round and round");
        match submit(client, &items).await.verdict {
            Verdict::Bisect(_) => {
                let (front, back) = items.split_at(items.len() / 2);
                calls.extend([front.to_vec(), back.to_vec()]);
            }
            Verdict::Items(outcomes) => {
                let mut again = Vec::new();
                for (item, outcome) in items.into_iter().zip(outcomes) {
                    match outcome {
                        Outcome::Accepted => {}
                        Outcome::Failed(cause) => {
                            assert_eq!(cause.class, Class::ItemDead);
                            failed.push(item.item.text().to_owned());
                        }
                        Outcome::Retry { .. } => again.push(item),
                        Outcome::Done => panic!("nothing is done before it was asked about"),
                    }
                }
                if !again.is_empty() {
                    calls.push(again);
                }
            }
        }
    }
    failed
}

#[tokio::test]
async fn a_bad_item_fails_alone_in_every_form_of_refusal() {
    for bad_items in [BadItems::RefuseNamed, BadItems::RefuseUnnamed, BadItems::Partial] {
        for http_status in [HttpStatus::AlwaysOk, HttpStatus::ByCode] {
            let bad_urls = HashSet::from([BAD.to_owned()]);
            let (sim, client) = start(QiniuSettings { bad_items, http_status, bad_urls, ..account() }).await;
            let mut items = pages(&["a", "b", "bad", "c", "d"]);
            items.push(dir("http://www.example.com/news/"));
            assert_eq!(submit_all(&*client, items).await, [BAD], "{bad_items:?} {http_status:?}");
            let log = sim.log();
            for path in ["a", "b", "c", "d", "news/"] {
                let name = format!("http://www.example.com/{path}");
                let accepted = |call: &&Arc<purgeline_sim::CallRecord>| {
                    call.items.iter().any(|item| *item.item.name == *name && item.accepted == Some(true))
                };
                assert_eq!(log.of_kind(CallKind::Purge).filter(accepted).count(), 1, "{name} {bad_items:?}");
            }
        }
    }
}

#[tokio::test]
async fn an_item_under_way_is_sent_again_when_that_has_ended() {
    for existing_named in [false, true] {
        let (sim, client) = start(QiniuSettings { existing: true, existing_named, ..account() }).await;
        let (first, both) = (pages(&["a"]), pages(&["a", "b"]));
        assert_eq!(outcomes(&submit(&*client, &first).await), [Outcome::Accepted]);

        let second = submit(&*client, &both).await;
        assert_eq!(outcomes(&second)[0], Outcome::Accepted);
        let waits = poll(&*client, &second, &both).await;
        // The other one has only shared the call: it goes on, be it now or after one question.
        let other = matches!(outcomes(&second)[1], Outcome::Retry { after_ms: Some(0), .. });
        assert_eq!(other, existing_named);
        assert!(ended(&waits).iter().all(|(at, _)| *at == 1), "{waits:?}");

        sim.settle(&Selector::All, &Ending::Success);
        let over = poll(&*client, &second, &both).await;
        assert_eq!(
            ended(&over)[0],
            (0, "400037: the earlier refresh that it had to wait for has ended".to_owned())
        );

        let third = submit(&*client, &both).await;
        assert_eq!(outcomes(&third), [Outcome::Accepted, Outcome::Accepted]);
        sim.settle(&Selector::All, &Ending::Success);
        let done = poll(&*client, &third, &both).await;
        assert_eq!(ended(&done), [(0, "done".to_owned()), (1, "done".to_owned())]);
    }
}

#[tokio::test]
async fn an_answer_that_was_lost_is_found_again() {
    let (sim, client) = start(QiniuSettings { existing: true, ..account() }).await;
    sim.fault(FaultRule::new(Fault::Drop { phase: Phase::After }).on(CallKind::Purge).times(1)).unwrap();
    sim.fault(FaultRule::new(Fault::Half).on(CallKind::Purge).after(0).times(1)).unwrap();
    let items = pages(&["a"]);
    for _ in 0..2 {
        let lost = submit(&*client, &items).await;
        let [Outcome::Retry { after_ms: None, cause }] = outcomes(&lost) else { panic!("{lost:?}") };
        assert_eq!((cause.class, cause.code.as_str()), (Class::Unknown, "no-answer"));
    }
    let third = submit(&*client, &items).await;
    assert_eq!(outcomes(&third), [Outcome::Accepted]);
    assert_eq!(ended(&poll(&*client, &third, &items).await), []);
}

#[tokio::test]
async fn dirs_without_permission_wait_and_urls_go_on() {
    let (_sim, client) = start(QiniuSettings { dir_permission: false, ..account() }).await;
    let mut items = pages(&["a"]);
    items.push(dir("http://www.example.com/news/"));
    let refused = submit(&*client, &items).await;
    assert!(matches!(refused.signals[..], [Signal::Unauthorised { kind: Some(Kind::Dir), .. }]));
    assert!(
        outcomes(&refused).iter().all(|outcome| matches!(outcome, Outcome::Retry { after_ms: Some(0), .. }))
    );
    assert_eq!(outcomes(&submit(&*client, &items[..1]).await), [Outcome::Accepted]);
}

#[tokio::test]
async fn each_kind_has_its_own_quota() {
    let (_sim, client) = start(QiniuSettings { url_quota_day: 3, dir_quota_day: 1, ..account() }).await;
    let first = submit(&*client, &pages(&["a", "b"])).await;
    let [
        Signal::QuotaLeft { kind: Kind::Url, left: 1, max: 3, for_ms },
        Signal::QuotaLeft { kind: Kind::Dir, left: 1, max: 1, .. },
    ] = first.signals[..]
    else {
        panic!("{first:?}")
    };
    assert!((1..=86_400_000).contains(&for_ms));
    let over = submit(&*client, &pages(&["c", "d"])).await;
    assert!(matches!(over.signals[..], [Signal::QuotaSpent { kind: Some(Kind::Url), .. }]), "{over:?}");
    let dirs = [dir("http://www.example.com/a/"), dir("http://www.example.com/b/")];
    let over = submit(&*client, &dirs).await;
    assert!(matches!(over.signals[..], [Signal::QuotaSpent { kind: Some(Kind::Dir), .. }]), "{over:?}");
}

#[tokio::test]
async fn the_rate_of_the_account_slows_the_target_down() {
    let (sim, client) = start(account()).await;
    for (code, rest) in [("403024", 2_000), ("403022", 15_000)] {
        sim.fault(FaultRule::new(Fault::refuse(code)).times(1)).unwrap();
        let slowed = submit(&*client, &pages(&["a"])).await;
        assert!(
            matches!(slowed.signals[..], [Signal::Throttled { for_ms, .. }] if for_ms == rest),
            "{slowed:?}"
        );
        assert_eq!(outcomes(&submit(&*client, &pages(&["a"])).await), [Outcome::Accepted]);
    }
}

#[tokio::test]
async fn a_wrong_key_holds_the_target() {
    let (_sim, client) = start(QiniuSettings { secret_key: "another".into(), ..account() }).await;
    let refused = submit(&*client, &pages(&["a"])).await;
    assert!(
        matches!(&refused.signals[..], [Signal::Unauthorised { kind: None, cause }] if cause.code == "401001")
    );
}

#[tokio::test]
async fn an_item_missing_from_a_late_list_still_runs() {
    for uid_as_string in [false, true] {
        let lags = QiniuSettings { list_delay_ms: 3_600_000, uid_as_string, task_ids: true, ..account() };
        let (sim, client) = start(lags).await;
        let items = pages(&["a", "b"]);
        let submission = submit(&*client, &items).await;
        sim.settle(&Selector::All, &Ending::Success);
        let report = poll(&*client, &submission, &items).await;
        assert_eq!((ended(&report), &report.answers[0].cause), (vec![], &None));
    }
}

#[tokio::test]
async fn a_refresh_that_failed_says_why() {
    let (sim, client) = start(QiniuSettings { uid_as_string: true, ..account() }).await;
    let mut items = pages(&["a", "b"]);
    items.push(dir("http://www.example.com/news/"));
    let submission = submit(&*client, &items).await;
    let exactly = |item: &CallItem| Selector::Exact(item.item.text().to_owned());
    sim.settle(&exactly(&items[0]), &Ending::Failure("origin 404".to_owned()));
    sim.settle(&exactly(&items[2]), &Ending::Success);
    let report = poll(&*client, &submission, &items).await;
    assert_eq!(ended(&report), [(0, "failure: origin 404".to_owned()), (2, "done".to_owned())]);
    let foreign = client.poll(&[open("000000000000000000000000", &items)]).await;
    assert_eq!(ended(&foreign), [], "an id that nobody knows lists nothing; the deadline ends it");
    let nonsense = client.poll(&[open("nonsense", &items)]).await;
    assert_eq!(ended(&nonsense).len(), 3, "{nonsense:?}");
}
