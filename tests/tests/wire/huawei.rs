//! The `huawei` provider against a simulator that shares no code with it.

use jiff::{SignedDuration, Timestamp};
use purgeline_core::{Class, Kind, ManualClock, Outcome, PollReport, Signal, Submission, Verdict};
use purgeline_providers::{BuildContext, CallItem, Provider, provider};
use purgeline_sim::{
    CallKind, CallRecord, Ending, Fault, FaultRule, Options, Phase, Selector, Sim,
    huawei::{ErrorShape, HuaweiSettings},
};
use purgeline_tests::{
    PATIENCE,
    wire::{bisect, client, context, dir, open, outcomes, submit, url},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};

const START: &str = "2026-01-02T00:30:00Z";
const DAY: u64 = 86_400;

/// An account on which tasks end only when a test says so.
fn account() -> HuaweiSettings {
    HuaweiSettings { processing_ms: 1_000_000_000_000, ..HuaweiSettings::lifted() }
}

fn keys(sim: &Sim) -> Value {
    json!({"access_key": "sim-access-key", "secret_key": "sim-secret-key", "base_url": sim.base_url()})
}

fn user(sim: &Sim) -> Value {
    let iam = json!({
        "user": "sim-user", "password": "sim-password", "domain": "sim-domain", "base_url": sim.base_url(),
    });
    json!({"iam": iam, "base_url": sim.base_url()})
}

fn with(mut settings: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        settings[name] = value.clone();
    }
    settings
}

async fn start(settings: HuaweiSettings) -> (Sim, Arc<dyn Provider>) {
    let sim = settings.start().await.unwrap();
    let client = client("huawei", keys(&sim), PATIENCE);
    (sim, client)
}

fn pages(count: usize) -> Vec<CallItem> {
    (0..count).map(|n| url(&format!("http://www.example.com/{n}"))).collect()
}

fn exactly(item: &CallItem) -> Selector {
    Selector::Exact(item.item.text().to_owned())
}

