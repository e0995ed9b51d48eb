//! When everything waits because a target is down, who tries again, and what ends it.

use crate::bed::{Bed, LEASE_MS, cause, names, plain, retry, url};
use purgeline_core::{Cause, Class, Priority};
use purgeline_queue::{
    Asked, BreakerPolicy, Change, Fate, Heard, Hold, Lease, LeasedBatch, PollPolicy, Polls, Settlement,
};
use redis::{AsyncTypedCommands, streams::StreamId};

const POLICY: BreakerPolicy = BreakerPolicy { failures: 3, probe_ms: 1_000, max_probe_ms: 3_000 };
/// How much longer than a call others wait: a tenth of the interval.
const TURN: u64 = POLICY.probe_ms / 10;

fn down() -> Fate {
    Fate::Down(Cause::new(Class::Soon, "connect", "no connection: refused"))
}

fn heard(counts: bool, wait_ms: u64, change: Change) -> Heard {
    Heard { counts, wait_ms, change }
}

/// How the call of a batch went.
async fn call(bed: &Bed, batch: &LeasedBatch, fate: Fate) -> Heard {
    let asked = Asked::Call { batch: &batch.id, worker: "w1" };
    bed.queue.work().answered(&bed.target, asked, &fate, &POLICY).await.unwrap()
}

async fn question(bed: &Bed, fate: Fate) -> Heard {
    bed.queue.work().answered(&bed.target, Asked::Question, &fate, &POLICY).await.unwrap()
}

/// A call of one item that went so; it waits again if it failed.
async fn sent(bed: &Bed, item: &str, fate: Fate) -> Heard {
    // It waits for no company.
    bed.ask_as(Priority::Urgent, item, &[&url(item)]).await;
    let batch = bed.batch(&plain()).await;
    let settlement = if fate == Fate::Well { Settlement::Done } else { retry(600_000) };
    let heard = call(bed, &batch, fate).await;
    bed.settle(&batch, &settlement).await;
    heard
}

/// Three calls in a row fail.
async fn opened(bed: &Bed) {
    assert_eq!(sent(bed, "f1", down()).await, heard(true, 0, Change::None));
    assert_eq!(sent(bed, "f2", down()).await, heard(false, 0, Change::None));
    let opens = heard(false, POLICY.probe_ms + TURN, Change::Opened);
    assert_eq!(sent(bed, "f3", down()).await, opens);
}

async fn polls(bed: &Bed) -> Polls {
    bed.queue.work().due_polls(&bed.target, &PollPolicy::new(&crate::bed::limits(), 5, 100, 0)).await.unwrap()
}

async fn holds(bed: &Bed) -> Vec<Hold> {
    bed.queue.inspect().holds(&bed.target).await.unwrap()
}

async fn events(bed: &Bed) -> Vec<StreamId> {
    let outbox = bed.queue.keys().outbox(&bed.target);
    let all = bed.queue.manager().xrange_all(outbox).await.unwrap();
    all.ids
        .into_iter()
        .filter(|entry| matches!(entry.get::<String>("what").as_deref(), Some("held" | "released")))
        .collect()
}

