use super::*;
use crate::{
    huawei::poll,
    paging::{Listing, Pages},
};

const TASK: &str = "7620242";
const DAY_MS: i64 = 86_400_000;

fn batch(receipt: &str, items: Vec<CallItem>) -> OpenBatch {
    OpenBatch {
        batch: "b".to_owned(),
        receipt: Receipt(receipt.to_owned()),
        open: vec![true; items.len()],
        items,
        submitted_at_ms: now().as_millisecond(),
    }
}

fn record(url: &str, status: &str) -> Value {
    json!({"id": "1", "url": url, "status": status, "type": "REFRESH", "create_time": 1_556_155_920_000_i64,
           "task_id": TASK, "task_type": "REFRESH"})
}

fn failed(url: &str, class: &str, words: &str) -> Value {
    let mut record = record(url, "failed");
    record["fail_classify"] = class.into();
    record["fail_desc"] = words.into();
    record
}

fn page(status: &str, total: usize, records: &[Value]) -> Value {
    let count = |status: &str| records.iter().filter(|record| record["status"] == status).count();
    json!({"id": TASK, "task_type": "refresh", "status": status, "processing": 0,
           "succeed": count("succeed"), "failed": count("failed"), "total": total,
           "create_time": 1_556_155_920_000_i64, "file_type": "file", "urls": records})
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
                assert_eq!(question.page_number, at as u64 + 1);
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

fn ended(report: &PollReport) -> Vec<(usize, String)> {
    report.answers[0]
        .ended
        .iter()
        .map(|(at, outcome)| match outcome {
            Outcome::Done => (*at, "done".to_owned()),
            Outcome::Retry { after_ms: None, cause } => (*at, format!("{} {}", cause.class, cause.code)),
            other => panic!("{other:?}"),
        })
        .collect()
}

fn expected<const N: usize>(words: [(usize, &str); N]) -> Vec<(usize, String)> {
    words.map(|(at, word)| (at, word.to_owned())).to_vec()
}

#[test]
fn each_url_ends_by_its_own_result() {
    let urls = ["http://h/a", "http://h/b", "http://h/c", "http://h/d", "http://h/e", "http://h/f"];
    let mut batch = batch(TASK, urls.map(url).to_vec());
    let records = [
        record(urls[0], "succeed"),
        failed(urls[1], "ORIGIN_ERROR", "404 at the origin"),
        failed(urls[2], "INNER_ERROR", ""),
        record(urls[3], "failed"),
        record(urls[4], "refreshing"),
    ];
    // It has ended, which is not to say that it has succeeded.
    let report = ask(&batch, &[answer(&page("task_done", 6, &records[..4]))]);
    assert_eq!(
        ended(&report)[..4],
        expected(
            [(0, "done"), (1, "soon ORIGIN_ERROR"), (2, "soon INNER_ERROR"), (3, "soon UNKNOWN_ERROR"),]
        )
    );
    let Outcome::Retry { cause, .. } = &report.answers[0].ended[1].1 else { panic!() };
    assert_eq!(cause.message, "404 at the origin");
    for running in ["processing", "waiting", "refreshing", "preheating", "queued"] {
        let mut records = records.clone();
        records[4]["status"] = running.into();
        let report = ask(&batch, &[answer(&page("task_inprocess", 6, &records))]);
        assert_eq!((ended(&report).len(), &report.answers[0].cause), (4, &None), "{running}");
    }
    // What has settled is not told again.
    batch.open[..4].fill(false);
    assert_eq!(ended(&ask(&batch, &[answer(&page("task_inprocess", 6, &records))])), []);
}

#[test]
fn a_url_comes_back_as_it_was_sent_or_raw() {
    let batch = batch(TASK, vec![url("http://h/图.png"), url("http://h/b")]);
    let encoded = "http://h/%E5%9B%BE.png";
    for (records, outcome) in [
        (vec![record("http://h/图.png", "succeed")], Some("done")),
        (vec![record(encoded, "succeed"), record("http://h/图.png", "succeed")], Some("done")),
        (vec![record(encoded, "succeed"), record("http://h/图.png", "processing")], None),
        (
            vec![failed("http://h/图.png", "INNER_ERROR", ""), record(encoded, "succeed")],
            Some("soon INNER_ERROR"),
        ),
    ] {
        let report = ask(&batch, &[answer(&page("task_inprocess", records.len(), &records))]);
        let outcome: Vec<_> = outcome.map(|word| (0, word.to_owned())).into_iter().collect();
        assert_eq!(ended(&report), outcome);
    }
}

#[test]
fn what_a_task_that_has_ended_does_not_list() {
    let batch = batch(TASK, vec![url("http://h/a"), url("http://h/b")]);
    let good = [record("http://h/a", "succeed")];
    assert_eq!(ended(&ask(&batch, &[answer(&page("task_inprocess", 1, &good))])), expected([(0, "done")]));
    let report = ask(&batch, &[answer(&page("task_done", 1, &good))]);
    assert_eq!(ended(&report), expected([(0, "done"), (1, "done")]));
    let foreign = [good[0].clone(), failed("http://cdn/rewritten", "ORIGIN_ERROR", "")];
    let report = ask(&batch, &[answer(&page("task_done", 2, &foreign))]);
    assert_eq!(ended(&report), expected([(0, "done"), (1, "unknown not-listed")]));
    // It is counted as failed, but on no page.
    let mut counted = page("task_done", 1, &good);
    counted["failed"] = 1.into();
    assert_eq!(ended(&ask(&batch, &[answer(&counted)]))[1].1, "unknown not-listed");
    // Only the head is there.
    let head =
        json!({"id": TASK, "status": "task_done", "failed": 0, "succeed": 2, "total": 2, "urls": null});
    assert_eq!(ended(&ask(&batch, &[answer(&head)])), expected([(0, "done"), (1, "done")]));
}

#[test]
fn all_pages_are_read_and_none_twice() {
    let urls: Vec<_> = (0..1_500).map(|n| format!("http://h/{n}")).collect();
    let batch = batch(TASK, urls.iter().map(|text| url(text)).collect());
    let records: Vec<_> = urls.iter().map(|url| record(url, "succeed")).collect();
    let first = answer(&page("task_done", 1_500, &records[..1_000]));
    let second = answer(&page("task_done", 1_500, &records[1_000..]));
    let report = ask(&batch, &[first, second]);
    assert_eq!(ended(&report).len(), 1_500);
    assert!(report.answers[0].ended.iter().all(|(_, outcome)| *outcome == Outcome::Done));
    // An error on the second page leaves all for later: who is not on the first may have failed.
    let first = answer(&page("task_done", 1_500, &records[..1_000]));
    let report = ask(&batch, &[first, Answer::of(500, &[], "")]);
    assert_eq!(
        (ended(&report).len(), report.answers[0].cause.as_ref().unwrap().code.as_str()),
        (0, "http-500")
    );
    // A total that is never reached ends all the same.
    let report = ask(&batch, &[answer(&page("task_inprocess", usize::MAX, &[]))]);
    assert_eq!((ended(&report), &report.answers[0].cause), (vec![], &None));
}

#[test]
fn a_wrong_total_is_not_followed_for_ever() {
    let batch = batch(TASK, vec![url("http://h/a")]);
    let endless = || answer(&page("task_inprocess", 1_000_000, &[record("http://h/a", "succeed")]));
    let pages: Vec<_> = std::iter::repeat_with(endless).take(50).collect();
    let report = ask(&batch, &pages);
    assert_eq!(report.answers[0].cause.as_ref().unwrap().code, "too-many-pages");
}

#[test]
fn a_task_that_nobody_knows_is_sent_again() {
    let mut batch = batch(TASK, vec![url("http://h/a"), url("http://h/b")]);
    batch.open[0] = false;
    let unknown = json!({"error": {"error_code": "CDN.0003", "error_msg": "no such task"}});
    for status in [200, 404] {
        let report = ask(&batch, &[Answer::of(status, &[], unknown.to_string())]);
        assert_eq!(ended(&report), expected([(1, "unknown CDN.0003")]));
        assert_eq!((&report.answers[0].cause, report.signals.len()), (&None, 0));
    }
    batch.receipt = Receipt(r#"{"later":1}"#.to_owned());
    assert_eq!(ended(&ask(&batch, &[])), expected([(1, "unknown unknown-receipt")]));
}

#[test]
fn errors_leave_a_task_for_later() {
    let batch = batch(TASK, vec![url("http://h/a")]);
    for (status, code, signals) in [
        (500, "CDN.0000", 0),
        (401, "APIGW.0301", 1),
        (403, "CDN.0004", 1),
        (429, "APIGW.0308", 1),
        (504, "APIGW.0201", 0),
    ] {
        for status in [status, 200] {
            let body = json!({"error_code": code, "error_msg": "the words"}).to_string();
            let report = ask(&batch, &[Answer::of(status, &[], body)]);
            let cause = report.answers[0].cause.as_ref().unwrap();
            assert_eq!((cause.code.as_str(), ended(&report).len(), report.signals.len()), (code, 0, signals));
        }
    }
    for (status, body) in [(200, ""), (200, "{}"), (502, "<html>"), (404, "{}")] {
        let report = ask(&batch, &[Answer::of(status, &[], body)]);
        assert_eq!(ended(&report), []);
        assert_eq!(report.answers[0].cause.as_ref().unwrap().code, format!("http-{status}"));
    }
}

#[test]
fn an_old_task_is_asked_for_by_its_time() {
    let mut batch = batch(TASK, vec![url("http://h/a")]);
    let now_ms = now().as_millisecond();
    for (age_ms, named) in [(0, false), (6 * DAY_MS - 1, false), (6 * DAY_MS, true), (15 * DAY_MS - 1, true)]
    {
        batch.submitted_at_ms = now_ms - age_ms;
        let question = poll::question(&batch, now()).unwrap();
        assert_eq!(question.create_time, named.then_some(batch.submitted_at_ms), "{age_ms}");
        assert_eq!((question.task.as_str(), question.page_size, question.page_number), (TASK, 1_000, 1));
    }
    // The provider's own time is the better one.
    batch.receipt = Receipt(r#"{"task":"ff808","created_ms":1556155920000}"#.to_owned());
    let question = poll::question(&batch, now()).unwrap();
    assert_eq!((question.task.as_str(), question.create_time), ("ff808", Some(1_556_155_920_000)));
    batch.submitted_at_ms = now_ms - 15 * DAY_MS;
    assert_eq!(ended(&ask(&batch, &[])), expected([(0, "unknown too-old")]));
}