async fn poll(client: &dyn Provider, submission: &Submission, items: &[CallItem]) -> PollReport {
    let receipt = submission.receipt.as_ref().unwrap_or_else(|| panic!("{submission:?}"));
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

fn accepted(submission: &Submission) -> bool {
    outcomes(submission).iter().all(|outcome| *outcome == Outcome::Accepted)
}

fn is_refused(call: &CallRecord) -> bool {
    call.outcome.as_ref().is_none_or(|outcome| outcome.status.is_none_or(|status| status >= 300))
}

/// Both clocks, turned together.
struct Time {
    ours: ManualClock,
    theirs: purgeline_sim::ManualClock,
}

impl Time {
    fn new() -> Self {
        let start: Timestamp = START.parse().unwrap();
        Self { ours: ManualClock::new(start), theirs: purgeline_sim::ManualClock::at(start) }
    }

    fn pass(&self, seconds: u64) {
        self.ours.advance(SignedDuration::from_secs(i64::try_from(seconds).unwrap()));
        self.theirs.advance(Duration::from_secs(seconds));
    }

    async fn start(&self, settings: HuaweiSettings) -> Sim {
        settings.start_with(Options::with_clock(self.theirs.clone())).await.unwrap()
    }

    fn client(&self, settings: Value) -> Arc<dyn Provider> {
        let context = BuildContext { clock: Arc::new(self.ours.clone()), ..context(settings, PATIENCE) };
        (provider("huawei").unwrap().build)(&context).unwrap()
    }
}

#[tokio::test]
async fn every_way_to_sign_is_accepted() {
    let temporary = || HuaweiSettings { security_token: Some("sim-security-token".into()), ..account() };
    let sub_user =
        || HuaweiSettings { sub_user: true, domain_id: Some("sim-domain-id".to_owned()), ..account() };
    for (settings, more) in [
        (account(), json!({})),
        (account(), json!({"domain_id": "any", "enterprise_project_id": "all"})),
        (account(), json!({"enterprise_project_id": "a b/ü&="})),
        (temporary(), json!({"security_token": "sim-security-token"})),
        (sub_user(), json!({"enterprise_project_id": "0", "domain_id": "sim-domain-id"})),
    ] {
        let sim = settings.start().await.unwrap();
        for api in ["current", "legacy"] {
            let settings = with(with(keys(&sim), &more), &json!({ "api": api }));
            let client = client("huawei", settings, PATIENCE);
            let mut items = pages(3);
            items.push(url("http://www.example.com/图 a?b=%2F&c=ü"));
            let dirs = [dir("http://www.example.com/news/")];
            for items in [&items[..], &dirs] {
                let submission = submit(&*client, items).await;
                assert!(accepted(&submission), "{more} {submission:?}");
                assert_eq!(ended(&poll(&*client, &submission, items).await), []);
                sim.settle(&Selector::All, &Ending::Success);
                assert_eq!(ended(&poll(&*client, &submission, items).await).len(), items.len());
            }
            assert_eq!(client.quota().await.len(), 2);
        }
    }
}

#[tokio::test]
async fn a_wrong_key_holds_the_target_and_a_clock_that_is_off_is_told() {
    let (_sim, client) = start(HuaweiSettings { secret_key: "another".into(), ..account() }).await;
    let refused = submit(&*client, &pages(2)).await;
    let [Signal::Unauthorised { kind: None, cause }] = &refused.signals[..] else { panic!("{refused:?}") };
    assert_eq!(cause.code, "APIGW.0301");
    assert!(matches!(&client.quota().await[..], [Signal::Unauthorised { kind: None, .. }]));

    let time = Time::new();
    // The simulator's clock is the machine's.
    let sim = account().start().await.unwrap();
    let refused = submit(&*time.client(keys(&sim)), &pages(2)).await;
    let [Signal::Unauthorised { cause, .. }] = &refused.signals[..] else { panic!("{refused:?}") };
    assert_eq!(cause.code, "APIGW.0303");
    assert!(cause.message.contains("(this machine's clock is "), "{cause}");
}

#[tokio::test]
async fn a_sub_user_has_to_name_the_project() {
    let (_sim, client) = start(HuaweiSettings { sub_user: true, ..account() }).await;
    let refused = submit(&*client, &pages(1)).await;
    let [Signal::Unauthorised { kind: None, cause }] = &refused.signals[..] else { panic!("{refused:?}") };
    assert_eq!(cause.code, "CDN.0020");
}

#[tokio::test]
async fn a_token_is_used_for_a_day_and_renewed_before_it_ends() {
    let time = Time::new();
    let sim = time.start(account()).await;
    let client = time.client(user(&sim));
    let given = || sim.log().of_kind(CallKind::Token).count();
    for (pass, expected) in [(0, 1), (DAY - 600, 1), (301, 2), (0, 2), (DAY - 300, 3)] {
        time.pass(pass);
        let submission = submit(&*client, &pages(2)).await;
        assert!(accepted(&submission), "{submission:?}");
        assert_eq!((given(), ended(&poll(&*client, &submission, &pages(2)).await).len()), (expected, 0));
    }
    // None of the calls was refused: renewal came first.
    let log = sim.log();
    assert_eq!(log.calls().iter().filter(|call| is_refused(call)).count(), 0);
}

#[tokio::test]
async fn a_token_that_is_refused_is_renewed_once() {
    let sim = account().start().await.unwrap();
    for code in ["APIGW.0307", "APIGW.0301", "CDN.0002"] {
        let client = client("huawei", user(&sim), PATIENCE);
        sim.fault(FaultRule::new(Fault::refuse(code)).on(CallKind::Purge).times(1)).unwrap();
        let before = sim.log().of_kind(CallKind::Token).count();
        let submission = submit(&*client, &pages(2)).await;
        assert!(accepted(&submission), "{code} {submission:?}");
        assert_eq!(sim.log().of_kind(CallKind::Token).count() - before, 2, "{code}");
        // Questions renew it too.
        sim.fault(FaultRule::new(Fault::refuse(code)).on(CallKind::Status).times(1)).unwrap();
        assert_eq!(poll(&*client, &submission, &pages(2)).await.answers[0].cause, None);

        // A second refusal is believed.
        sim.fault(FaultRule::new(Fault::refuse(code)).on(CallKind::Purge).times(2)).unwrap();
        let calls = sim.log().of_kind(CallKind::Purge).count();
        let refused = submit(&*client, &pages(2)).await;
        assert!(matches!(&refused.signals[..], [Signal::Unauthorised { kind: None, .. }]), "{refused:?}");
        assert_eq!(sim.log().of_kind(CallKind::Purge).count() - calls, 2);
    }
}

#[tokio::test]
async fn a_wrong_password_holds_the_target_before_anything_is_sent() {
    let sim = HuaweiSettings { password: "another".into(), ..account() }.start().await.unwrap();
    let client = client("huawei", user(&sim), PATIENCE);
    let refused = submit(&*client, &pages(2)).await;
    let [Signal::Unauthorised { kind: None, cause }] = &refused.signals[..] else { panic!("{refused:?}") };
    assert!(cause.message.contains("password is wrong"), "{cause}");
    let report = client.poll(&[open("7620001", &pages(2))]).await;
    assert!(matches!(&report.signals[..], [Signal::Unauthorised { .. }]) && ended(&report).is_empty());
    assert!(matches!(&client.quota().await[..], [Signal::Unauthorised { .. }]));
    assert!(sim.log().calls().iter().all(|call| call.kind == CallKind::Token));
}

#[tokio::test]
async fn each_url_ends_as_its_own_result_says() {
    let (sim, client) = start(account()).await;
    let items = pages(1_000);
    let submission = submit(&*client, &items).await;
    assert!(accepted(&submission));
    let fail = |words: &str| Ending::Failure(words.to_owned());
    sim.settle(&exactly(&items[0]), &fail("ORIGIN_ERROR 404 at the origin"));
    sim.settle(&exactly(&items[500]), &fail("INNER_ERROR"));
    sim.settle(&exactly(&items[999]), &Ending::Success);
    let report = poll(&*client, &submission, &items).await;
    assert_eq!(
        ended(&report),
        [
            (0, "ORIGIN_ERROR: 404 at the origin".to_owned()),
            (500, "INNER_ERROR: Huawei Cloud says that the refresh failed, not why".to_owned()),
            (999, "done".to_owned()),
        ]
    );
    // The rest; the task is done now, though two of it failed.
    sim.settle(&Selector::All, &Ending::Success);
    let report = poll(&*client, &submission, &items).await;
    let failed = report.answers[0].ended.iter().filter(|(_, outcome)| *outcome != Outcome::Done);
    assert_eq!((report.answers[0].ended.len(), failed.count()), (1_000, 2));
    // A thousand results fit one page.
    assert_eq!(sim.log().of_kind(CallKind::Status).count(), 2);
}

#[tokio::test]
async fn halving_finds_the_bad_item_and_sends_the_others() {
    for count in [2, 7, 100, 1_000] {
        let bad_urls = HashSet::from(["http://www.example.com/1".to_owned()]);
        let (sim, client) = start(HuaweiSettings { bad_urls, ..account() }).await;
        let (made, failed) = bisect(&*client, pages(count)).await;
        let [(culprit, cause)] = &failed[..] else { panic!("{failed:?}") };
        assert_eq!((culprit.as_str(), cause.code.as_str()), ("http://www.example.com/1", "CDN.0001"));
        let most = 2.0 * f64::from(u32::try_from(count).unwrap()).log2() + 2.0;
        assert!(f64::from(u32::try_from(made - 1).unwrap()) <= most, "{made} calls for {count} items");
        assert_eq!(sim.log().stats().items_accepted, count as u64 - 1);
    }
}

#[tokio::test]
async fn a_domain_fails_with_its_own_cause() {
    let host_codes = BTreeMap::from([
        ("unknown.example.com".to_owned(), "CDN.0105".to_owned()),
        ("banned.example.com".to_owned(), "CDN.0115".to_owned()),
    ]);
    for error_shape in [ErrorShape::Nested, ErrorShape::Flat, ErrorShape::Camel, ErrorShape::Plain] {
        let hosts = Some(vec!["*.example.com".to_owned()]);
        let settings = HuaweiSettings { error_shape, hosts, host_codes: host_codes.clone(), ..account() };
        let (sim, client) = start(settings).await;
        let of = |host: &str| (0..3).map(|n| url(&format!("http://{host}/{n}"))).collect::<Vec<_>>();
        let mut items = of("www.example.com");
        for (host, code) in [
            ("unknown.example.com", "CDN.0105"),
            ("banned.example.com", "CDN.0115"),
            ("other.org", "CDN.0108"),
        ] {
            // All of one host fail together, in one call.
            let (made, failed) = bisect(&*client, of(host)).await;
            assert_eq!((made, failed.len()), (1, 3), "{error_shape:?}");
            assert!(failed.iter().all(|(_, cause)| cause.code == code && cause.class == Class::ItemDead));
            items.extend(of(host));
        }
        let (_, failed) = bisect(&*client, items).await;
        assert_eq!(failed.len(), 9, "{error_shape:?}");
        assert!(failed.iter().all(|(item, _)| !item.contains("www.example.com")));
        assert_eq!(sim.log().stats().items_accepted, 3);
    }
}

#[tokio::test]
async fn items_wait_while_their_domain_is_configured() {
    let host_codes = BTreeMap::from([("new.example.com".to_owned(), "CDN.0145".to_owned())]);
    let (_sim, client) = start(HuaweiSettings { host_codes, ..account() }).await;
    let waits = submit(&*client, &[url("http://new.example.com/a"), url("http://new.example.com/b")]).await;
    for outcome in outcomes(&waits) {
        let Outcome::Retry { after_ms: Some(600_000), cause } = outcome else { panic!("{outcome:?}") };
        assert_eq!((cause.class, cause.code.as_str()), (Class::Delay, "CDN.0145"));
    }
    assert_eq!(waits.signals, [], "the target goes on");
    let mixed = submit(&*client, &[url("http://new.example.com/a"), url("http://www.example.com/b")]).await;
    assert!(matches!(mixed.verdict, Verdict::Bisect(_)), "{mixed:?}");
}

#[tokio::test]
async fn the_rest_of_a_daily_quota_is_used() {
    let (sim, client) = start(HuaweiSettings { url_quota_day: 20, dir_quota_day: 1, ..account() }).await;
    let [
        Signal::QuotaLeft { kind: Kind::Url, left: 20, max: 20, for_ms },
        Signal::QuotaLeft { kind: Kind::Dir, left: 1, max: 1, .. },
    ] = client.quota().await[..]
    else {
        panic!("{:?}", client.quota().await)
    };
    assert!((1..=86_400_000).contains(&for_ms));

    assert!(accepted(&submit(&*client, &pages(15)).await));
    // More than is left: in parts as far as it goes.
    let items: Vec<_> = pages(31).split_off(15);
    let mut calls = vec![items];
    let (mut parked, mut taken) = (0, 0);
    while let Some(items) = calls.pop() {
        let submission = submit(&*client, &items).await;
        match &submission.verdict {
            Verdict::Bisect(_) => {
                let (front, back) = items.split_at(items.len().div_ceil(2));
                calls.extend([back.to_vec(), front.to_vec()]);
            }
            Verdict::Items(_) if accepted(&submission) => taken += items.len(),
            Verdict::Items(outcomes) => {
                assert!(outcomes.iter().all(|outcome| matches!(outcome,
                    Outcome::Retry { cause, .. } if cause.class == Class::QuotaDay)));
                assert!(matches!(
                    &submission.signals[..],
                    [Signal::QuotaSpent { kind: Some(Kind::Url), .. }]
                ));
                parked += items.len();
            }
        }
    }
    assert_eq!((taken, parked), (5, 11));
    assert!(matches!(client.quota().await[0], Signal::QuotaLeft { kind: Kind::Url, left: 0, max: 20, .. }));
    // Directories have their own.
    assert!(accepted(&submit(&*client, &[dir("http://www.example.com/a/")]).await));
    let spent = submit(&*client, &[dir("http://www.example.com/b/")]).await;
    assert!(matches!(&spent.signals[..], [Signal::QuotaSpent { kind: Some(Kind::Dir), .. }]));
    assert_eq!(sim.log().stats().items_accepted, 21);
}

#[tokio::test]
async fn too_many_calls_slow_the_target_down() {
    let (sim, client) = start(account()).await;
    for (code, rest) in [("APIGW.0308", 2_000), ("CDN.0005", 60_000)] {
        sim.fault(FaultRule::new(Fault::refuse(code)).on(CallKind::Purge).times(1)).unwrap();
        let slowed = submit(&*client, &pages(1)).await;
        assert!(
            matches!(slowed.signals[..], [Signal::Throttled { for_ms, .. }] if for_ms == rest),
            "{slowed:?}"
        );
        assert!(accepted(&submit(&*client, &pages(1)).await));
    }
}

#[tokio::test]
async fn an_answer_that_was_lost_is_unknown() {
    let (sim, client) = start(account()).await;
    sim.fault(FaultRule::new(Fault::Drop { phase: Phase::After }).on(CallKind::Purge).times(1)).unwrap();
    sim.fault(FaultRule::new(Fault::Half).on(CallKind::Purge).times(1)).unwrap();
    for _ in 0..2 {
        let lost = submit(&*client, &pages(1)).await;
        let [Outcome::Retry { after_ms: None, cause }] = outcomes(&lost) else { panic!("{lost:?}") };
        assert_eq!((cause.class, cause.code.as_str()), (Class::Unknown, "no-answer"));
    }
    assert!(accepted(&submit(&*client, &pages(1)).await));
}

#[tokio::test]
async fn an_old_task_is_still_found() {
    let time = Time::new();
    let sim = time.start(account()).await;
    let items = pages(2);
    for api in ["legacy", "current"] {
        let client = time.client(with(keys(&sim), &json!({ "api": api })));
        let submission = submit(&*client, &items).await;
        let mut batch = open(&submission.receipt.as_ref().unwrap().0, &items);
        batch.submitted_at_ms = purgeline_core::Clock::now(&time.ours).as_millisecond();
        time.pass(8 * DAY);
        let report = client.poll(std::slice::from_ref(&batch)).await;
        assert_eq!((ended(&report), &report.answers[0].cause), (vec![], &None), "{api}");
        sim.settle(&Selector::All, &Ending::Success);
        assert_eq!(ended(&client.poll(std::slice::from_ref(&batch)).await).len(), 2);
        // Nobody is asked what nobody knows any more.
        time.pass(8 * DAY);
        let asked = sim.log().of_kind(CallKind::Status).count();
        let report = client.poll(std::slice::from_ref(&batch)).await;
        assert!(ended(&report)[0].1.starts_with("too-old: "), "{report:?}");
        assert_eq!(sim.log().of_kind(CallKind::Status).count(), asked);
    }
    let foreign = time.client(keys(&sim)).poll(&[open("000", &items)]).await;
    assert!(ended(&foreign).iter().all(|(_, words)| words.starts_with("CDN.0003: ")), "{foreign:?}");
}

#[tokio::test]
async fn a_url_in_two_spellings_ends_when_both_have() {
    let (sim, _) = start(account()).await;
    let client = client("huawei", with(keys(&sim), &json!({"chinese_urls": "both"})), PATIENCE);
    let items = [url("http://www.example.com/图.png"), url("http://www.example.com/b")];
    let submission = submit(&*client, &items).await;
    assert!(accepted(&submission));
    let raw = "http://www.example.com/图.png";
    assert_eq!(sim.log().carrying(raw).count(), 1);
    sim.settle(&exactly(&items[0]), &Ending::Success);
    assert_eq!(ended(&poll(&*client, &submission, &items).await), []);
    sim.settle(&Selector::Exact(raw.to_owned()), &Ending::Failure("ORIGIN_ERROR gone".to_owned()));
    let report = poll(&*client, &submission, &items).await;
    assert_eq!(ended(&report), [(0, "ORIGIN_ERROR: gone".to_owned())]);
}

#[tokio::test]
async fn the_mode_is_sent_with_directories() {
    let (sim, _) = start(account()).await;
    for (mode, api) in [("detect_modify_refresh", "current"), ("all", "current"), ("all", "legacy")] {
        let settings = with(keys(&sim), &json!({"mode": mode, "api": api}));
        let client = client("huawei", settings, PATIENCE);
        for items in [vec![dir("http://www.example.com/a/")], pages(1)] {
            assert!(accepted(&submit(&*client, &items).await));
            let log = sim.log();
            let options = &log.of_kind(CallKind::Purge).last().unwrap().options;
            let sent = options.iter().any(|(name, value)| name == "mode" && value == mode);
            assert_eq!(sent, items[0].item.kind() == Kind::Dir && api == "current", "{options:?}");
            assert!(!options.iter().any(|(name, _)| name == "zh_url_encode"));
        }
    }
}
