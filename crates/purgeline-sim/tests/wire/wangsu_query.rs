//! Wangsu: states and the status query.

use std::time::Duration;

use purgeline_sim::wangsu::WangsuSettings;
use purgeline_sim::{Ending, FateRule, ManualClock, Rate, Selector, Sim};
use serde_json::{Value, json};

use crate::common::client;
use crate::wangsu::{PURGE, QUERY, account, post, start, urls};

async fn open(settings: WangsuSettings) -> (Sim, ManualClock) {
    start(WangsuSettings { query_rate: Rate::LIFTED, ..settings }).await
}

async fn submit(sim: &Sim, body: Value) -> String {
    let answer = post(sim, PURGE, &body).await;
    assert_eq!(answer["Code"], 1, "{answer}");
    answer["itemId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_task_waits_runs_and_ends() {
    let (sim, clock) = open(account()).await;
    let dir = "http://www.a.com/dir/";
    let failure = Ending::Failure(String::new());
    sim.fate(FateRule::new(Selector::Exact(dir.into()), failure));
    let id = submit(&sim, json!({ "urls": urls(1), "dirs": [dir] })).await;
    let detail = |url: &str, is_dir: &str, status: &str, rate: &str, begin: &str, finish: &str| {
        json!({
            "url": url, "status": status, "rate": rate, "isDir": is_dir,
            "createTime": "2017-05-01 07:20:37", "beginTime": begin, "finishTime": finish,
        })
    };
    let page = urls(1).remove(0);
    let expect = |details: Value| {
        json!({
            "Code": 1, "Message": "handle success", "count": 2, "pageNo": 1, "pageSize": 20,
            "resultDetail": details,
        })
    };
    let query = json!({ "itemId": id });
    let begin = "2017-05-01 07:20:37";
    let waiting = json!([detail(&page, "0", "wait", "0", "", ""), detail(dir, "2", "wait", "0", "", "")]);
    assert_eq!(post(&sim, QUERY, &query).await, expect(waiting));
    clock.advance(Duration::from_secs(1));
    let running =
        json!([detail(&page, "0", "run", "50", begin, ""), detail(dir, "2", "run", "50", begin, "")]);
    assert_eq!(post(&sim, QUERY, &query).await, expect(running));
    clock.advance(Duration::from_secs(4));
    let end = "2017-05-01 07:20:42";
    let ended = json!([
        detail(&page, "0", "success", "100", begin, end),
        detail(dir, "2", "failure", "0", begin, end)
    ]);
    assert_eq!(post(&sim, QUERY, &query).await, expect(ended));
}

#[tokio::test]
async fn batches_are_found_by_time_and_paged_from_one() {
    let (sim, clock) = open(account()).await;
    let names: Vec<String> = (0..45).map(|i| format!("http://www.a.com/{i}")).collect();
    for part in names.chunks(15) {
        submit(&sim, json!({ "urls": part })).await;
        clock.advance(Duration::from_secs(10));
    }
    let between = |start: &str, end: &str, page: u64| {
        json!({
            "startTime": format!("2017-05-01 07:{start}"), "endTime": format!("2017-05-01 07:{end}"),
            "pageNo": page,
        })
    };
    let mut seen = Vec::new();
    for (page, size) in [(1, 20), (2, 20), (3, 5), (4, 0)] {
        let answer = post(&sim, QUERY, &between("00:00", "59:59", page)).await;
        // Asked for a page, it answers how many there are.
        assert_eq!((answer["count"].as_u64(), answer["pageNo"].as_u64()), (Some(45), Some(3)));
        let details = answer["resultDetail"].as_array().unwrap();
        assert_eq!(details.len(), size);
        seen.extend(details.iter().map(|d| d["url"].as_str().unwrap().to_owned()));
    }
    assert_eq!(seen, names);
    assert_eq!(post(&sim, QUERY, &between("20:38", "20:47", 1)).await["count"], 15);
    assert_eq!(post(&sim, QUERY, &between("20:37", "20:47", 1)).await["count"], 30);
    assert_eq!(post(&sim, QUERY, &between("20:38", "20:46", 1)).await["count"], 0);
    let mut one = between("00:00", "59:59", 1);
    one["url"] = json!(names[7]);
    assert_eq!(post(&sim, QUERY, &one).await["count"], 1);
    one["status"] = json!("failure");
    assert_eq!(post(&sim, QUERY, &one).await["count"], 0);
}

#[tokio::test]
async fn times_are_in_the_zone_that_is_asked_for() {
    let (sim, _clock) = open(account()).await;
    submit(&sim, json!({ "urls": urls(1) })).await;
    let example = purgeline_vectors::worked_examples("wangsu");
    let ask = async |zone: &str| {
        let request = client()
            .post(format!("{}{QUERY}", sim.base_url()))
            .header("Date", example["basic"][0]["date"].as_str().unwrap())
            .header("Authorization", example["basic"][0]["authorization"].as_str().unwrap())
            .header("X-Time-Zone", zone)
            .json(&json!({ "startTime": "2017-04-30 22:00:00", "endTime": "2017-04-30 22:59:59" }));
        request.send().await.unwrap().json::<Value>().await.unwrap()
    };
    let answer = ask("GMT-01:00").await;
    assert_eq!(answer["resultDetail"][0]["createTime"], "2017-04-30 22:20:37");
    assert_eq!(ask("GMT+08:00").await["count"], 0);
    assert_eq!(ask("China").await["Message"], "parse json error");
}

#[tokio::test]
async fn tasks_are_kept_for_three_days() {
    let (sim, clock) = open(WangsuSettings { query_delay_ms: 3_000, ..account() }).await;
    let id = submit(&sim, json!({ "urls": urls(1) })).await;
    let query = json!({ "itemId": id });
    assert_eq!(post(&sim, QUERY, &query).await["count"], 0, "a new task may be late");
    clock.advance(Duration::from_secs(3 * 86_400 - 1));
    assert_eq!(post(&sim, QUERY, &query).await["count"], 1);
    clock.advance(Duration::from_secs(1));
    assert_eq!(post(&sim, QUERY, &query).await["count"], 0);
}

#[tokio::test]
async fn refuses_queries_without_sense() {
    let (sim, _clock) = open(account()).await;
    let start = "2017-05-01 07:00:00";
    for query in [
        json!({}),
        json!({ "itemId": "", "url": "http://www.a.com/0" }),
        json!({ "startTime": start }),
        json!({ "startTime": start, "endTime": "noon" }),
        json!({ "itemId": "64ec364dd81d4052a3534c1e86167950", "status": "done" }),
        json!({ "itemId": 5 }),
    ] {
        assert_eq!(post(&sim, QUERY, &query).await["Code"], 0, "{query}");
    }
}
