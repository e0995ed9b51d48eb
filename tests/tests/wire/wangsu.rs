//! The `wangsu` provider against a simulator that shares no code with it.

use purgeline_core::{Action, Class, Kind, ManualClock, Outcome, PollReport, Signal, Submission, Verdict};
use purgeline_providers::{BuildContext, CallItem, OpenBatch, Provider, provider};
use purgeline_sim::{
    CallKind, Ending, Fault, FaultRule, Options, Phase, Selector, Sim,
    wangsu::{LimitedAnswer, WangsuSettings},
};
use purgeline_tests::{
    PATIENCE,
    wire::{client, context, dir, open, outcomes, submit, url},
};
use serde_json::{Value, json};
use std::{collections::HashSet, sync::Arc, time::Duration};

/// An account on which tasks end only when a test says so.
fn account() -> WangsuSettings {
    WangsuSettings { processing_ms: 3_600_000, ..WangsuSettings::lifted() }
}

fn ak_sk(address: &str) -> Value {
    json!({"access_key": "sim-access-key", "secret_key": "sim-secret-key", "base_url": address})
}

fn api_key(address: &str) -> Value {
    json!({"username": "sim-user", "api_key": "sim-api-key", "base_url": address})
}

async fn start(settings: WangsuSettings) -> (Sim, Arc<dyn Provider>) {
    let sim = settings.start().await.unwrap();
    let client = client("wangsu", ak_sk(sim.base_url()), PATIENCE);
    (sim, client)
}

/// A simulator and its client on one clock that a test turns, set to 08:00 at Wangsu.
struct Turned {
    sim: Sim,
    client: Arc<dyn Provider>,
    sims: purgeline_sim::ManualClock,
    clients: ManualClock,
}

impl Turned {
    async fn start(settings: WangsuSettings, more: Value) -> Self {
        let time = "2026-01-02T00:00:00Z".parse().unwrap();
        let (sims, clients) = (purgeline_sim::ManualClock::at(time), ManualClock::new(time));
        let sim = settings.start_with(Options::with_clock(sims.clone())).await.unwrap();
        let mut wanted = ak_sk(sim.base_url());
        wanted.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let context = BuildContext { clock: Arc::new(clients.clone()), ..context(wanted, PATIENCE) };
        let client = (provider("wangsu").unwrap().build)(&context).unwrap();
        Self { sim, client, sims, clients }
    }

    fn advance(&self, seconds: u32) {
        self.sims.advance(Duration::from_secs(seconds.into()));
        self.clients.advance(jiff::SignedDuration::from_secs(seconds.into()));
    }

    fn now_ms(&self) -> i64 {
        purgeline_core::Clock::now(&self.clients).as_millisecond()
    }

    /// Submits items that are all accepted.
    async fn accepted(&self, items: &[CallItem]) -> OpenBatch {
        let submission = submit(&*self.client, items).await;
        assert!(outcomes(&submission).iter().all(|outcome| *outcome == Outcome::Accepted), "{submission:?}");
        OpenBatch { submitted_at_ms: self.now_ms(), ..batch(&submission, items) }
    }
}

fn pages(host: &str, paths: &[&str]) -> Vec<CallItem> {
    paths.iter().map(|path| url(&format!("http://{host}/{path}"))).collect()
}

/// The accepted items of a submission, as a worker asks about them.
fn batch(submission: &Submission, items: &[CallItem]) -> OpenBatch {
    let batch = open(&submission.receipt.as_ref().unwrap().0, items);
    let accepted = outcomes(submission).iter().map(|outcome| *outcome == Outcome::Accepted);
    OpenBatch { open: accepted.collect(), ..batch }
}

fn ended(report: &PollReport) -> Vec<(usize, Vec<(usize, String)>)> {
    let word = |outcome: &Outcome| match outcome {
        Outcome::Done => "done".to_owned(),
        Outcome::Retry { cause, .. } => cause.code.clone(),
        other => panic!("{other:?}"),
    };
    assert!(report.answers.iter().all(|answer| answer.cause.is_none()), "{report:?}");
    let of = |ended: &[(usize, Outcome)]| ended.iter().map(|(at, outcome)| (*at, word(outcome))).collect();
    report.answers.iter().map(|answer| (answer.batch, of(&answer.ended))).collect()
}

