use super::*;
use crate::{
    transport::TransportError,
    wangsu::poll::{Next, Question},
};

const ID: &str = "64ec364dd81d4052a3534c1e86167950";
const PAGE: u64 = 5_000;

/// A batch that was sent so many seconds ago.
fn batch(id: Option<&str>, ago: i64, items: Vec<CallItem>) -> OpenBatch {
    let from = now().as_second() - ago;
    let receipt = match id {
        Some(id) => json!({"item_id": id, "from": from, "to": from + 1}),
        None => json!({"from": from, "to": from + 1}),
    };
    OpenBatch {
        batch: "b".to_owned(),
        receipt: Receipt(receipt.to_string()),
        open: vec![true; items.len()],
        items,
        submitted_at_ms: (from + 1) * 1_000,
    }
}

fn two() -> Vec<CallItem> {
    vec![url("http://h/a"), url("http://h/b")]
}

/// A task that was created so many seconds ago.
fn task(url: &str, status: &str, is_dir: u32, ago: i64) -> Value {
    let created = Timestamp::from_second(now().as_second() - ago).unwrap();
    let created = crate::day::UTC_PLUS_8.to_datetime(created).strftime("%Y-%m-%d %H:%M:%S").to_string();
    json!({"url": url, "status": status, "rate": "98", "createTime": created, "beginTime": created,
           "finishTime": "", "isDir": is_dir.to_string()})
}

fn page(count: usize, tasks: &[Value]) -> Answer {
    answer(&json!({"Code": 1, "Message": "handle success", "count": count.to_string(), "pageNo": 1,
                   "pageSize": 500, "resultDetail": tasks}))
}

fn ask<'a>(open: &'a [OpenBatch], next: &Next) -> (Option<Question<'a>>, PollReport) {
    let mut report = PollReport::default();
    let question = Question::new(open, next, PAGE, now(), &mut report);
    (question, report)
}

fn request(open: &[OpenBatch], next: &Next) -> Value {
    serde_json::to_value(&ask(open, next).0.unwrap().request).unwrap()
}

/// Asks about these together, with this answer.
fn told(open: &[OpenBatch], answer: &Answer) -> (PollReport, Next) {
    told_after(&Next::Together, open, answer)
}

fn told_after(next: &Next, open: &[OpenBatch], answer: &Answer) -> (PollReport, Next) {
    let (question, mut report) = ask(open, next);
    let next = question.unwrap().read(answer, &mut report);
    (report, next)
}

/// For each batch that is answered, which items ended and how.
fn ended(report: &PollReport) -> Vec<(usize, Vec<(usize, &str)>)> {
    let word = |outcome: &'_ Outcome| -> &'static str {
        match outcome {
            Outcome::Done => "done",
            Outcome::Retry { after_ms: None, cause } if cause.class == Class::Soon => "failure",
            Outcome::Retry { after_ms: None, cause } if cause.class == Class::Unknown => "lost",
            other => panic!("{other:?}"),
        }
    };
    report
        .answers
        .iter()
        .map(|answer| (answer.batch, answer.ended.iter().map(|(at, outcome)| (*at, word(outcome))).collect()))
        .collect()
}

fn causes(report: &PollReport) -> Vec<&Cause> {
    report.answers.iter().map(|answer| answer.cause.as_ref().unwrap()).collect()
}

#[test]
fn one_batch_is_asked_about_by_its_id_and_several_by_their_time() {
    let one = batch(Some(ID), 100, two());
    assert_eq!(
        request(std::slice::from_ref(&one), &Next::Together),
        json!({"itemId": ID, "pageNo": 1, "pageSize": 500})
    );
    // 08:30:00 at Wangsu, less 100 s and 30 s; and 89 s with as much to spare.
    let by_time = json!({"startTime": "2026-01-02 08:27:50", "endTime": "2026-01-02 08:29:01",
                         "pageNo": 1, "pageSize": PAGE});
    let other = batch(Some("other"), 90, two());
    assert_eq!(request(&[one.clone(), other.clone()], &Next::Together), by_time);
    assert_eq!(request(&[other, one.clone()], &Next::Together), by_time);
    let without_id = batch(None, 100, two());
    assert_eq!(
        request(std::slice::from_ref(&without_id), &Next::Together),
        json!({"startTime": "2026-01-02 08:27:50", "endTime": "2026-01-02 08:28:51",
               "pageNo": 1, "pageSize": PAGE})
    );
    assert_eq!(
        request(&[one, without_id], &Next::Alone),
        json!({"itemId": ID, "pageNo": 1, "pageSize": 500})
    );
}

