use super::*;
use crate::qiniu::submit;

fn mixed() -> Vec<CallItem> {
    vec![url("http://h/a"), url("http://h/b"), dir("http://h/d/")]
}

fn read(items: &[CallItem], body: &Value) -> Submission {
    let submission = submit::read(items, &answer(body), now());
    if let Verdict::Items(outcomes) = &submission.verdict {
        assert_eq!(outcomes.len(), items.len());
        assert_eq!(submission.receipt.is_some(), outcomes.contains(&Outcome::Accepted), "{submission:?}");
    }
    submission
}

fn outcomes(submission: &Submission) -> &[Outcome] {
    match &submission.verdict {
        Verdict::Items(outcomes) => outcomes,
        Verdict::Bisect(cause) => panic!("bisect: {cause}"),
    }
}

/// Each outcome in a word: `done`, `accepted`, `failed`, `retry` with the class and the wait.
fn in_words(submission: &Submission) -> Vec<String> {
    outcomes(submission)
        .iter()
        .map(|outcome| match outcome {
            Outcome::Done => "done".to_owned(),
            Outcome::Accepted => "accepted".to_owned(),
            Outcome::Failed(cause) => format!("failed {}", cause.class),
            Outcome::Retry { after_ms: Some(ms), cause } => format!("retry {} after {ms}", cause.class),
            Outcome::Retry { after_ms: None, cause } => format!("retry {}", cause.class),
        })
        .collect()
}

fn refusal(code: u32) -> Value {
    json!({"code": code, "error": "the words", "requestId": "", "invalidUrls": null, "invalidDirs": null,
           "urlQuotaDay": 0, "urlSurplusDay": 0, "dirQuotaDay": 0, "dirSurplusDay": 0})
}

fn success() -> Value {
    json!({"code": 200, "error": "success", "requestId": "575d1930f9537d3f2600003d", "invalidUrls": null,
           "invalidDirs": null, "urlQuotaDay": 100, "urlSurplusDay": 99, "dirQuotaDay": 10,
           "dirSurplusDay": 10})
}

fn receipt(submission: &Submission) -> &str {
    &submission.receipt.as_ref().unwrap().0
}

#[test]
fn a_success_is_accepted_and_tells_what_is_left() {
    let submission = read(&mixed(), &success());
    assert_eq!(in_words(&submission), ["accepted"; 3]);
    assert_eq!(receipt(&submission), "575d1930f9537d3f2600003d");
    let left = |kind, left, max| Signal::QuotaLeft { kind, left, max, for_ms: TO_NEXT_DAY_MS };
    assert_eq!(submission.signals, [left(Kind::Url, 99, 100), left(Kind::Dir, 10, 10)]);
    // A quota of 0 says nothing: the field is empty, or dirs are not opened for the account.
    let mut answer = success();
    answer["dirQuotaDay"] = 0.into();
    answer["dirSurplusDay"] = 0.into();
    assert_eq!(read(&mixed(), &answer).signals, [left(Kind::Url, 99, 100)]);
    // New fields, a code as text and absent ones do no harm.
    let answer = json!({"code": "200", "requestId": "r", "taskIds": {"http://h/a": "t"}, "other": [1]});
    let submission = read(&mixed(), &answer);
    assert_eq!((receipt(&submission), submission.signals.len()), ("r", 0));
}

#[test]
fn a_success_can_name_invalid_items() {
    let mut answer = success();
    answer["invalidUrls"] = json!(["http://h/b"]);
    answer["invalidDirs"] = json!(["http://h/d/"]);
    let submission = read(&mixed(), &answer);
    assert_eq!(in_words(&submission), ["accepted", "failed item_dead", "failed item_dead"]);
    answer["invalidUrls"] = json!(["http://h/b", "http://h/a"]);
    assert_eq!(in_words(&read(&mixed(), &answer)), ["failed item_dead"; 3]);
    // A dir named among the urls is not ours.
    let mut answer = success();
    answer["invalidUrls"] = json!(["http://h/d/"]);
    assert_eq!(in_words(&read(&mixed(), &answer)), ["accepted"; 3]);
}

#[test]
fn a_success_without_a_request_id_is_sent_again() {
    for id in [json!(null), json!("")] {
        let mut answer = success();
        answer["requestId"] = id;
        assert_eq!(in_words(&read(&mixed(), &answer)), ["retry unknown"; 3]);
    }
}