#[tokio::test]
async fn so_many_failures_in_a_row_stop_everything_until_a_probe_succeeds() {
    let bed = Bed::new().await;
    opened(&bed).await;
    bed.ask("j1", &[&url("a")]).await;
    bed.ask("j2", &[&url("a")]).await;
    assert_eq!(bed.wait(&plain()).await, ("broken".into(), Some(1_000)));
    let stands = Hold {
        name: "broken".into(),
        until_ms: Some(bed.now() + 1_000),
        since_ms: bed.now(),
        by: Some("breaker".into()),
        why: "connect no connection: refused".into(),
    };
    assert_eq!(holds(&bed).await, std::slice::from_ref(&stands));

    bed.pass(1_000);
    bed.ask("j3", &[&url("b"), &url("c"), &url("d"), &url("e")]).await;
    let probe = bed.batch(&plain()).await;
    assert!(probe.probe && probe.items.len() == 3, "{probe:?}");
    // One, whoever asks, and it is still said why everything else waits.
    assert_eq!(bed.wait(&plain()).await, ("probe".into(), Some(LEASE_MS)));
    assert_eq!(holds(&bed).await, [stands]);
    assert_eq!(call(&bed, &probe, Fate::Well).await, heard(false, 0, Change::Closed));
    bed.settle(&probe, &Settlement::Done).await;
    assert!(holds(&bed).await.is_empty() && !bed.key_exists("breaker").await);
    let rest = bed.batch(&plain()).await;
    assert!(!rest.probe && rest.items.len() == 2, "{rest:?}");
    bed.check().await;

    let events = events(&bed).await;
    let told: Vec<_> = events
        .iter()
        .map(|event| ["what", "name", "by", "why"].map(|name| event.get::<String>(name).unwrap_or_default()))
        .collect();
    assert_eq!(told, [["held", "broken", "breaker", "connect"], ["released", "broken", "breaker", ""]]);
    assert_eq!(bed.counter("opened").await, 1);
}

#[tokio::test]
async fn a_success_in_between_begins_the_count_anew() {
    let bed = Bed::new().await;
    for round in 0..3 {
        // Each is the first after a success, so it may be the items' own.
        assert_eq!(sent(&bed, &format!("a{round}"), down()).await, heard(true, 0, Change::None));
        assert_eq!(sent(&bed, &format!("b{round}"), down()).await, heard(false, 0, Change::None));
        assert_eq!(sent(&bed, &format!("c{round}"), Fate::Well).await, heard(false, 0, Change::None));
    }
    assert!(holds(&bed).await.is_empty());
}

#[tokio::test]
async fn each_probe_that_fails_doubles_the_wait_up_to_a_cap() {
    let bed = Bed::new().await;
    opened(&bed).await;
    let since = bed.now();
    let mut wait = 1_000;
    for longer in [2_000, 3_000, 3_000] {
        bed.pass(wait);
        let heard_of = sent(&bed, &format!("p{}", bed.now()), down()).await;
        assert_eq!(heard_of, heard(false, longer + longer / 10, Change::ProbeFailed));
        bed.ask("j", &[&url("waits")]).await;
        let longer = i64::try_from(longer).unwrap();
        assert_eq!(bed.wait(&plain()).await, ("broken".into(), Some(longer.try_into().unwrap())));
        assert_eq!(
            (holds(&bed).await[0].since_ms, holds(&bed).await[0].until_ms),
            (since, Some(bed.now() + longer))
        );
        wait = longer;
    }
    assert_eq!((events(&bed).await.len(), bed.counter("opened").await), (1, 1), "it opened once");
}

#[tokio::test]
async fn refused_credentials_are_enough_once_and_cost_no_attempt() {
    let bed = Bed::new().await;
    let refused = || Fate::Unauthorised(cause("401"));
    assert_eq!(sent(&bed, "a", refused()).await, heard(false, 0, Change::Opened));
    assert_eq!(holds(&bed).await[0].name, "unauthorised");
    // Then the server falls over, and later has the credentials mended.
    bed.pass(1_000);
    assert_eq!(sent(&bed, "b", down()).await.change, Change::ProbeFailed);
    assert_eq!(holds(&bed).await.iter().map(|hold| hold.name.as_str()).collect::<Vec<_>>(), ["broken"]);
    bed.pass(2_000);
    assert_eq!(sent(&bed, "c", Fate::Well).await.change, Change::Closed);
    assert!(holds(&bed).await.is_empty());
}

#[tokio::test]
async fn a_probe_whose_worker_dies_is_free_when_its_lease_has_run_out() {
    let bed = Bed::new().await;
    opened(&bed).await;
    bed.pass(1_000);
    bed.ask("j1", &[&url("a")]).await;
    bed.ask("j2", &[&url("b")]).await;
    let dead = bed.batch(&plain()).await;
    bed.pass(i64::try_from(LEASE_MS).unwrap() - 1);
    assert_eq!(bed.wait(&plain()).await, ("probe".into(), Some(1)));
    bed.pass(1);
    bed.queue.work().reap(&bed.target, 10).await.unwrap();
    let probe = bed.batch(&plain()).await;
    assert!(probe.probe);
    // The dead one comes back: nobody listens.
    assert_eq!(call(&bed, &dead, Fate::Well).await.change, Change::None);
    assert_eq!(bed.wait(&plain()).await.0, "probe");
    bed.check().await;
}