#[test]
fn each_item_ends_by_its_own_task() {
    let items = vec![
        url("http://h/a"),
        url("http://h/b"),
        url("http://h/c"),
        url("http://h/d/"),
        dir("http://h/d/"),
        url("http://h/e"),
    ];
    let mut batch = batch(Some(ID), 100, items);
    let tasks = [
        task("http://h/a", "success", 0, 100),
        task("http://h/b", "failure", 0, 100),
        task("http://h/c", "run", 0, 100),
        task("http://h/d/", "SUCCESS", 2, 100),
        task("http://h/d/", "wait", 0, 100),
        task("http://other/", "success", 0, 100),
    ];
    let expected = [(0, "done"), (1, "failure"), (4, "done")];
    let (report, next) = told(std::slice::from_ref(&batch), &page(6, &tasks));
    assert_eq!((ended(&report), next), (vec![(0, expected.to_vec())], Next::Together));
    let Outcome::Retry { cause, .. } = &report.answers[0].ended[1].1 else { panic!() };
    assert_eq!(cause.message, "Wangsu says that the purge failed, not why, done by 98 % of the nodes");
    assert_eq!((&report.answers[0].cause, report.signals.len()), (&None, 0));
    // What has settled is not told again.
    batch.open[0] = false;
    let (report, _) = told(&[batch], &page(6, &tasks));
    assert_eq!(ended(&report), [(0, expected[1..].to_vec())]);
}

#[test]
fn what_is_not_listed_yet_still_runs() {
    let one = [batch(Some(ID), 100, two())];
    for body in [
        json!({"Code": 1, "Message": "handle success", "count": 0, "resultDetail": []}),
        json!({"Code": "1", "resultDetail": []}),
        json!({"Code": 1, "count": 1, "resultDetail": [task("http://h/a", "queued", 0, 100)]}),
    ] {
        let (report, next) = told(&one, &answer(&body));
        assert_eq!(
            (ended(&report), &report.answers[0].cause, next),
            (vec![(0, vec![])], &None, Next::Together)
        );
    }
}

#[test]
fn numbers_may_be_numbers() {
    let mut as_number = task("http://h/a", "success", 0, 100);
    as_number["isDir"] = 0.into();
    as_number["rate"] = 100.into();
    let mut unsaid = task("http://h/b", "success", 0, 100);
    unsaid.as_object_mut().unwrap().remove("isDir");
    let body = json!({"Code": 1, "count": 2, "resultDetail": [as_number, unsaid]});
    let (report, _) = told(&[batch(Some(ID), 100, two())], &answer(&body));
    assert_eq!(ended(&report), [(0, vec![(0, "done"), (1, "done")])]);
    // A regex or a tag of the same text is another thing.
    let other = [task("http://h/a", "success", 1, 100), task("http://h/a", "success", 3, 100)];
    let (report, _) = told(&[batch(Some(ID), 100, two())], &page(2, &other));
    assert_eq!(ended(&report), [(0, vec![])]);
}

