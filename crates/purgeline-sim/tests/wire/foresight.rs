//! Foresight: resources, task states, the cache listing.

use std::time::Duration;

use purgeline_sim::foresight::{ForesightSettings, TokenPrefix, UnknownTask};
use purgeline_sim::{Ending, FateRule, Fault, FaultRule, ItemKind, ManualClock, Options, Selector, Sim};
use serde_json::{Value, json};

use crate::common::client;

const LISTING: &str = "/api/v1/cache/";
const REFRESH: &str = "/api/v1/cache/refresh/";
const STATE: &str = "/api/v1/cache/state/";

async fn start(settings: ForesightSettings) -> (Sim, ManualClock) {
    let clock = ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap());
    let options = Options::with_clock(clock.clone());
    (settings.start_with(options).await.unwrap(), clock)
}

async fn call(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.header("Authorization", "Bearer sim-token").send().await.unwrap();
    let json = response.headers()["content-type"] == "application/json; charset=utf-8";
    let status = response.status().as_u16();
    (status, if json { response.json().await.unwrap() } else { Value::Null })
}

async fn refresh(sim: &Sim, body: &Value) -> (u16, Value) {
    call(client().post(format!("{}{REFRESH}", sim.base_url())).json(body)).await
}

async fn state(sim: &Sim, id: &str) -> (u16, Value) {
    call(client().get(format!("{}{STATE}?task_id={id}", sim.base_url()))).await
}

/// Refreshes a resource; the task's id.
async fn submit(sim: &Sim, title: &str) -> String {
    let (status, answer) = refresh(sim, &json!({ "resource_title": title })).await;
    assert_eq!(status, 200, "{answer}");
    answer["task_id"].as_str().unwrap().to_owned()
}

