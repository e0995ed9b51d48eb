use super::*;
use crate::ztgame::{codes, submit};

fn three() -> Vec<CallItem> {
    vec![url("http://h/a"), url("http://h/b"), url("http://h/c")]
}

fn read(items: &[CallItem], answer: &Answer) -> Submission {
    let submission = submit::read(items, answer, now());
    if let Verdict::Items(outcomes) = &submission.verdict {
        assert_eq!(outcomes.len(), items.len());
        assert_eq!(submission.receipt.is_some(), outcomes.contains(&Outcome::Accepted), "{submission:?}");
    }
    submission
}

/// What became of all items alike, and the code where it was no success.
fn in_words(submission: &Submission) -> String {
    let words = match &submission.verdict {
        Verdict::Bisect(cause) => format!("bisect {} {}", cause.class, cause.code),
        Verdict::Items(outcomes) => {
            assert!(outcomes.windows(2).all(|two| two[0] == two[1]), "{outcomes:?}");
            match &outcomes[0] {
                Outcome::Accepted => "accepted".to_owned(),
                Outcome::Failed(cause) => format!("failed {} {}", cause.class, cause.code),
                Outcome::Retry { cause, .. } => format!("retry {} {}", cause.class, cause.code),
                Outcome::Done => "done".to_owned(),
            }
        }
    };
    match submission.signals[..] {
        [] => words,
        [Signal::Unauthorised { kind: None, .. }] => format!("{words}, hold"),
        [Signal::Throttled { for_ms, .. }] => format!("{words}, rest {for_ms}"),
        ref other => panic!("{other:?}"),
    }
}

fn error(status: u16, words: &str) -> Answer {
    Answer::of(status, &[("content-type", "application/json")], json!({ "error": words }).to_string())
}

fn of_cdn(status: u16) -> Answer {
    let body = json!({"error": "purge failed", "successRate": 50.0});
    Answer::of(status, &[], body.to_string())
}

fn nested(ret: &Value, rate: &Value) -> Value {
    json!({"zt_api": {"msg": "OK", "reqId": REQUEST, "ret": ret, "success_rate": rate}})
}

#[test]
fn either_shape_of_a_success_is_a_receipt() {
    for body in [
        // The seed's example, and its table's spelling.
        nested(&json!(0), &json!(100.0)),
        json!({"zt_api": {"msg": "OK", "reqId": REQUEST, "ret": 0, "successRate": 100.0}}),
        // The server's source.
        json!({"reqId": REQUEST, "successRate": 100.0}),
        json!({"reqId": REQUEST, "successRate": "100.0", "ret": "0"}),
        json!({"zt_api": {"reqId": REQUEST, "ret": 0}, "new": []}),
    ] {
        let submission = read(&three(), &answer(&body));
        assert_eq!(in_words(&submission), "accepted");
        assert_eq!(submission.receipt.unwrap().0, REQUEST);
    }
}

#[test]
fn each_answer_does_what_its_class_says() {
    let plain = Answer::of(401, &[("content-type", "text/html; charset=utf-8")], "Unauthorized");
    for (answer, expected) in [
        (plain, "retry unauthorised Unauthorized, hold"),
        (error(400, "invalid token"), "retry unauthorised invalid-token, hold"),
        (error(404, "Could not find token"), "retry unauthorised Could-not-find-token, hold"),
        (
            error(400, "A single host name can only be submitted at a time"),
            "bisect client_bug A-single-host-name-can-only-be-submitted-at-a-time",
        ),
        (error(403, "h is not yours or not ready"), "failed item_dead not-yours"),
        (error(404, "can not found sp"), "failed item_dead can-not-found-sp"),
        (of_cdn(400), "bisect item_dead downstream-400"),
        (of_cdn(403), "bisect item_dead downstream-403"),
        (of_cdn(500), "retry soon downstream-500"),
        (answer(&nested(&json!(1), &json!(0.0))), "retry soon ret-1"),
        (answer(&nested(&json!(0), &json!(50.0))), "retry soon success-rate"),
        (error(404, "task id can not found"), "retry unknown task-id-can-not-found"),
    ] {
        assert_eq!(in_words(&read(&three(), &answer)), expected);
        let alone = expected.replace("bisect", "failed");
        assert_eq!(in_words(&read(&three()[..1], &answer)), alone);
        let code = expected.split([' ', ',']).nth(2).unwrap();
        let documented = codes::CODES.iter().find(|known| known.code == code).unwrap();
        assert!(expected.contains(documented.class.as_str()), "{code}");
    }
    assert_eq!(codes::CODES.len(), 12 + 3, "three are of a task");
}

#[test]
fn a_refusal_of_a_cdn_behind_it_keeps_its_status() {
    for (status, expected) in [
        (401, "bisect item_dead downstream-401"),
        (404, "bisect item_dead downstream-404"),
        // Not for an item's sake.
        (429, "retry soon downstream-429"),
        (408, "retry soon downstream-408"),
        (502, "retry soon downstream-502"),
        (200, "retry soon downstream-200"),
    ] {
        assert_eq!(in_words(&read(&three(), &of_cdn(status))), expected);
    }
}

#[test]
fn a_part_of_the_cdns_is_no_success() {
    for rate in [json!(99.9), json!("0"), json!(0)] {
        assert_eq!(in_words(&read(&three(), &answer(&nested(&json!(0), &rate)))), "retry soon success-rate");
    }
    for ret in [json!(-3), json!("2")] {
        let words = in_words(&read(&three(), &answer(&nested(&ret, &json!(100.0)))));
        assert!(words == "retry soon ret--3" || words == "retry soon ret-2", "{words}");
    }
}

#[test]
fn a_success_without_a_request_is_sent_again() {
    for body in [
        json!({"zt_api": {"msg": "OK", "reqId": "", "ret": 0, "success_rate": 100.0}}),
        json!({"zt_api": {"msg": "OK", "ret": 0}}),
        json!({"reqId": null, "successRate": 100.0}),
    ] {
        assert_eq!(in_words(&read(&three(), &answer(&body))), "retry unknown no-request-id");
    }
}

#[test]
fn words_that_are_not_documented_go_by_the_http_status() {
    for (status, expected) in [
        (200, "retry unknown http-200"),
        (400, "bisect client_bug http-400"),
        (403, "retry unauthorised http-403, hold"),
        (404, "retry unauthorised http-404, hold"),
        (429, "retry delay http-429, rest 5000"),
        (500, "retry soon http-500"),
        (503, "retry delay http-503, rest 5000"),
    ] {
        for body in ["", "<html>", "{}", "[]", r#"{"error": "no more than 10"}"#, r#"{"error": {"a": 1}}"#] {
            let answer = Answer::of(status, &[], body);
            assert_eq!(in_words(&read(&three(), &answer)), expected, "{body}");
        }
    }
    // A success under an error is none.
    let odd = Answer::of(500, &[], json!({"reqId": REQUEST, "successRate": 100.0}).to_string());
    assert_eq!(in_words(&read(&three(), &odd)), "retry soon http-500");
}