#[test]
fn together_each_batch_has_the_tasks_of_its_time() {
    // The same item in two batches, a minute apart.
    let open = [batch(Some("i"), 170, two()), batch(None, 100, vec![url("http://h/a"), dir("http://h/d/")])];
    let earlier = task("http://h/a", "failure", 0, 170);
    let later = task("http://h/a", "success", 0, 99);
    for tasks in [vec![&earlier, &later], vec![&later, &earlier]] {
        let tasks: Vec<_> = tasks.into_iter().cloned().collect();
        let (report, next) = told(&open, &page(2, &tasks));
        assert_eq!(ended(&report), [(0, vec![(0, "failure")]), (1, vec![(0, "done")])]);
        assert_eq!(next, Next::Together);
    }
    // An earlier task is not taken for a later one that is not listed yet; a later one covers an
    // earlier.
    assert_eq!(ended(&told(&open, &page(1, &[earlier])).0), [(0, vec![(0, "failure")]), (1, vec![])]);
    assert_eq!(ended(&told(&open, &page(1, &[later])).0), [(0, vec![(0, "done")]), (1, vec![(0, "done")])]);
}

#[test]
fn a_task_is_looked_for_around_its_call() {
    let open = [batch(None, 100, two())];
    for (ago, expected) in [(131, false), (130, true), (100, true), (99, true), (0, true)] {
        let (report, _) = told(&open, &page(1, &[task("http://h/a", "success", 0, ago)]));
        assert_eq!(ended(&report)[0].1.len(), usize::from(expected), "{ago} s ago");
    }
    for created in [json!(null), json!("yesterday"), json!(5)] {
        let mut odd = task("http://h/a", "success", 0, 100);
        odd["createTime"] = created;
        let body = json!({"Code": 1, "count": 1, "resultDetail": [odd]});
        let (report, _) = told(&open, &answer(&body));
        assert!(report.answers.iter().all(|answer| answer.ended.is_empty()), "{report:?}");
    }
}

#[test]
fn what_a_page_had_no_room_for_stays_due() {
    let open = [batch(Some("i"), 170, two()), batch(Some("j"), 100, vec![url("http://h/c")])];
    let (report, next) = told(&open, &page(900, &[task("http://h/b", "success", 0, 169)]));
    // Of the second batch nothing was learned.
    assert_eq!((ended(&report), &next), (vec![(0, vec![(1, "done")])], &Next::Alone));
    // The first of those that are due is asked about alone, and then all together again.
    let (report, next) = told_after(&next, &open[1..], &page(1, &[task("http://h/c", "success", 0, 100)]));
    assert_eq!((ended(&report), next), (vec![(0, vec![(0, "done")])], Next::Together));
    // Without a count, a full page may not be all.
    let tasks: Vec<_> = (0..PAGE).map(|n| task(&format!("http://h/{n}"), "run", 0, 100)).collect();
    let full = answer(&json!({"Code": 1, "resultDetail": tasks}));
    assert_eq!(told(&open, &full).1, Next::Alone);
}

#[test]
fn a_server_with_small_pages_is_read_page_by_page() {
    let items: Vec<_> = (0..250).map(|n| url(&format!("http://h/{n}"))).collect();
    let open = [batch(Some("x"), 100, two()), batch(Some(ID), 100, items)];
    let tasks: Vec<_> = (0..250).map(|n| task(&format!("http://h/{n}"), "success", 0, 100)).collect();
    let mut next = Next::Alone;
    let mut done = 0;
    for (page_no, shown) in [(1, &tasks[..100]), (2, &tasks[100..200]), (3, &tasks[200..])] {
        let open = if page_no == 1 { &open[1..] } else { &open[..] };
        assert_eq!(request(open, &next), json!({"itemId": ID, "pageNo": page_no, "pageSize": 500}));
        let (report, after) = told_after(&next, open, &page(250, shown));
        done += report.answers.iter().map(|answer| answer.ended.len()).sum::<usize>();
        next = after;
    }
    assert_eq!((done, next), (250, Next::Together));
    // A page of a batch that has ended meanwhile is not asked for.
    let page_2 = Next::Page { item_id: "gone".to_owned(), page_no: 2, page_size: 100 };
    assert_eq!(request(&open[1..], &page_2)["pageNo"], 1);
    // An empty page is the last, whatever the count.
    let page_2 = Next::Page { item_id: ID.to_owned(), page_no: 2, page_size: 100 };
    assert_eq!(told_after(&page_2, &open, &page(250, &[])).1, Next::Together);
}

