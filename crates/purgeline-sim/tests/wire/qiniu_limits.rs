//! Qiniu: the rate, the day's quotas, items that are being refreshed.

use std::time::Duration;

use purgeline_sim::qiniu::QiniuSettings;
use purgeline_sim::{CallKind, Ending, ManualClock, Options, Rate, Selector, Sim};
use serde_json::{Value, json};

use crate::qiniu::{PREFETCH, REFRESH, account, post, urls};

fn noon() -> ManualClock {
    ManualClock::at("2026-01-01T12:00:00+08:00".parse().unwrap())
}

async fn start(settings: QiniuSettings, clock: &ManualClock) -> Sim {
    let options = Options::with_clock(clock.clone());
    settings.start_with(options).await.unwrap()
}

/// An account on which only the rate matters.
fn plenty() -> QiniuSettings {
    QiniuSettings {
        rate: account().rate,
        access_key: account().access_key,
        secret_key: account().secret_key,
        ..QiniuSettings::lifted()
    }
}

async fn code(sim: &Sim, path: &str, body: Value) -> u64 {
    post(sim, path, &body).await["code"].as_u64().unwrap()
}

#[tokio::test]
async fn eighty_calls_a_second_and_no_more() {
    let clock = noon();
    let sim = start(plenty(), &clock).await;
    let one = || json!({ "urls": urls(1) });
    for i in 0..80 {
        let path = if i % 2 == 0 { REFRESH } else { PREFETCH };
        assert_eq!(code(&sim, path, one()).await, 200, "call {i}");
    }
    clock.advance(Duration::from_millis(999));
    assert_eq!(code(&sim, REFRESH, one()).await, 403_024);
    assert_eq!(code(&sim, PREFETCH, one()).await, 403_024);
    clock.advance(Duration::from_millis(1));
    assert_eq!(code(&sim, REFRESH, one()).await, 200);

    let log = sim.log();
    assert_eq!(log.stats().limited, 2);
    let limited: Vec<u64> = log.calls().iter().filter(|c| c.limited).map(|c| c.seq).collect();
    assert_eq!(limited, [80, 81]);
    let second = Duration::from_secs(1);
    assert_eq!(log.busiest(second, |_| true).calls, 82);
    assert_eq!(log.busiest(second, |c| !c.limited).calls, 80);
}

#[tokio::test]
async fn two_hundred_and_forty_items_a_second_and_no_more() {
    let clock = noon();
    let sim = start(plenty(), &clock).await;
    for _ in 0..3 {
        assert_eq!(code(&sim, REFRESH, json!({ "urls": urls(60) })).await, 200);
        clock.advance(Duration::from_millis(100));
    }
    let dirs: Vec<_> = (0..10).map(|i| format!("http://bar.foo.com/{i}/")).collect();
    let mixed = |n| json!({ "urls": urls(n), "dirs": dirs });
    assert_eq!(code(&sim, REFRESH, mixed(51)).await, 403_024);
    assert_eq!(code(&sim, REFRESH, mixed(50)).await, 200);
    clock.advance(Duration::from_millis(699));
    assert_eq!(code(&sim, PREFETCH, json!({ "urls": urls(1) })).await, 403_024);
    clock.advance(Duration::from_millis(1));
    assert_eq!(code(&sim, PREFETCH, json!({ "urls": urls(60) })).await, 200);
    assert_eq!(code(&sim, PREFETCH, json!({ "urls": urls(1) })).await, 403_024);
    let busiest = sim.log().busiest(Duration::from_secs(1), |c| !c.limited);
    assert_eq!(busiest.items, 240);
}

#[tokio::test]
async fn a_lifted_rate_refuses_nothing() {
    let clock = noon();
    let rate = Rate::LIFTED;
    let sim = start(QiniuSettings { rate, ..plenty() }, &clock).await;
    for _ in 0..100 {
        assert_eq!(code(&sim, REFRESH, json!({ "urls": urls(60) })).await, 200);
    }
    assert_eq!(sim.log().stats().limited, 0);
}