#[test]
fn named_culprits_fail_alone() {
    for code in [400_031, 400_032] {
        let mut answer = refusal(code);
        answer["invalidUrls"] = json!(["http://h/a"]);
        let submission = read(&mixed(), &answer);
        assert_eq!(in_words(&submission), ["failed item_dead", "retry soon after 0", "retry soon after 0"]);
        let Outcome::Failed(cause) = &outcomes(&submission)[0] else { panic!() };
        assert_eq!((cause.code.as_str(), cause.message.as_str()), (code.to_string().as_str(), "the words"));
    }
}

#[test]
fn unnamed_culprits_are_looked_for() {
    for code in [400_031, 400_032, 400_000] {
        let submission = read(&mixed(), &refusal(code));
        let Verdict::Bisect(cause) = &submission.verdict else { panic!("{submission:?}") };
        assert_eq!(cause.code, code.to_string());
        let alone = read(&mixed()[..1], &refusal(code));
        assert!(matches!(outcomes(&alone), [Outcome::Failed(_)]));
    }
}

#[test]
fn an_item_that_is_being_refreshed_is_waited_for() {
    let submission = read(&mixed(), &refusal(400_037));
    assert_eq!(in_words(&submission), ["accepted"; 3]);
    assert_eq!(receipt(&submission), r#"{"under_way":true}"#);
    assert!(submission.signals.is_empty());
    let mut named = refusal(400_037);
    named["invalidUrls"] = json!(["http://h/b"]);
    assert_eq!(in_words(&read(&mixed(), &named)), ["retry soon after 0", "accepted", "retry soon after 0"]);
}

#[test]
fn without_the_permission_dirs_wait_and_urls_go_on() {
    let submission = read(&mixed(), &refusal(400_038));
    assert_eq!(
        in_words(&submission),
        ["retry soon after 0", "retry soon after 0", "retry unauthorised after 0"]
    );
    assert!(
        matches!(&submission.signals[..], [Signal::Unauthorised { kind: Some(Kind::Dir), cause }] if cause.code == "400038")
    );
    // Urls that are refused for dirs must not go round and round.
    assert_eq!(in_words(&read(&mixed()[..2], &refusal(400_038))), ["retry soon"; 2]);
}

#[test]
fn a_spent_quota_parks_its_kind() {
    let (urls, dirs) = (&mixed()[..2], &mixed()[2..]);
    let kinds = |submission: &Submission| -> Vec<_> {
        submission
            .signals
            .iter()
            .map(|signal| match signal {
                Signal::QuotaSpent { kind, for_ms: TO_NEXT_DAY_MS, .. } => kind.unwrap(),
                other => panic!("{other:?}"),
            })
            .collect()
    };
    // Alone, a kind is the one that is meant, whatever the code.
    for code in [400_034, 400_035] {
        for (items, kind) in [(urls, Kind::Url), (dirs, Kind::Dir)] {
            let submission = read(items, &refusal(code));
            assert_eq!(kinds(&submission), [kind]);
            assert!(in_words(&submission).iter().all(|word| word == "retry quota_day after 0"));
        }
    }
    let submission = read(&mixed(), &refusal(400_035));
    assert_eq!(kinds(&submission), [Kind::Dir]);
    assert_eq!(
        in_words(&submission),
        ["retry soon after 0", "retry soon after 0", "retry quota_day after 0"]
    );
}

#[test]
fn whose_quota_is_spent_is_read_or_found_out() {
    let refusal = |urls: u64, dirs: u64| {
        let mut answer = refusal(400_034);
        answer["urlQuotaDay"] = 100.into();
        answer["urlSurplusDay"] = urls.into();
        answer["dirQuotaDay"] = 10.into();
        answer["dirSurplusDay"] = dirs.into();
        read(&mixed(), &answer)
    };
    for (urls, dirs, expected) in [
        (1, 10, vec![Kind::Url]),
        (50, 0, vec![Kind::Dir]),
        (0, 0, vec![Kind::Url, Kind::Dir]),
        (50, 10, vec![]),
    ] {
        let submission = refusal(urls, dirs);
        let kinds: Vec<_> = submission
            .signals
            .iter()
            .map(|signal| match signal {
                Signal::QuotaSpent { kind, .. } => kind.unwrap(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(kinds, expected, "{urls} {dirs}");
    }
    // Nothing is said: nothing is parked, and the kinds part, so that the next answer tells.
    let submission = read(&mixed(), &super::submissions::refusal(400_034));
    assert!(submission.signals.is_empty());
    assert_eq!(
        in_words(&submission),
        ["retry soon after 0", "retry soon after 0", "retry quota_day after 60000"]
    );
}

#[test]
fn bad_credentials_hold_the_target_and_lose_nothing() {
    for code in [401, 401_001, 401_002] {
        let submission = read(&mixed(), &refusal(code));
        assert_eq!(in_words(&submission), ["retry unauthorised after 0"; 3]);
        assert!(matches!(submission.signals[..], [Signal::Unauthorised { kind: None, .. }]));
    }
}

#[test]
fn too_fast_slows_the_target_down() {
    for (code, expected) in [(403_024, 2_000), (403_022, 15_000), (429, 2_000), (503, 2_000)] {
        let submission = read(&mixed(), &refusal(code));
        assert_eq!(in_words(&submission), vec![format!("retry delay after {expected}"); 3]);
        assert!(matches!(submission.signals[..], [Signal::Throttled { for_ms, .. }] if for_ms == expected));
    }
    let answer = Answer::of(403, &[("retry-after", "9")], refusal(403_024).to_string());
    let submission = submit::read(&mixed(), &answer, now());
    assert!(matches!(submission.signals[..], [Signal::Throttled { for_ms: 9_000, .. }]));
}

#[test]
fn the_code_decides_whatever_the_http_status() {
    for status in [200, 400, 403, 500] {
        let answer = Answer::of(status, &[], refusal(500_000).to_string());
        assert_eq!(in_words(&submit::read(&mixed(), &answer, now())), ["retry soon"; 3]);
        let answer = Answer::of(status, &[], success().to_string());
        assert_eq!(in_words(&submit::read(&mixed(), &answer, now())), ["accepted"; 3]);
    }
}

#[test]
fn without_a_code_the_http_status_decides() {
    for body in
        ["", "<html>", "{}", "[]", "null", r#"{"error":"bad token"}"#, r#"{"code":-1}"#, r#"{"code":{}}"#]
    {
        for (status, expected) in [
            (200, "retry unknown"),
            (204, "retry unknown"),
            (302, "retry unauthorised after 0"),
            (401, "retry unauthorised after 0"),
            (403, "retry unauthorised after 0"),
            (404, "retry unauthorised after 0"),
            (405, "retry unauthorised after 0"),
            (429, "retry delay after 5000"),
            (500, "retry soon"),
            (502, "retry unknown"),
            (503, "retry delay after 5000"),
            (504, "retry unknown"),
        ] {
            let submission = submit::read(&mixed(), &Answer::of(status, &[], body), now());
            assert_eq!(in_words(&submission), [expected; 3], "{status} {body}");
        }
        let submission = submit::read(&mixed(), &Answer::of(400, &[], body), now());
        assert!(matches!(submission.verdict, Verdict::Bisect(_)), "{body}");
    }
    let bad_token = Answer::of(401, &[], r#"{"error":"bad token"}"#);
    let submission = submit::read(&mixed(), &bad_token, now());
    let Outcome::Retry { cause, .. } = &outcomes(&submission)[0] else { panic!() };
    assert_eq!(cause.to_string(), r#"http-401: 401 Unauthorized: {"error":"bad token"}"#);
}

#[test]
fn a_half_understood_answer_keeps_its_code() {
    let odd = json!({"code": 400_038, "error": "no dirs", "invalidUrls": "none", "urlQuotaDay": -1});
    assert_eq!(in_words(&read(&mixed(), &odd))[2], "retry unauthorised after 0");
    let odd = json!({"code": 200, "error": "success", "requestId": 5});
    assert_eq!(in_words(&read(&mixed(), &odd)), ["retry unknown"; 3]);
}

#[test]
fn a_code_that_is_not_documented_goes_by_its_http_status() {
    for (code, expected) in [
        (401_999, "retry unauthorised after 0"),
        (500_999, "retry soon"),
        (503_001, "retry delay after 2000"),
        (7, "retry unknown"),
    ] {
        assert_eq!(in_words(&read(&mixed(), &refusal(code))), [expected; 3], "{code}");
    }
    assert!(matches!(read(&mixed(), &refusal(400_999)).verdict, Verdict::Bisect(_)));
}