#[test]
fn a_question_is_about_as_many_batches_as_a_page_has_room_for() {
    let full = |long: usize| {
        let items = (0..500).map(|n| {
            let text = format!("http://h/{n:0>long$}");
            CallItem { item: Item::from_normalized(Kind::Url, text), action: Action::Default }
        });
        batch(Some(ID), 100, items.collect())
    };
    let about = |open: &[OpenBatch]| {
        let none = page(0, &[]);
        told(open, &none).0.answers.len()
    };
    assert_eq!(about(&vec![full(10); 12]), 10, "5,000 tasks");
    assert_eq!(about(&vec![full(1_990); 12]), 7, "8 MiB");
    assert_eq!(about(&[full(1_990)]), 1);
    let mut report = PollReport::default();
    let open = [full(10), full(10)];
    let question = Question::new(&open, &Next::Together, 100, now(), &mut report).unwrap();
    assert_eq!(question.request.item_id.as_deref(), Some(ID), "one at least");
}

#[test]
fn a_question_that_fails_is_asked_again() {
    let open = [batch(Some("i"), 170, two()), batch(Some("j"), 100, two())];
    for (message, class, signals) in [
        ("system exception", Class::Soon, 0),
        ("parse json error", Class::ClientBug, 0),
        ("username is invalid", Class::Unauthorised, 1),
        // The questions' own limit: purges go on.
        ("the calling frequency exceeds the limit", Class::Delay, 0),
        ("itemId and time must not both be null", Class::ClientBug, 0),
    ] {
        let (report, next) = told(&open, &answer(&json!({"Code": 0, "Message": message})));
        assert_eq!(ended(&report), [(0, vec![]), (1, vec![])]);
        assert!(causes(&report).iter().all(|cause| cause.class == class && cause.message == message));
        assert_eq!((report.signals.len(), next), (signals, Next::Together));
    }
    for (answer, code, signals) in [
        (Answer::of(502, &[], "<html>"), "http-502", 0),
        (Answer::of(429, &[("retry-after", "30")], ""), "http-429", 0),
        (Answer::of(401, &[], ""), "http-401", 1),
        (Answer::of(200, &[], r#"{"Code":1,"Message":"handle success"}"#), "no-list", 0),
        (Answer::of(200, &[], r#"{"Code":1,"resultDetail":[{"url":5}]}"#), "no-list", 0),
    ] {
        let (report, _) = told(&open, &answer);
        assert!(causes(&report).iter().all(|cause| cause.code == code), "{report:?}");
        assert_eq!((report.answers.len(), report.signals.len()), (2, signals));
    }
}

#[test]
fn an_answer_too_long_to_read_is_asked_for_in_parts() {
    let open = [batch(Some("i"), 170, two()), batch(Some("j"), 100, two())];
    for (error, expected) in
        [(TransportError::TooLong, Next::Alone), (TransportError::Timeout(5), Next::Together)]
    {
        let (question, mut report) = ask(&open, &Next::Together);
        assert_eq!(question.unwrap().failed(&error, &mut report), expected);
        assert_eq!(causes(&report).len(), 2);
    }
}

#[test]
fn what_nobody_can_tell_any_more_is_sent_again() {
    let mut strange = batch(Some("i"), 100, two());
    strange.receipt = Receipt("57edce1a".to_owned());
    let kept = batch(Some("k"), 71 * 3_600, two());
    let mut old = batch(Some("j"), 71 * 3_600 + 2, two());
    old.open[0] = false;
    let open = [strange, kept, old];
    let (question, report) = ask(&open, &Next::Together);
    assert_eq!(ended(&report), [(0, vec![(0, "lost"), (1, "lost")]), (2, vec![(1, "lost")])]);
    assert_eq!(question.unwrap().request.item_id.as_deref(), Some("k"));
    let (question, _) = ask(&open[..1], &Next::Together);
    assert!(question.is_none());
}