#[tokio::test]
async fn quotas_last_a_day_in_china() {
    let clock = ManualClock::at("2026-01-01T23:59:59+08:00".parse().unwrap());
    let settings = QiniuSettings { url_quota_day: 3, dir_quota_day: 1, existing: false, ..account() };
    let sim = start(settings, &clock).await;
    let dir = json!(["http://bar.foo.com/dir/"]);

    // More than is left takes nothing, of either kind.
    assert_eq!(code(&sim, REFRESH, json!({ "urls": urls(4), "dirs": dir })).await, 400_034);
    let answer = post(&sim, REFRESH, &json!({ "urls": urls(2), "dirs": dir })).await;
    let left = json!([answer["urlSurplusDay"], answer["dirSurplusDay"]]);
    assert_eq!(left, json!([1, 0]));
    assert_eq!(code(&sim, REFRESH, json!({ "urls": urls(2) })).await, 400_034);
    assert_eq!(code(&sim, REFRESH, json!({ "dirs": dir })).await, 400_035);
    assert_eq!(code(&sim, REFRESH, json!({ "urls": urls(1), "dirs": dir })).await, 400_035);
    assert_eq!(code(&sim, REFRESH, json!({ "urls": urls(1) })).await, 200);

    clock.advance(Duration::from_secs(1));
    let answer = post(&sim, REFRESH, &json!({ "urls": urls(3), "dirs": dir })).await;
    assert_eq!((&answer["urlSurplusDay"], &answer["urlQuotaDay"]), (&json!(0), &json!(3)));
}

#[tokio::test]
async fn prefetches_have_their_own_quota() {
    let settings = QiniuSettings { prefetch_quota_day: 2, ..account() };
    let sim = settings.start().await.unwrap();
    let answer = post(&sim, PREFETCH, &json!({ "urls": urls(2) })).await;
    assert_eq!((&answer["quotaDay"], &answer["surplusDay"]), (&json!(2), &json!(0)));
    assert_eq!(code(&sim, PREFETCH, json!({ "urls": urls(1) })).await, 400_033);
    assert_eq!(code(&sim, PREFETCH, json!({ "urls": ["nonsense"] })).await, 400_031);
    let answer = post(&sim, REFRESH, &json!({ "urls": urls(1) })).await;
    assert_eq!(answer["urlSurplusDay"], 499);
    assert_eq!(sim.log().of_kind(CallKind::Prefetch).count(), 3);
}

#[tokio::test]
async fn an_item_is_not_taken_while_it_is_being_refreshed() {
    let clock = noon();
    let sim = start(account(), &clock).await;
    let page = "http://bar.foo.com/dir/";
    assert_eq!(code(&sim, REFRESH, json!({ "urls": [page] })).await, 200);
    let again = post(&sim, REFRESH, &json!({ "urls": [page, "http://bar.foo.com/b"] })).await;
    assert_eq!((&again["code"], &again["invalidUrls"]), (&json!(400_037), &json!(null)));
    // The same name as a dir is another item, and refusals took nothing.
    assert_eq!(code(&sim, REFRESH, json!({ "dirs": [page] })).await, 200);
    assert_eq!(code(&sim, REFRESH, json!({ "urls": ["http://bar.foo.com/b"] })).await, 200);
    clock.advance(Duration::from_secs(5));
    assert_eq!(code(&sim, REFRESH, json!({ "urls": [page] })).await, 200);
    sim.settle(&Selector::Exact(page.into()), &Ending::Success);
    assert_eq!(code(&sim, REFRESH, json!({ "urls": [page] })).await, 200);
}

#[tokio::test]
async fn being_refreshed_can_have_a_length_and_names() {
    let clock = noon();
    let settings = QiniuSettings { existing_ms: Some(60_000), existing_named: true, ..account() };
    let sim = start(settings, &clock).await;
    let body = json!({ "urls": ["http://bar.foo.com/a"] });
    assert_eq!(code(&sim, REFRESH, body.clone()).await, 200);
    clock.advance(Duration::from_millis(59_999));
    let again = post(&sim, REFRESH, &body).await;
    assert_eq!((&again["code"], &again["invalidUrls"]), (&json!(400_037), &body["urls"]));
    clock.advance(Duration::from_millis(1));
    assert_eq!(code(&sim, REFRESH, body).await, 200);
}