#[tokio::test]
async fn a_probe_that_is_given_back_leaves_its_place() {
    let bed = Bed::new().await;
    opened(&bed).await;
    bed.pass(1_000);
    bed.ask("j1", &[&url("a")]).await;
    let late = bed.batch(&plain()).await;
    bed.queue.work().give_back(&bed.target, &late.id, "w1").await.unwrap();
    assert!(bed.batch(&plain()).await.probe);
}

#[tokio::test]
async fn a_poll_that_is_returned_unmade_leaves_the_place_of_the_probe() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a")]).await;
    let batch = bed.batch(&plain()).await;
    bed.submitted(&batch, 0).await;
    opened(&bed).await;
    bed.pass(1_000 + i64::try_from(TURN).unwrap());
    assert!(matches!(polls(&bed).await, Polls::Due(_)));
    assert!(matches!(polls(&bed).await, Polls::Wait { why, .. } if why == "probe"));
    bed.queue.work().put_off(&bed.target, &[batch.id], 0).await.unwrap();
    assert!(matches!(polls(&bed).await, Polls::Due(_)), "the poll that came too late keeps no place");
}

#[tokio::test]
async fn what_was_sent_before_it_opened_may_close_it_but_not_prolong_it() {
    let bed = Bed::new().await;
    bed.ask("j", &(0..6).map(url).collect::<Vec<_>>().iter().map(String::as_str).collect::<Vec<_>>()).await;
    let (early, other) = (bed.batch(&plain()).await, bed.batch(&plain()).await);
    opened(&bed).await;
    bed.pass(500);
    assert_eq!(call(&bed, &early, down()).await, heard(false, 500 + TURN, Change::None));
    assert_eq!(call(&bed, &other, Fate::Well).await.change, Change::Closed);
}

#[tokio::test]
async fn a_repeated_word_changes_nothing() {
    let bed = Bed::new().await;
    bed.ask("j", &[&url("a")]).await;
    let batch = bed.batch(&plain()).await;
    for _ in 0..9 {
        assert_eq!(call(&bed, &batch, down()).await, heard(true, 0, Change::None));
    }
    let strangers = Asked::Call { batch: &batch.id, worker: "w2" };
    let said = bed.queue.work().answered(&bed.target, strangers, &down(), &POLICY).await.unwrap();
    assert_eq!(said, heard(false, 0, Change::None), "it is not that worker's");
    assert!(holds(&bed).await.is_empty());
}

#[tokio::test]
async fn what_could_not_be_tried_goes_before_what_failed_as_a_probe() {
    let bed = Bed::new().await;
    opened(&bed).await;
    bed.pass(1_000);
    bed.ask_as(Priority::Urgent, "bad", &[&url("poison")]).await;
    let poison = bed.batch(&plain()).await;
    let wait = call(&bed, &poison, down()).await.wait_ms;
    let again = Settlement::Again { after_ms: wait, cause: cause("connect") };
    bed.settle(&poison, &again).await;
    bed.ask("good", &[&url("good")]).await;
    bed.pass(2_000);
    let probe = bed.batch(&plain()).await;
    assert_eq!(names(&probe), [url("good")], "urgent or not");
    assert_eq!(call(&bed, &probe, Fate::Well).await.change, Change::Closed);
    bed.settle(&probe, &Settlement::Done).await;
    bed.pass(200);
    let poison = bed.batch(&plain()).await;
    assert_eq!(names(&poison), [url("poison")]);
    assert!(call(&bed, &poison, down()).await.counts, "the call before it went well");
}

