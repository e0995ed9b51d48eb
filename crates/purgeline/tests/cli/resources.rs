//! Data resources: from `enqueue --resource` to the end of the job, and the caches that hold them.

use crate::{support::Fixture, work::Service};
use purgeline_redis_server::RedisServer;
use purgeline_sim::{CallKind, Sim, foresight::ForesightSettings};
use serde_json::Value;

async fn simulator() -> Sim {
    let resources = Some(vec!["Sales".to_owned(), "Sales, \"EU\" & more".to_owned()]);
    ForesightSettings { processing_ms: 1, resources, ..ForesightSettings::default() }.start().await.unwrap()
}

async fn fixture(sim: &Sim) -> Fixture {
    let targets = format!(
        r#"
        [targets.fmp]
        provider = "foresight"
        [targets.fmp.settings]
        base_url = "{}"
        token = "sim-token"
        polls = {{ first_ms = 1, then_ms = 10, max_ms = 10 }}

        [targets.www]
        provider = "http"
        hosts = ["www.example.com"]
        settings.nodes = ["http://127.0.0.1:9"]
        "#,
        sim.base_url()
    );
    Fixture::with(&targets, RedisServer::for_test().start().await.unwrap())
}

/// What the simulator was asked to refresh, in order.
fn refreshed(sim: &Sim) -> Vec<Value> {
    let log = sim.log();
    log.of_kind(CallKind::Purge).map(|call| serde_json::from_str(&call.items[0].item.name).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_is_refreshed_with_its_parameters() {
    let sim = simulator().await;
    let fixture = fixture(&sim).await;
    let worker = Service::worker(&mut fixture.command());
    let sales = ["--resource", "Sales", "--param", "year=2026", "--param", "area=EU"];
    let called = fixture.call(&[&["enqueue", "--target", "fmp", "--wait"], &sales[..]].concat());
    assert_eq!(called.code, 0, "{}{}", called.out, called.err);
    assert_eq!(refreshed(&sim), [serde_json::json!({"resource_title": "Sales", "year": 2026, "area": "EU"})]);

    // The JSON form, and no target named: whoever takes resources.
    let line = r#"resource {"title": "Sales, \"EU\" & more", "params": {"of": [1, "two"], "open": true}}"#;
    let called = fixture.call_with_input(&["enqueue", "--wait", "-f", "-"], line.as_bytes());
    assert_eq!(called.code, 0, "{}{}", called.out, called.err);
    assert_eq!(
        refreshed(&sim)[1],
        serde_json::json!({"resource_title": "Sales, \"EU\" & more", "of": [1, "two"], "open": true})
    );

    // One that the server does not have fails with its words.
    let called = fixture.call(&["enqueue", "--wait", "--resource", "Costs"]);
    assert_eq!(called.code, 1, "{}{}", called.out, called.err);
    assert!(called.out.contains("http-404"), "{}", called.out);
    worker.stop();
    assert_eq!(fixture.call(&["doctor", "--deep"]).code, 0);
}

#[tokio::test]
async fn resources_that_cannot_be_are_refused_where_they_stand() {
    let sim = simulator().await;
    let fixture = fixture(&sim).await;
    let lines = b"https://www.example.com/a\nresource {\"title\": \"\"}\nresource Sales\n";
    let called = fixture.call_with_input(&["enqueue", "--output", "json", "--partial", "-f", "-"], lines);
    assert_eq!(called.code, 0, "{}", called.err);
    let answer = called.json();
    let refused: Vec<_> = answer["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["kind"].as_str().unwrap(), item["line"].as_u64().unwrap()))
        .collect();
    assert_eq!(refused, [("line", 3), ("resource", 2)]);

    let called = fixture.call(&["enqueue", "--target", "www", "--resource", "Sales"]);
    assert_eq!(called.code, 2);
    assert!(called.err.contains("no target takes resources"), "{}", called.err);
    for (args, words) in [
        (&["--param", "year=2026", "https://www.example.com/a"][..], "--resource"),
        (&["--resource", "Sales", "--param", "year"][..], "expected NAME=VALUE"),
        (&["--resource", "Sales", "--param", "a=1", "--param", "a=2"][..], "--param a is given twice"),
    ] {
        let called = fixture.call(&[&["enqueue"], args].concat());
        assert_eq!(called.code, 2);
        assert!(called.err.contains(words), "{}", called.err);
    }
    assert_eq!(refreshed(&sim).len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_caches_of_a_target_are_shown_without_tokens() {
    let sim = simulator().await;
    let fixture = fixture(&sim).await;
    let called = fixture.call(&["target", "cache", "fmp"]);
    assert_eq!(called.code, 0, "{}", called.err);
    let shown: Vec<Vec<_>> = called.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(shown[0], ["USER", "DEVICE", "SYNCHRONISED", "VERSION", "ETAG"]);
    assert_eq!(shown[1][..4], ["(this", "target's", "token)", "sim-device"]);
    let answer = fixture.call(&["target", "cache", "fmp", "--output", "json"]).json();
    let cache = &answer["caches"][0];
    assert_eq!((&answer["target"], &cache["version"]), (&"fmp".into(), &1.into()));
    assert!(cache["etag"].is_string() && cache["sync_datetime"].is_string(), "{answer}");
    assert!(!called.out.contains("sim-token") && !answer.to_string().contains("sim-token"));

    let called = fixture.call(&["target", "cache", "www"]);
    assert_eq!(called.code, 1);
    assert!(called.err.contains("target www: not-offered: this provider does not list"), "{}", called.err);
    sim.stop().await;
    let called = fixture.call(&["target", "cache", "fmp", "--output", "json"]);
    assert_eq!((called.code, &called.failure()["error"]), (1, &"provider".into()));
}
