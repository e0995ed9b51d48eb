use super::*;
use crate::wangsu::{
    submit::{self, Made, Reading, Ticket},
    types::LimitAnswer,
};

const ID: &str = "64ec364dd81d4052a3534c1e86167950";
/// A minute, and 15 s times the part of the second that has passed.
const MINUTE: u64 = 60_000 + 6_000;

fn mixed() -> Vec<CallItem> {
    vec![
        url("http://www.a.com/1"),
        url("https://b.com/2"),
        dir("http://www.a.com/d/"),
        dir("http://c.com/d/"),
    ]
}

fn made() -> Made {
    Made::new(now(), now(), None)
}

fn check(submission: Submission, items: &[CallItem]) -> Submission {
    if let Verdict::Items(outcomes) = &submission.verdict {
        assert_eq!(outcomes.len(), items.len());
        assert_eq!(submission.receipt.is_some(), outcomes.contains(&Outcome::Accepted), "{submission:?}");
    }
    submission
}

fn read_answer(items: &[CallItem], answer: &Answer) -> Submission {
    match submit::read(items, answer, made(), now()) {
        Reading::Plain(submission) => check(submission, items),
        Reading::OutOfLimit(cause) => panic!("asks for what is left: {cause}"),
    }
}

fn read(items: &[CallItem], body: &Value) -> Submission {
    read_answer(items, &answer(body))
}

fn refusal(message: &str) -> Value {
    json!({"Code": 0, "Message": message})
}

fn outcomes(submission: &Submission) -> &[Outcome] {
    match &submission.verdict {
        Verdict::Items(outcomes) => outcomes,
        Verdict::Bisect(cause) => panic!("bisect: {cause}"),
    }
}

/// Each outcome in a word: `accepted`, `failed`, `retry` with the class and the wait.
fn in_words(submission: &Submission) -> Vec<String> {
    outcomes(submission)
        .iter()
        .map(|outcome| match outcome {
            Outcome::Done => panic!("nothing is done before it was asked about"),
            Outcome::Accepted => "accepted".to_owned(),
            Outcome::Failed(cause) => format!("failed {} {}", cause.class, cause.code),
            Outcome::Retry { after_ms: Some(ms), cause } => format!("retry {} after {ms}", cause.class),
            Outcome::Retry { after_ms: None, cause } => format!("retry {}", cause.class),
        })
        .collect()
}

fn ticket(submission: &Submission) -> Ticket {
    Ticket::from_receipt(submission.receipt.as_ref().unwrap()).unwrap()
}

#[test]
fn a_success_is_accepted() {
    for code in [json!(1), json!("1")] {
        let body = json!({"Code": code, "Message": "handle success", "itemId": ID});
        let submission = read(&mixed(), &body);
        assert_eq!(in_words(&submission), ["accepted"; 4]);
        let second = now().as_second();
        assert_eq!(ticket(&submission), Ticket { item_id: Some(ID.to_owned()), from: second, to: second });
        assert!(submission.receipt.unwrap().0.len() < 100);
        assert_eq!(submission.signals, []);
    }
    // Without an id it is asked about by its time.
    for id in [json!(null), json!("")] {
        let submission = read(&mixed(), &json!({"Code": 1, "Message": "handle success", "itemId": id}));
        assert_eq!(
            (in_words(&submission), ticket(&submission).item_id),
            (vec!["accepted".to_owned(); 4], None)
        );
    }
}

#[test]
fn the_time_of_a_call_is_by_wangsus_clock() {
    let (began, ended) = (now(), now() + jiff::SignedDuration::from_secs(3));
    let made = |offset: i64| {
        let answered = ended + jiff::SignedDuration::from_secs(offset);
        let body = json!({"Code": 1, "itemId": ID});
        let reading = submit::read(&mixed(), &answer(&body), Made::new(began, ended, Some(answered)), ended);
        let Reading::Plain(submission) = reading else { panic!() };
        let ticket = ticket(&submission);
        (ticket.from - began.as_second(), ticket.to - began.as_second())
    };
    assert_eq!(made(0), (0, 3));
    assert_eq!(made(120), (120, 123));
    assert_eq!(made(-300), (-300, -297));
    // Signatures would be refused at such a server: the `Date` is another clock's.
    assert_eq!(made(301), (0, 3));
    assert_eq!(made(-86_400), (0, 3));
}