async fn word(sim: &Sim, id: &str) -> String {
    state(sim, id).await.1["task_state"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_refresh_is_pending_until_it_succeeds() {
    let (sim, clock) = start(ForesightSettings::default()).await;
    let body = json!({ "year": 2026, "resource_title": "Sales", "area": { "b": [1], "a": null } });
    let (status, answer) = refresh(&sim, &body).await;
    let id = answer["task_id"].as_str().unwrap();
    assert_eq!((status, &answer), (200, &json!({ "task_id": id, "task_state": "PENDING" })));
    let call = sim.log().calls()[0].clone();
    let item = &call.items[0].item;
    assert_eq!(item.kind, ItemKind::Resource);
    assert_eq!(&*item.name, r#"{"area":{"a":null,"b":[1]},"resource_title":"Sales","year":2026}"#);
    assert_eq!(call.outcome.as_ref().unwrap().receipt.as_deref(), Some(id));
    clock.advance(Duration::from_millis(4_999));
    assert_eq!(word(&sim, id).await, "PENDING");
    clock.advance(Duration::from_millis(1));
    assert_eq!(state(&sim, id).await, (200, json!({ "task_id": id, "task_state": "SUCCESS" })));
}

#[tokio::test]
async fn a_refresh_may_succeed_at_once() {
    let (sim, _clock) = start(ForesightSettings { processing_ms: 0, ..Default::default() }).await;
    let (_, answer) = refresh(&sim, &json!({ "resource_title": "Sales" })).await;
    assert_eq!(answer["task_state"], "SUCCESS");
}

#[tokio::test]
async fn answers_wear_the_traces_headers() {
    let (sim, _clock) = start(ForesightSettings::default()).await;
    let url = format!("{}{REFRESH}", sim.base_url());
    let request = client().post(url).header("Authorization", "Bearer sim-token");
    let response = request.json(&json!({ "resource_title": "Sales" })).send().await.unwrap();
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("allow"), "POST, OPTIONS");
    assert_eq!(header("server"), "nginx/1.16.1");
    assert_eq!(header("vary"), "Origin, Cookie");
    assert!(header("etag").starts_with('"'));
}

#[tokio::test]
async fn tasks_end_as_their_fates_say() {
    let (sim, clock) = start(ForesightSettings { show_started: true, ..Default::default() }).await;
    let fate = |title: &str, ending| {
        let name = format!(r#"{{"resource_title":"{title}"}}"#);
        sim.fate(FateRule::new(Selector::Exact(name), ending));
    };
    fate("broken", Ending::Failure("no source".into()));
    fate("revoked", Ending::Failure("REVOKED".into()));
    fate("endless", Ending::Never);
    let mut ids = Vec::new();
    for title in ["fine", "broken", "revoked", "endless"] {
        ids.push(submit(&sim, title).await);
    }
    clock.advance(Duration::from_secs(1));
    assert_eq!(word(&sim, &ids[0]).await, "STARTED");
    clock.advance(Duration::from_secs(86_000));
    for (id, expected) in ids.iter().zip(["SUCCESS", "FAILURE", "REVOKED", "STARTED"]) {
        assert_eq!(word(&sim, id).await, expected);
    }
}

#[tokio::test]
async fn what_is_unknown_or_forgotten_is_pending() {
    for (unknown_task, status) in [(UnknownTask::Pending, 200), (UnknownTask::NotFound, 404)] {
        let (sim, clock) = start(ForesightSettings { unknown_task, ..Default::default() }).await;
        let id = submit(&sim, "Sales").await;
        clock.advance(Duration::from_secs(86_404));
        assert_eq!(word(&sim, &id).await, "SUCCESS");
        clock.advance(Duration::from_secs(1));
        for id in [&*id, "made-up"] {
            let (got, answer) = state(&sim, id).await;
            assert_eq!(got, status);
            assert!(got == 404 || answer["task_state"] == "PENDING");
        }
    }
}

#[tokio::test]
async fn the_listing_moves_with_each_success() {
    let devices = vec!["phone".to_owned(), "tablet".to_owned()];
    let (sim, clock) = start(ForesightSettings { devices, ..Default::default() }).await;
    let listing = async || call(client().get(format!("{}{LISTING}", sim.base_url()))).await.1;
    let entry = |device: &str, version: u64, time: &str| {
        json!({
            "user": "sim-token", "device": device, "sync_datetime": time, "version": version,
            "etag": format!("{version:032x}"),
        })
    };
    let start = "2026-01-01T00:00:00.000000Z";
    assert_eq!(listing().await, json!([entry("phone", 1, start), entry("tablet", 1, start)]));
    sim.fate(FateRule::new(Selector::All, Ending::Failure(String::new())).times(1));
    submit(&sim, "broken").await;
    submit(&sim, "Sales").await;
    assert_eq!(listing().await[0]["version"], 1);
    clock.advance(Duration::from_secs(5));
    let later = "2026-01-01T00:00:05.000000Z";
    assert_eq!(listing().await, json!([entry("phone", 2, later), entry("tablet", 2, later)]));
}

#[tokio::test]
async fn refuses_wrong_credentials() {
    let detail = |text: &str| json!({ "detail": text });
    let none = detail("Authentication credentials were not provided.");
    let invalid = detail("Invalid token.");
    for (prefix, cases) in [
        (
            TokenPrefix::Bearer,
            [("Bearer sim-token", None), ("sim-token", Some(&none)), ("Bearer other", Some(&invalid))],
        ),
        (
            TokenPrefix::None,
            [("sim-token", None), ("Bearer sim-token", Some(&invalid)), ("other", Some(&invalid))],
        ),
    ] {
        let (sim, _clock) = start(ForesightSettings { prefix, ..Default::default() }).await;
        for (authorization, told) in cases {
            let request = client().get(format!("{}{LISTING}", sim.base_url()));
            let response = request.header("Authorization", authorization).send().await.unwrap();
            assert_eq!(response.status().as_u16(), if told.is_some() { 401 } else { 200 });
            let answer: Value = response.json().await.unwrap();
            assert!(told.is_none_or(|told| *told == answer), "{answer}");
        }
        let request = client().get(format!("{}{LISTING}", sim.base_url()));
        assert_eq!(request.send().await.unwrap().json::<Value>().await.unwrap(), none);
    }
}

#[tokio::test]
async fn refuses_what_no_call_may_be() {
    let (sim, _clock) =
        start(ForesightSettings { resources: Some(vec!["Sales".into()]), ..Default::default() }).await;
    for (body, status) in [
        (json!({ "resource_title": "Sales", "year": 2026 }), 200),
        (json!({ "resource_title": "Costs" }), 404),
        (json!({ "year": 2026 }), 400),
        (json!({ "resource_title": "" }), 400),
        (json!({ "resource_title": 7 }), 400),
        (json!(["Sales"]), 400),
    ] {
        assert_eq!(refresh(&sim, &body).await.0, status, "{body}");
    }
    let url = |path: &str| format!("{}{path}", sim.base_url());
    let body = r#"{"resource_title":"Sales"}"#;
    let form = client().post(url(REFRESH)).header("Content-Type", "application/x-www-form-urlencoded");
    assert_eq!(call(form.body(body)).await.0, 415);
    assert_eq!(call(client().get(url(STATE))).await.0, 400);
    assert_eq!(call(client().get(url(REFRESH))).await.0, 405);
    assert_eq!(call(client().post(url(LISTING))).await.0, 405);
    assert_eq!(call(client().get(url("/api/v1/cash/"))).await.0, 404);
}

#[tokio::test]
async fn without_its_final_slash_a_refresh_loses_its_body() {
    let (sim, _clock) = start(ForesightSettings::default()).await;
    let url = format!("{}{}", sim.base_url(), REFRESH.trim_end_matches('/'));
    // The client follows the redirect, and asks with GET then.
    let (status, _) = call(client().post(url).json(&json!({ "resource_title": "Sales" }))).await;
    assert_eq!(status, 405);
    let log = sim.log();
    let first = log.calls()[0].outcome.as_ref().unwrap();
    assert_eq!((first.status, log.calls()[1].accepted()), (Some(301), 0));
}

#[tokio::test]
async fn faults_speak_the_frameworks_words() {
    let (sim, _clock) = start(ForesightSettings::default()).await;
    for (code, status) in [
        ("throttled", 429),
        ("permission_denied", 403),
        ("authentication_failed", 401),
        ("error", 500),
        ("not_found", 404),
    ] {
        sim.fault(FaultRule::new(Fault::refuse(code)).times(1)).unwrap();
        assert_eq!(refresh(&sim, &json!({ "resource_title": "Sales" })).await.0, status);
    }
    assert_eq!(sim.log().stats().items_accepted, 0);
}
