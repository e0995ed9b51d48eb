use super::*;
use crate::foresight::submit::{self, Ticket};

fn read(answer: &Answer) -> Submission {
    read_after(answer, None)
}

fn read_after(answer: &Answer, before: Option<Marks>) -> Submission {
    let submission = submit::read(answer, before, now());
    if let Verdict::Items(outcomes) = &submission.verdict {
        assert_eq!(outcomes.len(), 1);
        assert_eq!(submission.receipt.is_some(), outcomes[0] == Outcome::Accepted);
    }
    submission
}

fn outcome(submission: &Submission) -> &Outcome {
    match &submission.verdict {
        Verdict::Items(outcomes) => &outcomes[0],
        Verdict::Bisect(cause) => panic!("one cannot be split: {cause}"),
    }
}

fn retry(submission: &Submission) -> (Class, Option<u64>, &str) {
    match outcome(submission) {
        Outcome::Retry { after_ms, cause } => (cause.class, *after_ms, &cause.code),
        other => panic!("{other:?}"),
    }
}

fn ticket(submission: &Submission) -> Ticket {
    Ticket::from_receipt(submission.receipt.as_ref().unwrap()).unwrap()
}

#[test]
fn success_at_once_is_the_end() {
    for answer in [state("SUCCESS"), state("success"), answer(&json!({"task_state": "SUCCESS"}))] {
        let submission = read(&answer);
        assert_eq!((outcome(&submission), submission.signals.len()), (&Outcome::Done, 0));
    }
}

#[test]
fn a_task_is_asked_about() {
    for word in ["PENDING", "RECEIVED", "STARTED", "RETRY", "PROGRESS"] {
        let submission = read(&state(word));
        assert_eq!(outcome(&submission), &Outcome::Accepted);
        assert_eq!(ticket(&submission), Ticket { task: Some(TASK.to_owned()), before: None });
    }
    let number = answer(&json!({"task_id": 17, "task_state": "PENDING"}));
    assert_eq!(ticket(&read(&number)).task.as_deref(), Some("17"));
    for id in [json!(null), json!("")] {
        let submission = read(&answer(&json!({"task_id": id, "task_state": "PENDING"})));
        assert_eq!(retry(&submission), (Class::Unknown, None, "no-task-id"));
    }
}

#[test]
fn failure_at_once_is_tried_again() {
    for word in ["FAILURE", "REVOKED", "REJECTED", "IGNORED"] {
        assert_eq!(retry(&read(&state(word))), (Class::Soon, None, word));
    }
}

#[test]
fn success_is_no_end_where_a_proof_is_asked_for() {
    let before = marks(&json!([cache("phone", 1, "a")]));
    let submission = read_after(&state("SUCCESS"), Some(before.clone()));
    assert_eq!(outcome(&submission), &Outcome::Accepted);
    assert_eq!(ticket(&submission), Ticket { task: None, before: Some(before.clone()) });
    let submission = read_after(&state("PENDING"), Some(before.clone()));
    assert_eq!(ticket(&submission), Ticket { task: Some(TASK.to_owned()), before: Some(before) });
}

#[test]
fn a_receipt_has_room_for_many_caches() {
    let caches: Vec<_> = (0..1_000).map(|n| cache(&format!("device-{n}"), n, "a")).collect();
    let submission = read_after(&state("PENDING"), Some(marks(&json!(caches))));
    let length = submission.receipt.unwrap().0.len();
    assert!(length <= 4_096, "{length} bytes");
}

#[test]
fn each_status_does_what_its_class_says() {
    for (status, expected) in [
        (401, (Class::Unauthorised, Some(0), "http-401")),
        (403, (Class::Unauthorised, Some(0), "http-403")),
        (405, (Class::Unauthorised, Some(0), "http-405")),
        (415, (Class::Unauthorised, Some(0), "http-415")),
        (301, (Class::Unauthorised, Some(0), "http-301")),
        (429, (Class::Delay, Some(60_000), "http-429")),
        (500, (Class::Soon, None, "http-500")),
        (502, (Class::Unknown, None, "http-502")),
        (503, (Class::Delay, Some(5_000), "http-503")),
        (504, (Class::Unknown, None, "http-504")),
    ] {
        let submission = read(&Answer::of(status, &[], r#"{"detail":"the words"}"#));
        assert_eq!(retry(&submission), expected);
        match (expected.0, &submission.signals[..]) {
            (Class::Unauthorised, [Signal::Unauthorised { kind: None, .. }]) => {}
            (Class::Delay, [Signal::Throttled { for_ms, .. }]) => assert_eq!(Some(*for_ms), expected.1),
            (Class::Soon | Class::Unknown, []) => {}
            other => panic!("{status}: {other:?}"),
        }
    }
    for status in [400, 404] {
        let submission = read(&Answer::of(status, &[], r#"{"resource_title":["This field is required."]}"#));
        let Outcome::Failed(cause) = outcome(&submission) else { panic!("{submission:?}") };
        assert_eq!((cause.class, cause.code.as_str()), (Class::ItemDead, format!("http-{status}").as_str()));
        assert!(cause.message.contains("This field is required."), "{cause}");
        assert_eq!(submission.signals, []);
    }
    let asked = Answer::of(429, &[("retry-after", "7")], "");
    assert_eq!(retry(&read(&asked)), (Class::Delay, Some(7_000), "http-429"));
    let expired = read(&Answer::of(401, &[], r#"{"detail":"Invalid token."}"#));
    let Outcome::Retry { cause, .. } = outcome(&expired) else { panic!() };
    assert!(cause.message.ends_with("; set a new settings.token"), "{cause}");
}

#[test]
fn nonsense_is_no_success() {
    for body in ["", "<html>", "{}", "[]", "null", r#"{"task_id":"a"}"#, r#"{"task_state":5}"#] {
        let submission = read(&Answer::of(200, &[], body));
        assert_eq!(retry(&submission), (Class::Unknown, None, "http-200"), "{body}");
    }
}

#[test]
fn without_the_listing_nothing_is_sent_and_nobody_is_blamed() {
    for (class, expected) in [
        (Class::ItemDead, Class::Unauthorised),
        (Class::ClientBug, Class::Unauthorised),
        (Class::Unauthorised, Class::Unauthorised),
        (Class::Soon, Class::Soon),
        (Class::Delay, Class::Delay),
    ] {
        let submission = submit::without_listing(Cause::new(class, "http-400", "the words"), Some(9));
        assert_eq!(retry(&submission).0, expected);
        let Outcome::Retry { cause, .. } = outcome(&submission) else { panic!() };
        assert_eq!(cause.message, "verify_listing: the words");
    }
}