#[tokio::test]
async fn the_halves_of_what_counted_count_until_it_opens() {
    let bed = Bed::new().await;
    bed.ask("j", &[&url("a"), &url("b"), &url("c")]).await;
    let whole = bed.batch(&plain()).await;
    assert!(call(&bed, &whole, down()).await.counts);
    bed.queue.work().split(&bed.target, &whole.id, "w1", "http-500").await.unwrap();
    let (half, other) = (bed.batch(&plain()).await, bed.batch(&plain()).await);
    assert!(call(&bed, &half, down()).await.counts);
    assert_eq!(call(&bed, &other, down()).await, heard(false, POLICY.probe_ms + TURN, Change::Opened));
}

#[tokio::test]
async fn a_paused_target_is_not_probed_and_an_operator_may_have_it_probed() {
    let bed = Bed::new().await;
    opened(&bed).await;
    bed.ask("j", &[&url("a")]).await;
    assert_eq!(bed.queue.operate().probe(&bed.target).await.unwrap().as_deref(), Some("broken"));
    let paused = purgeline_queue::HoldName::Paused;
    bed.queue.operate().hold(&bed.target, paused, None, &cause("by-hand"), "me").await.unwrap();
    assert_eq!(bed.wait(&plain()).await.0, "paused");
    bed.queue.operate().release(&bed.target, paused).await.unwrap();
    let probe = bed.batch(&plain()).await;
    assert!(probe.probe);
    call(&bed, &probe, Fate::Well).await;
    assert_eq!(bed.queue.operate().probe(&bed.target).await.unwrap(), None);
}

// === questions ===

#[tokio::test]
async fn failing_questions_count_too_and_calls_end_their_count() {
    let bed = Bed::new().await;
    assert!(question(&bed, down()).await.counts);
    question(&bed, down()).await;
    assert_eq!(sent(&bed, "a", Fate::Well).await.change, Change::None);
    question(&bed, down()).await;
    question(&bed, down()).await;
    assert_eq!(question(&bed, Fate::Well).await.change, Change::None);
    question(&bed, down()).await;
    question(&bed, down()).await;
    assert_eq!(question(&bed, down()).await.change, Change::Opened);
}

#[tokio::test]
async fn a_question_that_is_answered_says_nothing_of_calls() {
    let bed = Bed::new().await;
    assert!(sent(&bed, "a", down()).await.counts);
    for item in ["b", "c"] {
        assert_eq!(question(&bed, Fate::Well).await.change, Change::None);
        sent(&bed, item, down()).await;
    }
    assert_eq!(holds(&bed).await.len(), 1, "three calls failed in a row");
    // Asked before it opened.
    assert_eq!(question(&bed, Fate::Well).await.change, Change::None);
    assert_eq!(holds(&bed).await.len(), 1);
}

#[tokio::test]
async fn while_it_is_open_nothing_is_asked_but_as_a_probe_where_no_call_wants_to_go() {
    let bed = Bed::new().await;
    bed.ask("j", &[&url("open")]).await;
    let open = bed.batch(&plain()).await;
    bed.submitted(&open, 0).await;
    opened(&bed).await;
    assert!(matches!(polls(&bed).await, Polls::Wait { why, .. } if why == "broken"));
    bed.pass(1_000);
    assert!(matches!(polls(&bed).await, Polls::Wait { why, .. } if why == "broken"), "a call goes first");
    bed.pass(i64::try_from(TURN).unwrap());
    assert!(matches!(polls(&bed).await, Polls::Due(due) if due.polls.len() == 1));
    bed.ask("j2", &[&url("a")]).await;
    assert_eq!(bed.wait(&plain()).await, ("probe".into(), Some(100)));
    assert_eq!(question(&bed, down()).await.change, Change::ProbeFailed);

    bed.pass(2_000 + 2 * i64::try_from(TURN).unwrap());
    assert!(matches!(polls(&bed).await, Polls::Due(_)));
    // Its worker dies, and it is asked once more.
    bed.pass(100);
    assert!(matches!(polls(&bed).await, Polls::Due(_)));
    assert_eq!(question(&bed, Fate::Well).await.change, Change::Closed);
    assert!(matches!(bed.lease(&plain()).await, Lease::Batch(batch) if !batch.probe));
}
