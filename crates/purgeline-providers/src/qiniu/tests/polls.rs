use super::*;
use crate::{
    paging::{Listing, Pages},
    qiniu::{poll, types::ListRequest},
};

const REQUEST: &str = "57edce1a23232391821e303b";
const UNDER_WAY: &str = r#"{"under_way":true}"#;

fn batch(receipt: &str, items: Vec<CallItem>) -> OpenBatch {
    OpenBatch {
        batch: "b".to_owned(),
        receipt: Receipt(receipt.to_owned()),
        open: vec![true; items.len()],
        items,
        submitted_at_ms: now().as_millisecond(),
    }
}

fn record(url: &str, state: &str) -> Value {
    json!({"uid": 1_100_000_009, "requestId": REQUEST, "url": url, "state": state, "stateDetail": "",
           "createAt": "2015-09-30 10:29:46", "beginAt": "2015-09-30 10:29:48", "endAt": ""})
}

fn page(total: usize, records: &[Value]) -> Value {
    json!({"code": 200, "error": "success", "total": total, "pageNo": 0, "pageSize": 100,
           "currentSize": records.len(), "items": records})
}

/// Asks with these answers, one a page, and settles.
fn ask(batch: &OpenBatch, pages: &[Answer]) -> PollReport {
    let mut report = PollReport::default();
    let listing = match poll::question(batch, now()) {
        Err(cause) => Listing::lost(cause),
        Ok(question) => {
            let mut asked = Pages::new(question);
            for (at, page) in pages.iter().enumerate() {
                let question = asked.next().unwrap_or_else(|| panic!("asked for {at} pages only"));
                assert_eq!(question.page_no, at as u64);
                poll::read(&mut asked, page, now());
            }
            assert!(asked.next().is_none(), "asks for more than {} pages", pages.len());
            asked.into_listing()
        }
    };
    poll::settle(3, batch, listing, &mut report);
    assert_eq!((report.answers.len(), report.answers[0].batch), (1, 3));
    report
}

fn ended(report: &PollReport) -> Vec<(usize, &str)> {
    report.answers[0]
        .ended
        .iter()
        .map(|(at, outcome)| match outcome {
            Outcome::Done => (*at, "done"),
            Outcome::Retry { cause, .. } => (*at, cause.code.as_str()),
            other => panic!("{other:?}"),
        })
        .collect()
}

fn cause(report: &PollReport) -> &Cause {
    report.answers[0].cause.as_ref().unwrap()
}

fn asked(batch: &OpenBatch) -> Value {
    serde_json::to_value(poll::question(batch, now()).unwrap()).unwrap()
}

#[test]
fn each_item_ends_by_its_own_record() {
    let batch =
        batch(REQUEST, vec![url("http://h/a"), url("http://h/b"), url("http://h/c"), dir("http://h/d/")]);
    let mut failure = record("http://h/b", "failure");
    failure["stateDetail"] = "origin 404".into();
    failure["uid"] = "1100000009".into();
    let records = [
        record("http://h/a", "success"),
        failure,
        record("http://h/c", "processing"),
        record("http://h/d/", "success"),
        record("http://other/", "success"),
    ];
    let report = ask(&batch, &[answer(&page(5, &records))]);
    assert_eq!(ended(&report), [(0, "done"), (1, "failure"), (3, "done")]);
    let Outcome::Retry { after_ms: None, cause } = &report.answers[0].ended[1].1 else { panic!() };
    assert_eq!((cause.class, cause.message.as_str()), (Class::Soon, "origin 404"));
    assert_eq!(report.answers[0].cause, None);
}

#[test]
fn what_is_not_listed_yet_still_runs() {
    let mut batch = batch(REQUEST, vec![url("http://h/a"), url("http://h/b")]);
    for body in [page(0, &[]), json!({"code": 200, "items": null})] {
        let report = ask(&batch, &[answer(&body)]);
        assert_eq!((ended(&report), &report.answers[0].cause), (vec![], &None));
    }
    let new_state = page(1, &[record("http://h/a", "queued")]);
    assert_eq!(ended(&ask(&batch, &[answer(&new_state)])), []);
    // What has settled is not told again.
    batch.open[0] = false;
    let both = page(2, &[record("http://h/a", "success"), record("http://h/b", "success")]);
    assert_eq!(ended(&ask(&batch, &[answer(&both)])), [(1, "done")]);
}

#[test]
fn a_url_and_a_dir_of_one_text_end_together() {
    let batch = batch(REQUEST, vec![url("http://h/a/"), dir("http://h/a/")]);
    let (ran, runs) = (record("http://h/a/", "success"), record("http://h/a/", "processing"));
    assert_eq!(ended(&ask(&batch, &[answer(&page(1, std::slice::from_ref(&ran)))])), []);
    assert_eq!(ended(&ask(&batch, &[answer(&page(2, &[ran.clone(), runs]))])), []);
    assert_eq!(ended(&ask(&batch, &[answer(&page(2, &[ran.clone(), ran]))])), [(0, "done"), (1, "done")]);
}