#[test]
fn refused_domains_fail_alone() {
    let mut body = refusal("error channel [www.a.com,x.com].");
    let dead = "failed item_dead error-channel";
    let submission = read(&mixed(), &body);
    assert_eq!(in_words(&submission), [dead, "accepted", dead, "accepted"]);
    assert_eq!(ticket(&submission).item_id, None, "asked about by its time");
    assert_eq!(submission.signals, []);
    let Outcome::Failed(cause) = &outcomes(&submission)[0] else { panic!() };
    assert_eq!(cause.message, "error channel [www.a.com,x.com].");
    body["itemId"] = ID.into();
    assert_eq!(ticket(&read(&mixed(), &body)).item_id.as_deref(), Some(ID));
    // All of them: nothing to ask about.
    let all = read(&mixed(), &refusal("ERROR CHANNEL [WWW.A.COM, b.com ,c.com]"));
    assert_eq!(in_words(&all), [dead; 4]);
    // An item by itself, one with a port, one as people write it.
    let items = [
        url("http://b.com/x,y"),
        url("http://b.com/x"),
        url("http://p.com:81/"),
        url("http://münchen.example/"),
    ];
    let some = read(&items, &refusal("error channel [http://b.com/x,y,p.com:81,MÜNCHEN.example]."));
    assert_eq!(in_words(&some), [dead, "accepted", dead, dead]);
}

#[test]
fn a_domain_that_is_none_of_the_call_is_looked_for() {
    for message in ["error channel [com].", "error channel [].", "error channel"] {
        let submission = read(&mixed(), &refusal(message));
        let Verdict::Bisect(cause) = &submission.verdict else { panic!("{submission:?}") };
        assert_eq!((cause.class, cause.code.as_str()), (Class::ItemDead, "error-channel"));
        let alone = read(&mixed()[..1], &refusal(message));
        assert_eq!(in_words(&alone), ["failed item_dead error-channel"]);
    }
}

#[test]
fn dirs_of_a_spent_domain_wait_for_the_next_day_and_the_rest_goes_on() {
    let message = "error channel [www.a.com], dir number reached the daily limit by domain.";
    let submission = read(&mixed(), &refusal(message));
    let tomorrow = format!("retry quota_day after {TO_NEXT_DAY_MS}");
    assert_eq!(in_words(&submission), ["accepted", "accepted", tomorrow.as_str(), "accepted"]);
    let [Signal::QuotaSpent { kind: Some(Kind::Dir), host: Some(host), for_ms: TO_NEXT_DAY_MS, .. }] =
        &submission.signals[..]
    else {
        panic!("{:?}", submission.signals)
    };
    assert_eq!(host, "www.a.com", "other domains' dirs may go");
    let Outcome::Retry { cause, .. } = &outcomes(&submission)[2] else { panic!() };
    assert_eq!(cause.code, "dir-number-reached-the-daily-limit-by-domain");
    let both = format!("error channel [b.com]. {message}");
    assert_eq!(
        in_words(&read(&mixed(), &refusal(&both))),
        ["accepted", "failed item_dead error-channel", tomorrow.as_str(), "accepted"]
    );
}

#[test]
fn items_that_run_wait_a_minute() {
    let named = "running url or dir [https://b.com/2,http://c.com/d/],please try again after one minute.";
    let wait = format!("retry delay after {MINUTE}");
    let submission = read(&mixed(), &refusal(named));
    assert_eq!(
        in_words(&submission),
        ["retry soon after 0", wait.as_str(), "retry soon after 0", wait.as_str()]
    );
    assert_eq!(submission.signals, [], "the target is not too fast");
    // With an id the others can be asked about.
    let mut body = refusal(named);
    body["itemId"] = ID.into();
    let submission = read(&mixed(), &body);
    assert_eq!(in_words(&submission), ["accepted", wait.as_str(), "accepted", wait.as_str()]);
    // Nothing tells which: all wait, lest the call be refused again.
    for message in ["running url or dir [ ],please try again after one minute.", "Running url or dir"] {
        let submission = read(&mixed(), &refusal(message));
        assert_eq!(in_words(&submission), [wait.as_str(); 4]);
    }
}

