//! `purgeline doctor`: a good Redis is called good, each fault is found.

use crate::support::{Fixture, TARGETS, target};
use purgeline_core::config::Durability;
use purgeline_queue::server::RedisServer;
use serde_json::Value;
use std::fs;

/// The verdict on one check.
fn verdict<'a>(report: &'a Value, check: &str) -> &'a str {
    let checks = report["checks"].as_array().unwrap();
    let found = checks.iter().find(|found| found["check"] == check);
    found.unwrap_or_else(|| panic!("no check {check}: {report:#}"))["verdict"].as_str().unwrap()
}

#[tokio::test]
async fn a_durable_redis_is_good() {
    let redis = RedisServer::for_test().durability(Durability::Always).start().await.unwrap();
    let fixture = Fixture::with(TARGETS, redis);
    fixture.enqueue(&["https://www.example.com/a"]);
    let called = fixture.call(&["doctor", "--deep", "--output", "json"]);
    let report = called.json();
    assert_eq!(called.code, 0, "{report:#}");
    assert_eq!(report["healthy"], true);
    for check in report["checks"].as_array().unwrap() {
        assert_eq!(check["verdict"], "good", "{check}");
    }
    assert_eq!(verdict(&report, "records"), "good");
    let human = fixture.call(&["doctor"]).out;
    assert!(human.ends_with("all that must hold holds\n"), "{human}");
}

#[tokio::test]
async fn a_redis_that_forgets_is_bad() {
    let redis = RedisServer::for_test()
        .option("appendonly", "no")
        .option("appendfsync", "no")
        .option("maxmemory-policy", "allkeys-lru")
        .option("maxmemory", "1mb")
        .start()
        .await
        .unwrap();
    let fixture = Fixture::with(TARGETS, redis);
    let called = fixture.call(&["doctor", "--output", "json"]);
    let report = called.json();
    assert_eq!((called.code, &report["healthy"]), (1, &false.into()), "{report:#}");
    for check in ["redis appendonly", "redis appendfsync", "redis maxmemory-policy"] {
        assert_eq!(verdict(&report, check), "bad", "{report:#}");
    }
    assert_eq!(verdict(&report, "redis memory"), "warning");
}

#[tokio::test]
async fn once_a_second_is_a_warning() {
    let fixture = Fixture::new().await;
    let called = fixture.call(&["doctor", "--output", "json"]);
    assert_eq!(called.code, 0);
    assert_eq!(verdict(&called.json(), "redis appendfsync"), "warning");
}

#[tokio::test]
async fn a_replica_is_bad() {
    let primary = RedisServer::for_test().free_port().start().await.unwrap();
    let port = primary.url().rsplit(':').next().unwrap().trim_end_matches('/').to_owned();
    let replica =
        RedisServer::for_test().option("replicaof", format!("127.0.0.1 {port}")).start().await.unwrap();
    let fixture = Fixture::with(TARGETS, replica);
    let report = fixture.call(&["doctor", "--output", "json"]).json();
    assert_eq!(verdict(&report, "redis role"), "bad");
}

#[tokio::test]
async fn a_lost_record_is_found_by_the_deep_look() {
    let fixture = Fixture::new().await;
    fixture.enqueue(&["https://www.example.com/a"]);
    let queue = fixture.queue();
    let pending = queue.keys().of_target(&target("www"), "pending");
    let _: u64 = redis::cmd("DEL").arg(&pending).query_async(&mut queue.manager()).await.unwrap();
    assert_eq!(fixture.call(&["doctor"]).code, 0, "a quick look does not see it");
    let called = fixture.call(&["doctor", "--deep"]);
    assert_eq!(called.code, 1, "{}", called.out);
    assert!(called.out.contains("BAD      records of www: "), "{}", called.out);
}

#[tokio::test]
async fn a_redis_that_is_away_has_a_code_of_its_own() {
    let mut fixture = Fixture::new().await;
    fixture.redis.kill();
    let doctor = fixture.call(&["doctor", "--output", "json"]);
    assert_eq!(doctor.code, 4, "{}", doctor.err);
    assert_eq!(verdict(&doctor.json(), "redis"), "bad");
    for args in [&["enqueue", "https://www.example.com/a"][..], &["job", "list"], &["target", "list"]] {
        let called = fixture.call(&[&["--output", "json"], args].concat());
        assert_eq!(called.code, 4, "{args:?}: {}", called.err);
        assert_eq!(called.failure()["error"], "redis");
    }
}

#[tokio::test]
async fn a_password_is_never_told() {
    let password = "swordfish-0123456789";
    let fixture = Fixture::new().await;
    fs::write(fixture.config(), format!("redis.url = 'redis://user:{password}@127.0.0.1:1/'")).unwrap();
    for args in [&["doctor"][..], &["job", "list", "-vv"], &["config", "show"]] {
        let called = fixture.call(args);
        assert!(!format!("{}{}", called.out, called.err).contains(password), "{}{}", called.out, called.err);
    }
}
