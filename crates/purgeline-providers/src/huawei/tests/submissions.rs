use super::*;
use crate::huawei::{codes, quota::Quotas, submit};

/// Of one host, which is what most calls are.
fn three() -> Vec<CallItem> {
    vec![url("http://h/a"), url("http://h/b"), url("http://h/c")]
}

fn two_hosts() -> Vec<CallItem> {
    vec![url("http://h/a"), url("http://other/a")]
}

fn read(items: &[CallItem], answer: &Answer, quotas: Option<&Quotas>) -> Submission {
    let submission = submit::read(items, answer, quotas, now());
    if let Verdict::Items(outcomes) = &submission.verdict {
        assert_eq!(outcomes.len(), items.len());
        assert_eq!(submission.receipt.is_some(), outcomes.contains(&Outcome::Accepted), "{submission:?}");
    }
    submission
}

/// What became of all items alike: `accepted`, `failed`, `retry` with the class and the wait,
/// `bisect`; with the signals that came along.
fn in_words(submission: &Submission) -> String {
    let outcome = match &submission.verdict {
        Verdict::Bisect(cause) => format!("bisect {}", cause.class),
        Verdict::Items(outcomes) => {
            assert!(outcomes.windows(2).all(|two| two[0] == two[1]), "{outcomes:?}");
            match &outcomes[0] {
                Outcome::Done => "done".to_owned(),
                Outcome::Accepted => "accepted".to_owned(),
                Outcome::Failed(cause) => format!("failed {}", cause.class),
                Outcome::Retry { after_ms: Some(ms), cause } => format!("retry {} after {ms}", cause.class),
                Outcome::Retry { after_ms: None, cause } => format!("retry {}", cause.class),
            }
        }
    };
    submission.signals.iter().fold(outcome, |words, signal| {
        words
            + &match signal {
                Signal::Throttled { for_ms, .. } => format!(", rest {for_ms}"),
                Signal::QuotaSpent { kind: Some(kind), for_ms: TO_NEXT_DAY_MS, .. } => {
                    format!(", no more {kind}s today")
                }
                Signal::Unauthorised { kind: None, .. } => ", hold".to_owned(),
                other => panic!("{other:?}"),
            }
    })
}

/// A refusal in the documented shape, under this HTTP status.
fn refusal(status: u16, code: &str) -> Answer {
    Answer::of(status, &[], json!({"error": {"error_code": code, "error_msg": "the words"}}).to_string())
}

fn quotas(limit: u64, used: u64) -> Quotas {
    let of = |kind: &str| json!({"type": kind, "quota_limit": limit, "used": used, "user_domain_id": "d"});
    let body = json!({"quotas": [of("file_refresh"), of("dir_refresh"), of("file_preheating")]});
    Quotas::read(&body.to_string()).unwrap()
}