#[test]
fn the_minute_is_spread() {
    for (ms, expected) in [(0, 60_000), (999, 74_985)] {
        let now = Timestamp::from_millisecond(1_767_225_600_000 + ms).unwrap();
        let reading = submit::read(&mixed(), &answer(&refusal("running url or dir [ ]")), made(), now);
        let Reading::Plain(submission) = reading else { panic!() };
        assert_eq!(in_words(&submission), vec![format!("retry delay after {expected}"); 4]);
    }
}

#[test]
fn who_may_not_purge_holds_the_target_and_loses_nothing() {
    for message in ["username is invalid", "user not allowed push"] {
        let submission = read(&mixed(), &refusal(message));
        assert_eq!(in_words(&submission), ["retry unauthorised after 0"; 4]);
        assert!(matches!(submission.signals[..], [Signal::Unauthorised { kind: None, .. }]));
    }
}

#[test]
fn a_delete_of_dirs_that_is_not_allowed_holds_dirs_first() {
    let items = [url("http://h/a"), with(Action::Delete, dir("http://h/d/"))];
    let submission = read(&items, &refusal("user not allowed push"));
    assert_eq!(in_words(&submission), ["retry soon after 0", "retry unauthorised after 0"]);
    let [Signal::Unauthorised { kind: Some(Kind::Dir), cause }] = &submission.signals[..] else { panic!() };
    assert!(cause.message.starts_with("user not allowed push (dir_delete_entitled is set"), "{cause}");
    // The URLs alone then tell whether it is everything.
    let submission = read(&items[..1], &refusal("user not allowed push"));
    assert!(matches!(submission.signals[..], [Signal::Unauthorised { kind: None, .. }]));
}

#[test]
fn what_the_call_was_blamed_for_is_looked_for() {
    for (message, code) in [
        ("parse json error", "parse-json-error"),
        ("parse xml error", "parse-xml-error"),
        ("urls and dirs must not both be empty", "urls-and-dirs-must-not-both-be-empty"),
        ("a message that nobody has documented", "refused"),
    ] {
        let submission = read(&mixed(), &refusal(message));
        let Verdict::Bisect(cause) = &submission.verdict else { panic!("{submission:?}") };
        assert_eq!((cause.code.as_str(), cause.message.as_str()), (code, message));
        assert_eq!(in_words(&read(&mixed()[..1], &refusal(message))), [format!("failed client_bug {code}")]);
    }
}

#[test]
fn a_system_exception_passes() {
    assert_eq!(in_words(&read(&mixed(), &refusal("system exception"))), ["retry soon"; 4]);
}

#[test]
fn too_many_calls_rest_for_the_window() {
    let submission = read(&mixed(), &refusal("the calling frequency exceeds the limit"));
    assert_eq!(in_words(&submission), ["retry delay after 300000"; 4]);
    assert!(matches!(submission.signals[..], [Signal::Throttled { for_ms: 300_000, .. }]));
    for (status, headers, expected) in [
        (429, vec![], 300_000),
        (429, vec![("retry-after", "7")], 7_000),
        (503, vec![], 5_000),
        (503, vec![("retry-after", "7")], 7_000),
    ] {
        let submission = read_answer(&mixed(), &Answer::of(status, &headers, "slow down"));
        assert_eq!(in_words(&submission), vec![format!("retry delay after {expected}"); 4]);
        assert!(matches!(submission.signals[..], [Signal::Throttled { for_ms, .. }] if for_ms == expected));
    }
}

