//! Qiniu: states and the list call.

use std::time::Duration;

use purgeline_sim::qiniu::QiniuSettings;
use purgeline_sim::{Ending, FateRule, ManualClock, Options, Selector, Sim};
use serde_json::{Value, json};

use crate::qiniu::{LIST, REFRESH, account, post, urls};

async fn start(settings: QiniuSettings) -> (Sim, ManualClock) {
    let clock = ManualClock::at("2026-01-10T10:29:46+08:00".parse().unwrap());
    let options = Options::with_clock(clock.clone());
    (settings.start_with(options).await.unwrap(), clock)
}

async fn submit(sim: &Sim, body: Value) -> String {
    let answer = post(sim, REFRESH, &body).await;
    assert_eq!(answer["code"], 200, "{answer}");
    answer["requestId"].as_str().unwrap().to_owned()
}

fn column<'a>(answer: &'a Value, name: &str) -> Vec<&'a str> {
    let items = answer["items"].as_array().unwrap();
    items.iter().map(|i| i[name].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_record_is_the_seeds() {
    let (sim, clock) = start(account()).await;
    let id = submit(&sim, json!({ "urls": ["http://www.test.com/test01"] })).await;
    let query = json!({ "urls": ["http://www.test.com/test01"], "pageNo": 0, "pageSize": 10 });
    let record = |state: &str, end: &str| {
        json!({
            "code": 200, "error": "success", "total": 1, "pageNo": 0, "pageSize": 10,
            "currentSize": 1,
            "items": [{
                "uid": 1_100_000_009, "requestId": id, "url": "http://www.test.com/test01",
                "state": state, "stateDetail": "", "createAt": "2026-01-10 10:29:46",
                "beginAt": "2026-01-10 10:29:46", "endAt": end,
            }],
        })
    };
    assert_eq!(post(&sim, LIST, &query).await, record("processing", ""));
    clock.advance(Duration::from_secs(5));
    let ended = record("success", "2026-01-10 10:29:51");
    assert_eq!(post(&sim, LIST, &query).await, ended);
}

#[tokio::test]
async fn uid_can_be_text() {
    let uid_as_string = true;
    let (sim, _clock) = start(QiniuSettings { uid_as_string, ..account() }).await;
    let id = submit(&sim, json!({ "urls": urls(1) })).await;
    let answer = post(&sim, LIST, &json!({ "requestId": id })).await;
    assert_eq!(answer["items"][0]["uid"], "1100000009");
}

#[tokio::test]
async fn each_url_has_its_fate() {
    let (sim, clock) = start(account()).await;
    let prefix = |s: &str| Selector::Prefix(format!("http://bar.foo.com/{s}"));
    let failure = |s: &str| Ending::Failure(s.to_owned());
    sim.fate(FateRule::new(prefix("0"), failure("origin 404")).times(1));
    sim.fate(FateRule::new(prefix("1"), Ending::Never));
    sim.fate(FateRule::new(prefix("2"), Ending::Success).after_ms(1_000));
    sim.fate(FateRule::new(prefix("3"), failure("prefix")));
    sim.fate(FateRule::new(Selector::Exact(urls(4)[3].clone()), failure("exact")));

    let id = submit(&sim, json!({ "urls": urls(5) })).await;
    let query = json!({ "requestId": id });
    let states = async || post(&sim, LIST, &query).await;
    assert_eq!(column(&states().await, "state"), ["processing"; 5]);
    clock.advance(Duration::from_secs(1));
    assert_eq!(column(&states().await, "state")[2], "success");
    clock.advance(Duration::from_secs(4));
    let answer = states().await;
    let expected = ["failure", "processing", "success", "failure", "success"];
    assert_eq!(column(&answer, "state"), expected);
    let expected = ["origin 404", "", "", "exact", ""];
    assert_eq!(column(&answer, "stateDetail"), expected);

    // What is processed for ever can still be settled, once.
    let all = Selector::All;
    assert_eq!(sim.settle(&all, &failure("told")), 1);
    assert_eq!(sim.settle(&all, &failure("told")), 0);
    assert_eq!(column(&states().await, "stateDetail")[1], "told");

    // The fate that was for one submission is spent.
    let id = submit(&sim, json!({ "urls": urls(1) })).await;
    clock.advance(Duration::from_secs(5));
    let answer = post(&sim, LIST, &json!({ "requestId": id })).await;
    assert_eq!(column(&answer, "state"), ["success"]);
}

#[tokio::test]
async fn pages_begin_at_zero_and_have_a_hundred() {
    let (sim, _clock) = start(account()).await;
    let names: Vec<String> = (0..230).map(|i| format!("http://bar.foo.com/{i}")).collect();
    for part in names.chunks(60) {
        submit(&sim, json!({ "urls": part })).await;
    }
    let mut seen = Vec::new();
    for (page, size) in [(0, 100), (1, 100), (2, 30), (3, 0)] {
        let answer = post(&sim, LIST, &json!({ "state": "processing", "pageNo": page })).await;
        let head = json!([answer["total"], answer["pageNo"], answer["pageSize"], answer["currentSize"]]);
        assert_eq!(head, json!([230, page, 100, size]));
        seen.extend(column(&answer, "url").into_iter().map(str::to_owned));
    }
    assert_eq!(seen, names);
    let last = post(&sim, LIST, &json!({ "pageNo": 22, "pageSize": 10 })).await;
    assert_eq!((&last["total"], &last["currentSize"]), (&json!(230), &json!(10)));
}

#[tokio::test]
async fn filters_hold_together() {
    let (sim, clock) = start(account()).await;
    let dir = "http://bar.foo.com/dir/";
    let first = submit(&sim, json!({ "urls": urls(2), "dirs": [dir] })).await;
    clock.advance(Duration::from_secs(5));
    let second = submit(&sim, json!({ "urls": urls(1) })).await;
    let one = &urls(1)[0];
    let cases = [
        (json!({ "requestId": first }), 3),
        (json!({ "requestId": first, "isDir": "yes" }), 1),
        (json!({ "requestId": first, "isDir": "no" }), 2),
        (json!({ "requestId": first, "state": "processing" }), 0),
        (json!({ "requestId": second, "state": "processing" }), 1),
        (json!({ "requestId": second, "urls": [dir] }), 0),
        (json!({ "urls": [one] }), 2),
        (json!({ "urls": one }), 2),
        (json!({ "urls": [one, dir], "state": "success" }), 2),
        (json!({ "isDir": "yes" }), 1),
        (json!({ "state": "failure" }), 0),
        (json!({ "requestId": "57edce1a23232391821e303b" }), 0),
    ];
    for (query, total) in cases {
        let answer = post(&sim, LIST, &query).await;
        assert_eq!((&answer["code"], &answer["total"]), (&json!(200), &json!(total)), "{query}");
    }
}

#[tokio::test]
async fn days_are_chinas_and_seven() {
    let (sim, clock) = start(account()).await; // 10 January
    submit(&sim, json!({ "urls": urls(1) })).await;
    let total = async |query: Value| post(&sim, LIST, &query).await["total"].as_u64().unwrap();
    let between = |start: &str, end: &str| json!({ "startTime": start, "endTime": end });
    assert_eq!(total(between("2026-01-10", "2026-01-10")).await, 1);
    assert_eq!(total(between("2026-01-09", "2026-01-09")).await, 0);

    let day = Duration::from_secs(86_400);
    clock.advance(2 * day);
    assert_eq!(total(json!({ "isDir": "no" })).await, 1);
    clock.advance(day); // 13 January: no longer among the last three
    assert_eq!(total(json!({ "isDir": "no" })).await, 0);
    assert_eq!(total(json!({ "isDir": "no", "startTime": "2026-01-10" })).await, 0);
    assert_eq!(total(between("2026-01-10", "2026-01-13")).await, 1);
    clock.advance(3 * day); // 16 January: the seventh day
    assert_eq!(total(between("2026-01-10", "2026-01-16")).await, 1);
    clock.advance(day);
    assert_eq!(total(between("2026-01-10", "2026-01-17")).await, 0);
}

#[tokio::test]
async fn refuses_queries_without_sense() {
    let (sim, _clock) = start(account()).await;
    let cases = [
        (json!({}), 400_000),
        (json!({ "requestId": "", "urls": [], "state": "", "pageNo": 0 }), 400_000),
        (json!({ "isDir": "maybe" }), 400_000),
        (json!({ "state": "done" }), 400_000),
        (json!({ "urls": urls(1), "pageNo": -1 }), 400_000),
        (json!({ "urls": urls(1), "pageSize": "10" }), 400_000),
        (json!({ "startTime": "yesterday", "endTime": "2026-01-10" }), 400_000),
        (json!({ "startTime": "2026-01-10", "endTime": "2026-01-09" }), 400_000),
        (json!({ "urls": urls(1), "startTime": "10.1.2026" }), 400_000),
        (json!({ "requestId": "unheard-of" }), 400_036),
    ];
    for (query, code) in cases {
        assert_eq!(post(&sim, LIST, &query).await["code"], code, "{query}");
    }
}

#[tokio::test]
async fn a_new_record_may_be_late() {
    let list_delay_ms = 3_000;
    let (sim, clock) = start(QiniuSettings { list_delay_ms, ..account() }).await;
    let id = submit(&sim, json!({ "urls": urls(1) })).await;
    let query = json!({ "requestId": id });
    assert_eq!(post(&sim, LIST, &query).await["total"], 0);
    clock.advance(Duration::from_secs(3));
    assert_eq!(post(&sim, LIST, &query).await["total"], 1);
}
