use super::*;
use crate::ztgame::{codes::CODES, poll};

fn batch() -> OpenBatch {
    OpenBatch {
        batch: "b".to_owned(),
        receipt: Receipt(REQUEST.to_owned()),
        items: vec![url("http://h/a"), url("http://h/b"), url("http://h/c")],
        open: vec![true, false, true],
        submitted_at_ms: now().as_millisecond(),
    }
}

fn ask(answer: &Answer) -> PollReport {
    let mut report = PollReport::default();
    poll::read(3, &batch(), answer, now(), &mut report);
    assert_eq!((report.answers.len(), report.answers[0].batch), (1, 3));
    report
}

fn task(status: &str) -> Answer {
    answer(&json!({"task": {
        "taskId": REQUEST, "projectId": "p", "taskType": "1", "taskContent": "http://h/a,http://h/b,htt",
        "taskStatus": status, "taskUser": "u", "taskCreateAt": "Tue, 24 Nov 2015 19:39:11 GMT",
        "taskDoneAt": null,
    }}))
}

fn refusal(status: u16, words: &str) -> Answer {
    Answer::of(status, &[], json!({ "error": words }).to_string())
}

#[test]
fn a_task_that_succeeded_is_the_end_of_its_items() {
    let report = ask(&task("success"));
    assert_eq!(report.answers[0].ended, [(0, Outcome::Done), (2, Outcome::Done)]);
    assert_eq!((report.bisect.len(), report.signals.len()), (0, 0));
}

#[test]
fn a_task_that_failed_is_split() {
    for status in ["failure", "error", "delete"] {
        let report = ask(&task(status));
        let [(3, Cause { class: Class::Soon, code, .. })] = &report.bisect[..] else { panic!("{report:?}") };
        assert_eq!((code.as_str(), report.answers[0].ended.len()), (status, 0));
        assert!(CODES.iter().any(|known| known.code == status && known.class == Class::Soon));
    }
}

#[test]
fn a_task_that_runs_is_asked_about_again() {
    for status in ["run", "wait", "init", "prepare", "unknow", "something new"] {
        let report = ask(&task(status));
        assert_eq!((report.answers[0].ended.len(), &report.answers[0].cause), (0, &None), "{status}");
        assert_eq!((report.bisect.len(), report.signals.len()), (0, 0));
    }
}

#[test]
fn a_task_that_nobody_knows_is_sent_again() {
    let report = ask(&refusal(404, "task id can not found"));
    let words: Vec<_> = report.answers[0].ended.iter().map(|(at, outcome)| (*at, outcome)).collect();
    let [(0, Outcome::Retry { after_ms: None, cause }), (2, _)] = &words[..] else { panic!("{words:?}") };
    assert_eq!((cause.class, cause.code.as_str()), (Class::Unknown, "task-id-can-not-found"));
    assert_eq!(report.answers[0].cause, None);
}

#[test]
fn errors_leave_a_task_for_later() {
    let plain = |status: u16, body: &str| Answer::of(status, &[], body);
    for (answer, code, signals) in [
        (plain(401, "Unauthorized"), "Unauthorized", 1),
        (refusal(400, "invalid token"), "invalid-token", 1),
        (plain(404, "<html>"), "http-404", 1),
        (plain(500, "<html>"), "http-500", 0),
        (plain(503, ""), "http-503", 1),
        (plain(200, "{}"), "http-200", 0),
        (plain(200, r#"{"task": {}}"#), "http-200", 0),
    ] {
        let report = ask(&answer);
        let cause = report.answers[0].cause.as_ref().unwrap();
        assert_eq!((cause.code.as_str(), report.signals.len()), (code, signals));
        assert_eq!((report.answers[0].ended.len(), report.bisect.len()), (0, 0));
    }
}
