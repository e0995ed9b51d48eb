use super::*;
use crate::foresight::{
    poll::{self, Known},
    submit::Ticket,
};

const DEADLINE_MS: u64 = 1_000;

fn batch(receipt: &str) -> OpenBatch {
    OpenBatch {
        batch: "b".to_owned(),
        receipt: Receipt(receipt.to_owned()),
        items: vec![resource("Sales", &json!({"year": 2026}))],
        open: vec![true],
        submitted_at_ms: now().as_millisecond(),
    }
}

/// What an answer about a task tells, and what of it becomes of the batch.
fn read(answer: &Answer) -> (Known, PollReport) {
    let mut report = PollReport::default();
    let known = poll::read(answer, now(), &mut report);
    let batch = batch(&Ticket { task: Some(TASK.to_owned()), before: None }.into_receipt().0);
    poll::settle(3, &batch, known.clone(), &mut report);
    assert_eq!((report.answers.len(), report.answers[0].batch), (1, 3));
    (known, report)
}

fn retried(report: &PollReport) -> (Class, Option<u64>, &str) {
    match &report.answers[0].ended[..] {
        [(0, Outcome::Retry { after_ms, cause })] => (cause.class, *after_ms, &cause.code),
        other => panic!("{other:?}"),
    }
}

#[test]
fn success_is_the_end() {
    let (known, report) = read(&state("SUCCESS"));
    assert_eq!(known, Known::Succeeded);
    assert_eq!(report.answers[0].ended, [(0, Outcome::Done)]);
    assert_eq!((&report.answers[0].cause, report.signals.len()), (&None, 0));
}

#[test]
fn what_runs_is_asked_about_until_the_deadline() {
    for word in ["PENDING", "RECEIVED", "STARTED", "RETRY", "PROGRESS", "pending"] {
        let (known, report) = read(&state(word));
        assert_eq!(
            (known, report.answers[0].ended.len(), &report.answers[0].cause),
            (Known::Running, 0, &None)
        );
    }
}

#[test]
fn a_failure_is_sent_again() {
    for word in ["FAILURE", "REVOKED"] {
        assert_eq!(retried(&read(&state(word)).1), (Class::Soon, None, word));
    }
}

#[test]
fn a_task_that_is_not_known_is_sent_again() {
    let (_, report) = read(&Answer::of(404, &[], r#"{"detail":"Not found."}"#));
    assert_eq!((retried(&report), report.signals.len()), ((Class::Unknown, None, "http-404"), 0));
    for receipt in ["", TASK, r#"{"later":1}"#] {
        let known = poll::ticket(&batch(receipt)).unwrap_err();
        let mut report = PollReport::default();
        poll::settle(0, &batch(receipt), known, &mut report);
        assert_eq!(retried(&report), (Class::Unknown, None, "unknown-receipt"));
    }
}

#[test]
fn a_question_that_fails_is_asked_again() {
    for (status, class, signals) in [
        (200, Class::Unknown, 0),
        (400, Class::ItemDead, 0),
        (401, Class::Unauthorised, 1),
        (403, Class::Unauthorised, 1),
        (429, Class::Delay, 1),
        (500, Class::Soon, 0),
        (502, Class::Unknown, 0),
    ] {
        let (_, report) = read(&Answer::of(status, &[], "<html>"));
        let cause = report.answers[0].cause.as_ref().unwrap();
        assert_eq!((cause.class, cause.code.as_str()), (class, format!("http-{status}").as_str()));
        assert_eq!((report.answers[0].ended.len(), report.signals.len()), (0, signals), "{status}");
    }
    let (_, report) = read(&Answer::of(429, &[], ""));
    assert!(matches!(report.signals[..], [Signal::Throttled { for_ms: 60_000, .. }]));
}

#[test]
fn what_has_settled_is_not_told_again() {
    let mut settled = batch("{}");
    settled.open[0] = false;
    let mut report = PollReport::default();
    poll::settle(0, &settled, Known::Succeeded, &mut report);
    assert_eq!(report.answers[0].ended, []);
}

#[test]
fn movement_is_the_proof_and_stillness_is_none() {
    let before = marks(&json!([cache("phone", 1, "a"), cache("desk", 4, "b")]));
    let after = marks(&json!([cache("phone", 2, "a"), cache("desk", 4, "b")]));
    assert_eq!(poll::proof(&before, &after, 0, DEADLINE_MS), Known::Ended(Outcome::Done));
    let Known::Nothing(cause) = poll::proof(&before, &before, 1_000, DEADLINE_MS) else { panic!() };
    assert_eq!((cause.class, cause.code.as_str()), (Class::Unknown, "not-moved"));
    // Not for ever: it is sent again, and counts.
    let Known::Ended(Outcome::Retry { after_ms: None, cause }) =
        poll::proof(&before, &before, 1_001, DEADLINE_MS)
    else {
        panic!()
    };
    assert_eq!(cause.code, "not-moved");
}