#[test]
fn pages_are_read_to_the_last() {
    let batch = batch(REQUEST, vec![url("http://h/0"), url("http://h/120")]);
    let records: Vec<_> = (0..150).map(|n| record(&format!("http://h/{n}"), "success")).collect();
    let pages = [answer(&page(150, &records[..100])), answer(&page(150, &records[100..]))];
    assert_eq!(ended(&ask(&batch, &pages)), [(0, "done"), (1, "done")]);
    // Exactly full, an empty page before its time, no total.
    ask(&batch, &[answer(&page(100, &records[..100]))]);
    ask(&batch, &[answer(&page(150, &records[..100])), answer(&page(150, &[]))]);
    let mut without_total = page(0, &records[..100]);
    without_total.as_object_mut().unwrap().remove("total");
    ask(&batch, &[answer(&without_total), answer(&page(0, &records[100..]))]);
    // A total that is never reached.
    let endless: Vec<_> = (0..50).map(|_| answer(&page(1_000_000, &records[..100]))).collect();
    let report = ask(&batch, &endless);
    assert_eq!((ended(&report), cause(&report).code.as_str()), (vec![(0, "done")], "too-many-pages"));
}

#[test]
fn a_question_that_fails_is_asked_again() {
    let batch = batch(REQUEST, vec![url("http://h/a"), url("http://h/120")]);
    for (code, class, signals) in [
        (500_000, Class::Soon, 0),
        (500_005, Class::Soon, 0),
        (400_000, Class::ClientBug, 0),
        (401_001, Class::Unauthorised, 1),
        (403_024, Class::Delay, 1),
    ] {
        let refusal = answer(&json!({"code": code, "error": "the words", "items": null}));
        let report = ask(&batch, std::slice::from_ref(&refusal));
        assert_eq!(
            (ended(&report), cause(&report).class, report.signals.len()),
            (vec![], class, signals),
            "{code}"
        );
        // What the first page told stands.
        let first = page(150, &vec![record("http://h/a", "success"); 100]);
        let report = ask(&batch, &[answer(&first), refusal]);
        assert_eq!((ended(&report), cause(&report).class), (vec![(0, "done")], class));
    }
    let report = ask(&batch, &[Answer::of(502, &[], "<html>")]);
    assert_eq!((cause(&report).code.as_str(), report.signals.len()), ("http-502", 0));
    let report = ask(&batch, &[Answer::of(503, &[("retry-after", "30")], "")]);
    assert!(matches!(report.signals[..], [Signal::Throttled { for_ms: 30_000, .. }]));
}

#[test]
fn an_unknown_request_is_sent_again() {
    let mut batch = batch(REQUEST, vec![url("http://h/a"), url("http://h/b")]);
    batch.open[0] = false;
    let report = ask(&batch, &[answer(&json!({"code": 400_036, "error": "invalid request id"}))]);
    assert_eq!((ended(&report), &report.answers[0].cause), (vec![(1, "400036")], &None));
    batch.receipt = Receipt(r#"{"later":1}"#.to_owned());
    assert_eq!(ended(&ask(&batch, &[])), [(1, "unknown-receipt")]);
}

#[test]
fn an_earlier_refresh_is_waited_for_and_does_not_count() {
    let mut batch = batch(UNDER_WAY, vec![url("http://h/a"), url("http://h/b"), dir("http://h/d/")]);
    batch.open[1] = false;
    let question =
        json!({"urls": ["http://h/a", "http://h/d/"], "state": "processing", "pageNo": 0, "pageSize": 100});
    assert_eq!(asked(&batch), question);
    let report = ask(&batch, &[answer(&page(1, &[record("http://h/d/", "processing")]))]);
    assert_eq!(ended(&report), [(0, "400037")]);
    assert!(matches!(&report.answers[0].ended[0].1, Outcome::Retry { after_ms: Some(0), .. }));
    // As long as not all has been read, nothing has ended.
    let report = ask(&batch, &[answer(&json!({"code": 200, "total": 1, "items": 5}))]);
    assert_eq!((ended(&report), cause(&report).code.as_str()), (vec![], "http-200"));
    let report = ask(&batch, &[answer(&json!({"code": 500_005, "error": "query data error"}))]);
    assert_eq!((ended(&report), cause(&report).code.as_str()), (vec![], "500005"));
}

#[test]
fn dates_are_named_for_what_is_older_than_three_days() {
    let mut batch = batch(REQUEST, vec![url("http://h/a")]);
    let request = json!({"requestId": REQUEST, "pageNo": 0, "pageSize": 100});
    // It is 2 January, 08:30, at Qiniu. The first of the three days began on 30 December, 16:00 UTC.
    for (submitted, dates) in [
        ("2026-01-02T00:30:00Z", None),
        ("2025-12-30T16:00:00Z", None),
        ("2025-12-30T15:59:59Z", Some(("2025-12-30", "2026-01-02"))),
        ("2025-12-26T16:00:00Z", Some(("2025-12-27", "2026-01-02"))),
    ] {
        batch.submitted_at_ms = submitted.parse::<Timestamp>().unwrap().as_millisecond();
        let mut expected = request.clone();
        if let Some((first, last)) = dates {
            expected["startTime"] = first.into();
            expected["endTime"] = last.into();
        }
        assert_eq!(asked(&batch), expected, "{submitted}");
    }
    batch.submitted_at_ms = "2025-12-26T15:59:59Z".parse::<Timestamp>().unwrap().as_millisecond();
    assert_eq!(ended(&ask(&batch, &[])), [(0, "too-old")]);
}

#[test]
fn the_page_is_larger_than_a_call() {
    let question = ListRequest::default();
    assert_eq!(question.page_no, 0);
    let calls = descriptor(&Settings::default()).unwrap().limits.call.max_items.get();
    assert!(
        asked(&batch(REQUEST, vec![url("http://h/a")]))["pageSize"].as_u64().unwrap() >= u64::from(calls)
    );
}