#[test]
fn either_apis_answer_is_a_receipt() {
    let legacy = |create_time: i64| {
        json!({"refreshTask": {"id": "ff808", "status": "task_inprocess", "processing": 2, "succeed": 0,
            "failed": 0, "urls": ["http://www.example1.com/index.html"], "task_type": "refresh", "total": 2,
            "create_time": create_time}})
    };
    for (body, receipt) in [
        (json!({"refresh_task": "7620242"}), "7620242"),
        (json!({"refresh_task": 7_620_242}), "7620242"),
        (json!({"refreshTask": "7620242"}), "7620242"),
        (json!({"refresh_task": {"id": "7620242"}, "new": [1]}), "7620242"),
        // The seed's example.
        (legacy(0), "ff808"),
        (legacy(1_556_155_920_000), r#"{"task":"ff808","created_ms":1556155920000}"#),
    ] {
        let submission = read(&three(), &answer(&body), None);
        assert_eq!(in_words(&submission), "accepted");
        assert_eq!(submission.receipt.unwrap().0, receipt);
    }
}

#[test]
fn each_code_does_what_its_class_says() {
    for (status, code, expected) in [
        (500, "CDN.0000", "retry soon"),
        (400, "CDN.0001", "bisect item_dead"),
        (401, "CDN.0002", "retry unauthorised after 0, hold"),
        (404, "CDN.0003", "bisect item_dead"),
        (403, "CDN.0004", "retry unauthorised after 0, hold"),
        (200, "CDN.0005", "retry delay after 60000, rest 60000"),
        (403, "CDN.0020", "retry unauthorised after 0, hold"),
        (403, "CDN.0021", "retry unauthorised after 0, hold"),
        (200, "CDN.0105", "failed item_dead"),
        (200, "CDN.0106", "retry delay after 600000"),
        (200, "CDN.0108", "failed item_dead"),
        (200, "CDN.0110", "retry quota_day after 0, no more urls today"),
        (200, "CDN.0114", "retry unauthorised after 0, hold"),
        (200, "CDN.0115", "failed item_dead"),
        (200, "CDN.0116", "failed item_dead"),
        (200, "CDN.0127", "failed item_dead"),
        (200, "CDN.0145", "retry delay after 600000"),
        (200, "CDN.0201", "failed item_dead"),
        (404, "APIGW.0101", "retry unauthorised after 0, hold"),
        (504, "APIGW.0201", "retry unknown"),
        (401, "APIGW.0301", "retry unauthorised after 0, hold"),
        (401, "APIGW.0303", "retry unauthorised after 0, hold"),
        (401, "APIGW.0307", "retry unauthorised after 0, hold"),
        (429, "APIGW.0308", "retry delay after 2000, rest 2000"),
    ] {
        let documented = codes::CODES.iter().find(|known| known.code == code).unwrap();
        assert!(expected.contains(documented.class.as_str()), "{code}");
        // The code decides, whatever the HTTP status.
        for status in [status, 200] {
            assert_eq!(in_words(&read(&three(), &refusal(status, code), None)), expected, "{code}");
        }
        let submission = read(&three()[..1], &refusal(status, code), None);
        let alone = expected.replace("bisect", "failed");
        assert_eq!(in_words(&submission), alone, "{code}");
    }
    assert_eq!(codes::CODES.len(), 24 + 3, "three are of a URL of a task");
}

#[test]
fn an_error_is_found_wherever_it_stands() {
    for body in [
        json!({"error_code": "CDN.0105", "error_msg": "no domain"}),
        json!({"error": {"error_code": "CDN.0105", "error_msg": "no domain"}}),
        json!({"errorCode": "CDN.0105", "errorMsg": "no domain"}),
        json!({"error": {"code": "CDN.0105", "message": "no domain"}, "request_id": "r"}),
        json!({"code": "CDN.0105", "message": "no domain"}),
        // Whatever else is said, an error is none of the successes.
        json!({"refresh_task": "7620242", "result": {"error_code": "CDN.0105", "error_msg": "no domain"}}),
    ] {
        let submission = read(&three(), &answer(&body), None);
        let Verdict::Items(outcomes) = &submission.verdict else { panic!("{submission:?}") };
        let Outcome::Failed(cause) = &outcomes[0] else { panic!("{outcomes:?}") };
        assert_eq!(cause.to_string(), "CDN.0105: no domain");
    }
}

#[test]
fn a_domain_fails_all_its_urls_and_no_others() {
    for code in ["CDN.0105", "CDN.0108", "CDN.0115", "CDN.0116", "CDN.0127", "CDN.0201"] {
        assert_eq!(in_words(&read(&two_hosts(), &refusal(200, code), None)), "bisect item_dead");
    }
    for code in ["CDN.0106", "CDN.0145"] {
        assert_eq!(in_words(&read(&two_hosts(), &refusal(200, code), None)), "bisect delay");
    }
}

#[test]
fn a_spent_quota_parks_its_kind_and_what_is_left_is_used() {
    let too_many = refusal(200, "CDN.0110");
    assert!(submit::wants_quotas(&too_many));
    let dirs = vec![dir("http://h/a/"), dir("http://h/b/")];
    for (items, left, expected) in [
        (three(), 0, "retry quota_day after 0, no more urls today"),
        (dirs.clone(), 0, "retry quota_day after 0, no more dirs today"),
        (three(), 2, "bisect quota_day"),
        (dirs, 1, "bisect quota_day"),
        // More is left than was asked for: this account's calls must be smaller.
        (three(), 1_000, "bisect quota_day"),
        (vec![url("http://h/a")], 1_000, "retry quota_day after 0, no more urls today"),
    ] {
        let submission = read(&items, &too_many, Some(&quotas(2_000, 2_000 - left)));
        assert_eq!(in_words(&submission), expected, "{left} left");
    }
    // Without a word about its kind nothing can be told apart.
    let none = Quotas::read(r#"{"quotas": []}"#).unwrap();
    assert_eq!(
        in_words(&read(&three(), &too_many, Some(&none))),
        "retry quota_day after 0, no more urls today"
    );
}

#[test]
fn an_upper_limit_may_be_the_quota() {
    let limit = refusal(200, "CDN.0005");
    assert!(submit::wants_quotas(&limit) && !submit::wants_quotas(&refusal(200, "CDN.0105")));
    assert!(!submit::wants_quotas(&answer(&json!({"refresh_task": "7620242"}))));
    let spent = read(&three(), &limit, Some(&quotas(100, 100)));
    assert_eq!(in_words(&spent), "retry quota_day after 0, no more urls today");
    let left = read(&three(), &limit, Some(&quotas(100, 99)));
    assert_eq!(in_words(&left), "retry delay after 60000, rest 60000");
}

#[test]
fn quotas_are_told_by_kind() {
    let left = |kind, left, max| Signal::QuotaLeft { kind, left, max, for_ms: TO_NEXT_DAY_MS };
    assert_eq!(quotas(100, 30).signals(now()), [left(Kind::Url, 70, 100), left(Kind::Dir, 70, 100)]);
    // Used may run past the limit when that is lowered; no limit is no word.
    assert_eq!(quotas(100, 130).signals(now())[0], left(Kind::Url, 0, 100));
    assert_eq!(quotas(0, 0).signals(now()), []);
    // The answer that was captured.
    let captured = r#"{"quotas":[{"quota_limit":2000,"type":"file_refresh","used":1,"user_domain_id":"d"}]}"#;
    assert_eq!(Quotas::read(captured).unwrap().signals(now()), [left(Kind::Url, 1_999, 2_000)]);
    assert!(Quotas::read(r#"{"error_code": "CDN.0000"}"#).is_none());
}

#[test]
fn a_rest_that_is_asked_for_is_given() {
    let body = json!({"error_code": "APIGW.0308", "error_msg": "slow down"}).to_string();
    let submission = read(&three(), &Answer::of(429, &[("retry-after", "9")], body), None);
    assert_eq!(in_words(&submission), "retry delay after 9000, rest 9000");
}

#[test]
fn a_clock_that_is_off_is_told() {
    let message = |code: &str, date: &str| {
        let body = json!({"error_code": code, "error_msg": "bad signature"}).to_string();
        let submission = read(&three(), &Answer::of(401, &[("date", date)], body), None);
        let Signal::Unauthorised { cause, .. } = &submission.signals[0] else { panic!("{submission:?}") };
        cause.message.clone()
    };
    assert_eq!(
        message("APIGW.0303", "Fri, 02 Jan 2026 00:10:00 GMT"),
        "bad signature (this machine's clock is 20 minutes ahead of the provider's)"
    );
    assert_eq!(
        message("APIGW.0301", "Fri, 02 Jan 2026 00:50:00 GMT"),
        "bad signature (this machine's clock is 20 minutes behind the provider's)"
    );
    assert_eq!(message("APIGW.0303", "Fri, 02 Jan 2026 00:31:00 GMT"), "bad signature");
    assert_eq!(message("APIGW.0303", "never"), "bad signature");
    assert_eq!(message("CDN.0114", "Fri, 02 Jan 2026 00:10:00 GMT"), "bad signature");
}

#[test]
fn a_code_that_is_not_documented_goes_by_its_http_status() {
    for (status, expected) in [
        (200, "bisect client_bug"),
        (400, "bisect client_bug"),
        (401, "retry unauthorised after 0, hold"),
        (403, "retry unauthorised after 0, hold"),
        (429, "retry delay after 5000, rest 5000"),
        (500, "retry soon"),
        (504, "retry unknown"),
    ] {
        assert_eq!(in_words(&read(&three(), &refusal(status, "CDN.9999"), None)), expected, "{status}");
    }
}

#[test]
fn without_a_code_the_http_status_decides() {
    for body in ["", "<html>", "{}", "[]", "null", r#"{"refresh_task": null}"#, r#"{"error": "x"}"#] {
        for (status, expected) in [
            (200, "retry unknown"),
            (204, "retry unknown"),
            (302, "retry unauthorised after 0, hold"),
            (400, "bisect client_bug"),
            (401, "retry unauthorised after 0, hold"),
            (404, "retry unauthorised after 0, hold"),
            (500, "retry soon"),
            (503, "retry delay after 5000, rest 5000"),
        ] {
            let answer = Answer::of(status, &[], body);
            assert_eq!(in_words(&read(&three(), &answer, None)), expected, "{status} {body}");
        }
    }
    // A receipt under an error is no receipt.
    let odd = Answer::of(500, &[], r#"{"refresh_task": "7620242"}"#);
    assert_eq!(in_words(&read(&three(), &odd, None)), "retry soon");
}