fn done(items: &[usize]) -> Vec<(usize, String)> {
    items.iter().map(|at| (*at, "done".to_owned())).collect()
}

fn calls(sim: &Sim, kind: CallKind) -> usize {
    sim.log().of_kind(kind).count()
}

fn cause(outcome: &Outcome) -> (Class, &str) {
    match outcome {
        Outcome::Retry { cause, .. } | Outcome::Failed(cause) => (cause.class, &cause.code),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn both_ways_to_sign_are_taken() {
    for settings in [ak_sk, api_key] {
        let sim = account().start().await.unwrap();
        let client = client("wangsu", settings(sim.base_url()), PATIENCE);
        let mut items = pages("www.example.com", &["a", "b?x=1&y=%C3%A9"]);
        items.push(CallItem { action: Action::Delete, ..dir("http://www.example.com/d/") });
        let submission = submit(&*client, &items).await;
        let asked = [batch(&submission, &items)];
        assert_eq!(ended(&client.poll(&asked).await), [(0, vec![])]);
        sim.settle(&Selector::All, &Ending::Success);
        assert_eq!(ended(&client.poll(&asked).await), [(0, done(&[0, 1, 2]))]);
        let log = sim.log();
        let purge = log.of_kind(CallKind::Purge).next().unwrap();
        let options: Vec<_> = purge.options.iter().map(|(name, value)| (&**name, value.as_str())).collect();
        assert_eq!(options, [("dirAction", "delete")]);
    }
}

#[tokio::test]
async fn the_same_call_twice_in_a_second_is_signed_anew() {
    let turned = Turned::start(account(), json!({})).await;
    let items = pages("www.example.com", &["a"]);
    for _ in 0..3 {
        turned.accepted(&items).await;
    }
    assert_eq!(calls(&turned.sim, CallKind::Purge), 3);
}

#[tokio::test]
async fn all_open_batches_are_asked_about_in_one_question() {
    let turned = Turned::start(account(), json!({})).await;
    let paths = ["a", "b", "c"];
    let mut batches = Vec::new();
    for host in ["one.example.com", "two.example.com", "three.example.com"] {
        let mut items = pages(host, &paths);
        items.push(dir(&format!("http://{host}/")));
        batches.push(turned.accepted(&items).await);
        turned.advance(40);
    }
    let expected = |settled: &[&[usize]]| {
        settled.iter().enumerate().map(|(at, items)| (at, done(items))).collect::<Vec<_>>()
    };
    assert_eq!(ended(&turned.client.poll(&batches).await), expected(&[&[], &[], &[]]));
    turned.sim.settle(&Selector::Exact("http://two.example.com/b".to_owned()), &Ending::Success);
    assert_eq!(ended(&turned.client.poll(&batches).await), expected(&[&[], &[1], &[]]));
    turned.sim.settle(&Selector::All, &Ending::Success);
    let all: &[usize] = &[0, 1, 2, 3];
    assert_eq!(ended(&turned.client.poll(&batches).await), expected(&[all, all, all]));
    assert_eq!(calls(&turned.sim, CallKind::Status), 3, "one a question");
}

#[tokio::test]
async fn an_earlier_purge_does_not_end_a_later_one() {
    let turned = Turned::start(account(), json!({})).await;
    let items = pages("www.example.com", &["a"]);
    turned.accepted(&items).await;
    turned.sim.settle(&Selector::All, &Ending::Success);
    turned.advance(61);
    let again = turned.accepted(&items).await;
    // With another batch in between, both purges are in the time that is asked about.
    let early =
        OpenBatch {
            receipt: purgeline_core::Receipt(again.receipt.0.replace(
                &(turned.now_ms() / 1_000).to_string(),
                &(turned.now_ms() / 1_000 - 61).to_string(),
            )),
            items: pages("www.example.com", &["other"]),
            ..again.clone()
        };
    let report = turned.client.poll(&[early.clone(), again.clone()]).await;
    assert_eq!(ended(&report), [(0, vec![]), (1, vec![])]);
    turned.sim.settle(&Selector::All, &Ending::Failure("origin 404".to_owned()));
    let report = turned.client.poll(&[early, again]).await;
    assert_eq!(ended(&report), [(0, vec![]), (1, vec![(0, "failure".to_owned())])]);
}

#[tokio::test]
async fn batches_are_polled_alone_when_one_page_is_too_small() {
    let turned = Turned::start(account(), json!({"page_size": 4})).await;
    // Somebody else's, in the same minute.
    turned.accepted(&pages("else.example.com", &["a", "b", "c"])).await;
    let batches = [
        turned.accepted(&pages("one.example.com", &["a", "b"])).await,
        turned.accepted(&pages("two.example.com", &["a", "b"])).await,
    ];
    turned.sim.settle(&Selector::All, &Ending::Success);
    // Four of seven tasks were told, one of them ours.
    assert_eq!(ended(&turned.client.poll(&batches).await), [(0, done(&[0]))]);
    assert_eq!(ended(&turned.client.poll(&batches).await), [(0, done(&[0, 1]))], "the first alone");
    assert_eq!(ended(&turned.client.poll(&batches[1..]).await), [(0, done(&[0, 1]))], "by its id");
    assert_eq!(calls(&turned.sim, CallKind::Status), 3);
}

#[tokio::test]
async fn the_others_of_a_partial_refusal_are_not_sent_again() {
    for partial_item_id in [false, true] {
        let settings = WangsuSettings {
            partial_item_id,
            hosts: Some(vec!["*.example.com".to_owned()]),
            bad_urls: HashSet::from(["http://www.example.com/bad,[really]".to_owned()]),
            ..account()
        };
        let (sim, client) = start(settings).await;
        let items = [
            url("http://www.example.com/a"),
            url("http://www.foreign.net/a"),
            url("http://www.example.com/bad,[really]"),
            dir("http://www.foreign.net/d/"),
            dir("http://www.example.com/d/"),
        ];
        let submission = submit(&*client, &items).await;
        let fates = outcomes(&submission);
        for at in [1, 2, 3] {
            assert_eq!(cause(&fates[at]), (Class::ItemDead, "error-channel"), "{submission:?}");
        }
        assert_eq!([&fates[0], &fates[4]], [&Outcome::Accepted; 2]);
        sim.settle(&Selector::All, &Ending::Success);
        let asked = [batch(&submission, &items)];
        assert_eq!(ended(&client.poll(&asked).await), [(0, done(&[0, 4]))], "{partial_item_id}");
        assert_eq!((calls(&sim, CallKind::Purge), calls(&sim, CallKind::Status)), (1, 1));
    }
}

#[tokio::test]
async fn an_item_that_runs_waits_for_its_minute_and_no_longer() {
    for (running_named, running_takes_rest) in [(true, false), (false, false), (true, true)] {
        let running =
            WangsuSettings { running_ms: Some(60_000), running_named, running_takes_rest, ..account() };
        let turned = Turned::start(WangsuSettings { partial_item_id: true, ..running }, json!({})).await;
        let both = pages("www.example.com", &["a", "b"]);
        turned.accepted(&both[..1]).await;
        let submission = submit(&*turned.client, &both).await;
        let fates = outcomes(&submission);
        let Outcome::Retry { after_ms: Some(wait @ 60_000..75_000), .. } = fates[0] else {
            panic!("{submission:?}")
        };
        assert_eq!(cause(&fates[0]), (Class::Delay, "running-url-or-dir"));
        assert_eq!(submission.signals, []);
        match (running_named, running_takes_rest) {
            (true, true) => assert_eq!(fates[1], Outcome::Accepted),
            (true, false) => assert!(matches!(fates[1], Outcome::Retry { after_ms: Some(0), .. })),
            (false, _) => assert_eq!(fates[1], fates[0], "nobody knows which it was"),
        }
        turned.advance(u32::try_from(wait / 1_000).unwrap());
        turned.accepted(&both).await;
    }
}

#[tokio::test]
async fn dirs_of_a_spent_domain_wait_and_the_rest_goes_on() {
    let (sim, client) = start(WangsuSettings { dir_quota_host_day: 1, ..account() }).await;
    let items = [
        dir("http://www.example.com/a/"),
        dir("http://www.example.com/b/"),
        dir("http://other.example.com/a/"),
        url("http://www.example.com/c"),
    ];
    let submission = submit(&*client, &items).await;
    let fates = outcomes(&submission);
    for fate in &fates[..2] {
        assert!(matches!(fate, Outcome::Retry { after_ms: Some(1..=86_400_000), .. }));
        assert_eq!(cause(fate), (Class::QuotaDay, "dir-number-reached-the-daily-limit-by-domain"));
    }
    assert_eq!(fates[2..], [Outcome::Accepted, Outcome::Accepted]);
    sim.settle(&Selector::All, &Ending::Success);
    assert_eq!(ended(&client.poll(&[batch(&submission, &items)]).await), [(0, done(&[2, 3]))]);
}

#[tokio::test]
async fn the_rest_of_a_daily_quota_is_used() {
    let (sim, client) = start(WangsuSettings { url_quota_day: 3, dir_quota_day: 1, ..account() }).await;
    let left = client.quota().await;
    let [
        Signal::QuotaLeft { kind: Kind::Url, left: 3, max: 3, for_ms: 1..=86_400_000 },
        Signal::QuotaLeft { kind: Kind::Dir, left: 1, max: 1, .. },
    ] = left[..]
    else {
        panic!("{left:?}")
    };
    let mut items = pages("www.example.com", &["a", "b", "c", "d", "e"]);
    items.push(dir("http://www.example.com/d/"));
    let refused = submit(&*client, &items).await;
    // The refused call took none of it.
    let [
        Signal::QuotaLeft { kind: Kind::Url, left: 3, max: 3, .. },
        Signal::QuotaLeft { kind: Kind::Dir, left: 1, max: 1, .. },
    ] = refused.signals[..]
    else {
        panic!("{refused:?}")
    };
    let waits: Vec<_> = outcomes(&refused)
        .iter()
        .map(|fate| match fate {
            Outcome::Retry { after_ms: Some(ms), cause } if cause.class == Class::QuotaDay => *ms > 0,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(waits, [false, false, false, true, true, false]);
    let today: Vec<_> =
        items.iter().zip(&waits).filter(|(_, waits)| !**waits).map(|(item, _)| item.clone()).collect();
    assert_eq!(
        outcomes(&submit(&*client, &today).await),
        [Outcome::Accepted, Outcome::Accepted, Outcome::Accepted, Outcome::Accepted]
    );
    let over = submit(&*client, &items[3..]).await;
    let [
        Signal::QuotaLeft { kind: Kind::Url, left: 0, max: 3, .. },
        Signal::QuotaLeft { kind: Kind::Dir, left: 0, max: 1, .. },
        Signal::QuotaSpent { kind: Some(Kind::Url), for_ms: 1..=86_400_000, .. },
        Signal::QuotaSpent { kind: Some(Kind::Dir), .. },
    ] = over.signals[..]
    else {
        panic!("{over:?}")
    };
    assert!(outcomes(&over).iter().all(|fate| matches!(fate, Outcome::Retry { after_ms: Some(0), .. })));
    assert_eq!(calls(&sim, CallKind::Purge), 3);
}

#[tokio::test]
async fn a_call_over_an_undocumented_bound_is_split() {
    let (_sim, client) = start(WangsuSettings { items_per_call: 2, ..account() }).await;
    let items = pages("www.example.com", &["a", "b", "c", "d"]);
    let submission = submit(&*client, &items).await;
    assert!(matches!(submission.verdict, Verdict::Bisect(_)), "{submission:?}");
    assert_eq!(outcomes(&submit(&*client, &items[..2]).await), [Outcome::Accepted, Outcome::Accepted]);
}

#[tokio::test]
async fn missing_permission_to_delete_dirs_holds_only_dirs() {
    let (_sim, client) = start(WangsuSettings { dir_delete: false, ..account() }).await;
    let deleted = |item: CallItem| CallItem { action: Action::Delete, ..item };
    let items = [deleted(url("http://www.example.com/a")), deleted(dir("http://www.example.com/d/"))];
    let refused = submit(&*client, &items).await;
    assert!(matches!(refused.signals[..], [Signal::Unauthorised { kind: Some(Kind::Dir), .. }]));
    assert!(outcomes(&refused).iter().all(|fate| matches!(fate, Outcome::Retry { after_ms: Some(0), .. })));
    assert_eq!(outcomes(&submit(&*client, &items[..1]).await), [Outcome::Accepted]);
}

#[tokio::test]
async fn wrong_keys_and_wrong_clocks_hold_the_target() {
    let sim = account().start().await.unwrap();
    let wrong_key = json!({"username": "sim-user", "api_key": "another", "base_url": sim.base_url()});
    let wrong_user = json!({"username": "nobody", "api_key": "sim-api-key", "base_url": sim.base_url()});
    let early = (jiff::Timestamp::now() - jiff::SignedDuration::from_mins(6)).to_string();
    for (settings, clock, code) in [
        (wrong_key, None, "http-401"),
        (wrong_user, None, "username-is-invalid"),
        (ak_sk(sim.base_url()), Some(&early), "http-401"),
        (api_key(sim.base_url()), Some(&early), "http-401"),
    ] {
        let mut context = context(settings, PATIENCE);
        if let Some(time) = clock {
            context.clock = Arc::new(ManualClock::new(time.parse().unwrap()));
        }
        let client = (provider("wangsu").unwrap().build)(&context).unwrap();
        let refused = submit(&*client, &pages("www.example.com", &["a"])).await;
        let [Signal::Unauthorised { kind: None, cause }] = &refused.signals[..] else {
            panic!("{refused:?}")
        };
        assert_eq!(cause.code, code);
    }
}

#[tokio::test]
async fn too_many_calls_throttle_the_target_and_too_many_polls_do_not() {
    let rate = |calls| purgeline_sim::Rate { calls: Some(calls), items: None, window_ms: 300_000 };
    for limited in [LimitedAnswer::Http429, LimitedAnswer::Message] {
        let settings = WangsuSettings { rate: rate(1), query_rate: rate(1), limited, ..account() };
        let (_sim, client) = start(settings).await;
        let items = pages("www.example.com", &["a"]);
        let submission = submit(&*client, &items).await;
        let slowed = submit(&*client, &pages("www.example.com", &["b"])).await;
        assert!(matches!(slowed.signals[..], [Signal::Throttled { for_ms: 300_000, .. }]), "{slowed:?}");
        let asked = [batch(&submission, &items)];
        assert_eq!(ended(&client.poll(&asked).await), [(0, vec![])]);
        let refused = client.poll(&asked).await;
        let cause = refused.answers[0].cause.as_ref().unwrap();
        assert_eq!((cause.class, refused.signals.len()), (Class::Delay, 0), "purges go on");
    }
}

#[tokio::test]
async fn an_answer_that_was_lost_is_got_again_after_a_minute() {
    let turned = Turned::start(WangsuSettings { running_ms: Some(60_000), ..account() }, json!({})).await;
    turned
        .sim
        .fault(FaultRule::new(Fault::Drop { phase: Phase::After }).on(CallKind::Purge).times(1))
        .unwrap();
    let items = pages("www.example.com", &["a"]);
    let lost = submit(&*turned.client, &items).await;
    assert_eq!(cause(&outcomes(&lost)[0]), (Class::Unknown, "no-answer"));
    let refused = submit(&*turned.client, &items).await;
    let Outcome::Retry { after_ms: Some(wait), .. } = outcomes(&refused)[0] else { panic!("{refused:?}") };
    turned.advance(u32::try_from(wait / 1_000).unwrap());
    turned.accepted(&items).await;
}
