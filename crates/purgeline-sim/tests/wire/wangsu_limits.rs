//! Wangsu: rates, the day's quotas, items that run.

use std::time::Duration;

use purgeline_sim::CallKind;
use purgeline_sim::wangsu::{LimitedAnswer, WangsuSettings};
use serde_json::{Value, json};

use crate::wangsu::{PURGE, QUERY, account, message, post, start, urls};

const OUT_OF_LIMIT: &str = "the number of url and dir out of limit";
const QUOTA: &str = "error channel [www.a.com], dir number reached the daily limit by domain.";

fn one(i: usize) -> Value {
    json!({ "urls": [format!("http://www.a.com/{i}")] })
}

fn dirs(host: &str, n: usize) -> Vec<String> {
    (0..n).map(|i| format!("http://{host}/{i}/")).collect()
}

#[tokio::test]
async fn fifty_purges_in_five_minutes_and_no_more() {
    let (sim, clock) = start(account()).await;
    for i in 0..50 {
        assert_eq!(message(&sim, one(i)).await, "handle success");
        clock.advance(Duration::from_secs(1));
    }
    clock.advance(Duration::from_secs(250) - Duration::from_millis(1));
    let answer = post(&sim, PURGE, &one(50)).await;
    assert_eq!(answer["Code"], "http 429");
    clock.advance(Duration::from_millis(1));
    assert_eq!(message(&sim, one(50)).await, "handle success");
    assert_eq!(post(&sim, PURGE, &one(51)).await["Code"], "http 429");
    let log = sim.log();
    assert_eq!(log.stats().limited, 2);
    let busiest = log.busiest(Duration::from_secs(300), |c| !c.limited);
    assert_eq!(busiest.calls, 50);
}

#[tokio::test]
async fn ten_queries_in_five_minutes_beside_the_purges() {
    let settings = WangsuSettings {
        limited: LimitedAnswer::Message,
        // Five minutes are five seconds here.
        window_divisor: 60,
        ..account()
    };
    let (sim, clock) = start(settings).await;
    let query = json!({ "itemId": "64ec364dd81d4052a3534c1e86167950" });
    for _ in 0..10 {
        assert_eq!(post(&sim, QUERY, &query).await["Code"], 1);
    }
    let answer = post(&sim, QUERY, &query).await;
    assert_eq!(answer["Code"], 0);
    assert!(answer["Message"].as_str().unwrap().contains("frequency"));
    assert_eq!(message(&sim, one(0)).await, "handle success");
    clock.advance(Duration::from_millis(4_999));
    assert_eq!(post(&sim, QUERY, &query).await["Code"], 0);
    clock.advance(Duration::from_millis(1));
    assert_eq!(post(&sim, QUERY, &query).await["Code"], 1);
    assert!(sim.log().of_kind(CallKind::Purge).all(|c| !c.limited));
}

#[tokio::test]
async fn an_item_runs_for_a_minute() {
    let (sim, clock) = start(account()).await;
    let page = "http://www.a.com/0";
    assert_eq!(message(&sim, one(0)).await, "handle success");
    clock.advance(Duration::from_millis(59_999));
    let both = json!({ "urls": [page, "http://www.a.com/1"] });
    let told = format!("running url or dir [{page}],please try again after one minute.");
    assert_eq!(message(&sim, both.clone()).await, told);
    assert_eq!(sim.log().calls()[1].accepted(), 0);
    clock.advance(Duration::from_millis(1));
    assert_eq!(message(&sim, both).await, "handle success");
}

#[tokio::test]
async fn running_can_be_unnamed_and_partial() {
    let settings = WangsuSettings { running_named: false, running_takes_rest: true, ..account() };
    let (sim, _clock) = start(settings).await;
    assert_eq!(message(&sim, one(0)).await, "handle success");
    let both = json!({ "urls": ["http://www.a.com/0", "http://www.a.com/1"] });
    let told = "running url or dir [ ],please try again after one minute.";
    assert_eq!(message(&sim, both).await, told);
    assert_eq!(sim.log().calls()[1].accepted(), 1);
    let (sim, _clock) = start(WangsuSettings { running_ms: None, ..account() }).await;
    assert_eq!(message(&sim, one(0)).await, "handle success");
    assert_eq!(message(&sim, one(0)).await, "handle success");
}

#[tokio::test]
async fn quotas_last_a_day_in_china() {
    // 2017-05-01 07:20:37 in China
    let settings = WangsuSettings { url_quota_day: 3, dir_quota_day: 2, ..account() };
    let (sim, clock) = start(settings).await;
    let left = async || {
        let answer = post(&sim, "/ccm/purge/quota", &json!({})).await;
        (answer["urlRemain"].as_u64().unwrap(), answer["dirRemain"].as_u64().unwrap())
    };
    assert_eq!(message(&sim, json!({ "urls": urls(4) })).await, OUT_OF_LIMIT);
    assert_eq!(left().await, (3, 2));
    let body = json!({ "urls": urls(3), "dirs": dirs("www.a.com", 1) });
    assert_eq!(message(&sim, body).await, "handle success");
    assert_eq!(left().await, (0, 1));
    assert_eq!(message(&sim, json!({ "urls": ["http://www.b.com/"] })).await, OUT_OF_LIMIT);
    assert_eq!(message(&sim, json!({ "dirs": dirs("www.b.com", 2) })).await, OUT_OF_LIMIT);
    assert_eq!(message(&sim, json!({ "dirs": dirs("www.b.com", 1) })).await, "handle success");
    clock.advance(Duration::from_secs(16 * 3_600 + 39 * 60 + 22));
    assert_eq!(left().await, (0, 0));
    clock.advance(Duration::from_secs(1));
    assert_eq!(left().await, (3, 2));
}

#[tokio::test]
async fn dirs_have_a_quota_of_their_domain() {
    let settings = WangsuSettings { dir_quota_host_day: 2, hosts: None, ..account() };
    let (sim, _clock) = start(settings).await;
    // More dirs than the domain has left: none of them, but everything else.
    let both = [dirs("www.a.com", 3), dirs("www.b.com", 2)].concat();
    let body = json!({ "urls": ["http://www.a.com/x"], "dirs": both });
    assert_eq!(message(&sim, body).await, QUOTA);
    let taken: Vec<bool> = sim.log().calls()[0].items.iter().map(|i| i.accepted.unwrap()).collect();
    assert_eq!(taken, [true, false, false, false, true, true]);
    assert_eq!(message(&sim, json!({ "dirs": dirs("www.a.com", 2) })).await, "handle success");
    assert_eq!(message(&sim, json!({ "dirs": ["http://www.a.com/9/"] })).await, QUOTA);
    // Beside a wrong channel, each is named in its own sentence.
    let body = json!({ "dirs": ["http://www.a.com/9/"], "urls": ["nonsense"] });
    assert_eq!(message(&sim, body).await, format!("error channel [nonsense]. {QUOTA}"));
}