#[test]
fn without_a_code_the_http_status_decides() {
    for body in
        ["", "<html>", "{}", "[]", r#"{"code":"x","message":"y"}"#, r#"{"Code":{}}"#, r#"{"Code":null}"#]
    {
        for (status, expected) in [
            (200, "retry unknown"),
            (302, "retry unauthorised after 0"),
            (401, "retry unauthorised after 0"),
            (403, "retry unauthorised after 0"),
            (404, "retry unauthorised after 0"),
            (500, "retry soon"),
            (502, "retry unknown"),
            (504, "retry unknown"),
        ] {
            let submission = read_answer(&mixed(), &Answer::of(status, &[], body));
            assert_eq!(in_words(&submission), [expected; 4], "{status} {body}");
        }
        let submission = read_answer(&mixed(), &Answer::of(400, &[], body));
        assert!(matches!(submission.verdict, Verdict::Bisect(_)), "{body}");
    }
    let submission = read_answer(&mixed(), &Answer::of(401, &[], "bad signature"));
    let Outcome::Retry { cause, .. } = &outcomes(&submission)[0] else { panic!() };
    assert_eq!(
        cause.to_string(),
        "http-401: 401 Unauthorized: bad signature (signatures hold for minutes: is this machine's clock right?)"
    );
}

fn out_of_limit(items: &[CallItem], left: Option<(u64, u64)>) -> Submission {
    let body = answer(&refusal("the number of url and dir out of limit"));
    let Reading::OutOfLimit(cause) = submit::read(items, &body, made(), now()) else { panic!() };
    let left = left.map(|(urls, dirs)| {
        let body = json!({"code": "200", "urlUpper": "5000", "urlRemain": urls.to_string(),
                          "dirUpper": 500, "dirRemain": dirs});
        LimitAnswer::read(&body.to_string()).unwrap()
    });
    check(submit::out_of_limit(items, &cause, left, now()), items)
}

fn spent(submission: &Submission) -> Vec<Kind> {
    let kind = |signal: &Signal| match signal {
        Signal::QuotaSpent { kind, for_ms: TO_NEXT_DAY_MS, .. } => kind.unwrap(),
        other => panic!("{other:?}"),
    };
    submission.signals.iter().filter(|signal| !matches!(signal, Signal::QuotaLeft { .. })).map(kind).collect()
}

fn left(kind: Kind, left: u64, max: u64) -> Signal {
    Signal::QuotaLeft { kind, left, max, for_ms: TO_NEXT_DAY_MS }
}

#[test]
fn a_spent_day_parks_the_kind_that_it_is_of() {
    let now_again = "retry quota_day after 0";
    for ((urls, dirs), kinds) in
        [((0, 500), vec![Kind::Url]), ((2, 0), vec![Kind::Dir]), ((0, 0), vec![Kind::Url, Kind::Dir])]
    {
        let submission = out_of_limit(&mixed(), Some((urls, dirs)));
        // None has used an attempt, and what is held waits in its lane.
        assert_eq!(in_words(&submission), [now_again; 4]);
        assert_eq!(spent(&submission), kinds);
        assert_eq!(submission.signals[..2], [left(Kind::Url, urls, 5_000), left(Kind::Dir, dirs, 500)]);
    }
    // What is left goes today: the fleet hears that the refused call took none of it.
    let tomorrow = format!("retry quota_day after {TO_NEXT_DAY_MS}");
    let submission = out_of_limit(&mixed(), Some((1, 500)));
    assert_eq!(in_words(&submission), [now_again, tomorrow.as_str(), now_again, now_again]);
    assert_eq!(submission.signals, [left(Kind::Url, 1, 5_000), left(Kind::Dir, 500, 500)]);
}

#[test]
fn a_lower_bound_of_a_call_splits_it() {
    let submission = out_of_limit(&mixed(), Some((2, 2)));
    let Verdict::Bisect(cause) = &submission.verdict else { panic!("{submission:?}") };
    assert_eq!((cause.class, submission.signals.len()), (Class::ClientBug, 0));
}

#[test]
fn where_nobody_tells_what_is_left_the_kinds_part() {
    for (items, kind) in [(&mixed()[..2], Kind::Url), (&mixed()[2..], Kind::Dir)] {
        let submission = out_of_limit(items, None);
        assert_eq!(
            (in_words(&submission), spent(&submission)),
            (vec!["retry quota_day after 0".to_owned(); 2], vec![kind])
        );
    }
    let submission = out_of_limit(&mixed(), None);
    let (urls, dirs) = ("retry quota_day after 0", "retry quota_day after 60000");
    assert_eq!(in_words(&submission), [urls, urls, dirs, dirs]);
    assert_eq!(submission.signals, []);
}

#[test]
fn what_is_left_of_the_day_is_told() {
    let read = |body: Value| LimitAnswer::read(&body.to_string());
    assert_eq!(read(json!({"Code": 0, "Message": "system exception"})), None);
    assert_eq!(read(json!({"urlRemain": 5})), None);
    let answer = read(json!({"urlUpper": 5_000, "urlRemain": "0", "dirRemain": 7})).unwrap();
    assert_eq!(submit::quotas_left(&answer, now()), [left(Kind::Url, 0, 5_000), left(Kind::Dir, 7, 7)]);
}
