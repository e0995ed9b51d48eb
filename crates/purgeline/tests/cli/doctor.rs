//! `purgeline doctor`: a good Redis is called good, each fault is found.

use crate::support::{Fixture, TARGETS, target};
use purgeline_core::{TargetName, config::Durability};
use purgeline_queue::{Queue, WorkerInfo};
use purgeline_redis_server::RedisServer;
use redis::AsyncTypedCommands;
use serde_json::Value;
use std::fs;

/// The verdict on one check.
pub(crate) fn verdict<'a>(report: &'a Value, check: &str) -> &'a str {
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
        // No worker runs here: the next test is about that.
        let expected = if check["check"] == "workers" { "warning" } else { "good" };
        assert_eq!(check["verdict"], expected, "{check}");
    }
    assert_eq!(verdict(&report, "records"), "good");
    let human = fixture.call(&["doctor"]).out;
    assert!(human.ends_with("all that must hold holds\n"), "{human}");
}

#[tokio::test]
async fn a_target_that_nobody_works_for_is_named() {
    let fixture = Fixture::new().await;
    let (queue, www) = (fixture.queue(), target("www"));
    let mut worker = WorkerInfo {
        name: "w1".into(),
        version: "0".into(),
        library: Queue::library_name().into(),
        pid: 1,
        targets: vec![],
        since_ms: 0,
        seen_ms: 0,
    };
    queue.work().worker_seen(&mut worker).await.unwrap();
    let found = |report: &Value| {
        let checks = report["checks"].as_array().unwrap();
        checks.iter().find(|check| check["check"] == "workers").unwrap()["found"].as_str().unwrap().to_owned()
    };
    let idle = fixture.call(&["doctor", "--output", "json"]).json();
    assert_eq!(verdict(&idle, "workers"), "warning");
    assert!(found(&idle).contains("1 alive: w1; none for ") && found(&idle).contains("www"), "{idle}");

    worker.targets = fixture_targets();
    assert!(worker.targets.contains(&www.name));
    queue.work().worker_seen(&mut worker).await.unwrap();
    let busy = fixture.call(&["doctor", "--output", "json"]).json();
    assert_eq!((verdict(&busy, "workers"), found(&busy).as_str()), ("good", "1 alive: w1"));
}

/// The targets of the fixture's configuration.
fn fixture_targets() -> Vec<TargetName> {
    let config: toml::Table = TARGETS.parse().unwrap();
    config["targets"].as_table().unwrap().keys().map(|name| name.parse().unwrap()).collect()
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
    let pending = queue.keys().pending(&target("www"));
    let _: u64 = redis::cmd("DEL").arg(&pending).query_async(&mut queue.manager()).await.unwrap();
    assert_eq!(fixture.call(&["doctor"]).code, 0, "a quick look does not see it");
    let called = fixture.call(&["doctor", "--deep"]);
    assert_eq!(called.code, 1, "{}", called.out);
    assert!(called.out.contains("BAD      records of www: "), "{}", called.out);
}

#[tokio::test]
async fn damage_is_mended_and_said() {
    let fixture = Fixture::new().await;
    let mut jobs = Vec::new();
    for page in ["a", "b", "c"] {
        jobs.push(fixture.enqueue(&[&format!("https://www.example.com/{page}")]));
    }
    fixture.enqueue(&["--dir", "https://static.example.com/d/"]);
    let queue = fixture.queue();
    let (keys, www, static_host) = (queue.keys(), target("www"), target("static"));
    let mut redis = queue.manager();
    redis.hdel(keys.pending(&www), "url:https://www.example.com/a").await.unwrap();
    redis.hset(keys.pending(&www), "url:https://www.example.com/b", "nonsense").await.unwrap();
    redis.del(keys.part(&www, jobs[2])).await.unwrap();
    redis.del(keys.lanes(&static_host)).await.unwrap();
    redis.hset(keys.pending(&static_host), "nonsense", "nonsense").await.unwrap();
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.add_filter(r"[0-9A-HJKMNP-TV-Z]{26}", "[ULID]");
    // The jobs' ids differ, and so does their order.
    settings.set_sort_maps(true);

    let called = fixture.call(&["doctor", "--repair"]);
    assert_eq!(called.code, 1, "{}", called.out);
    let lines = called.out.lines().filter(|line| line.contains("mended: ") || line.contains("records of"));
    settings.bind(|| insta::assert_snapshot!("doctor-repair-human", lines.collect::<Vec<_>>().join("\n")));
    redis.hdel(keys.pending(&static_host), "nonsense").await.unwrap();
    redis.zadd(keys.delayed(&www), "url:https://www.example.com/gone", 17).await.unwrap();
    let report = fixture.call(&["doctor", "--repair", "--output", "json"]).json();
    settings.bind(|| insta::assert_json_snapshot!("doctor-repair-json", report["repairs"]));
    assert_eq!(verdict(&report, "records"), "good");
    let again = fixture.call(&["doctor", "--repair", "--output", "json"]);
    assert_eq!((again.code, &again.json()["repairs"]), (0, &Value::Null), "{}", again.out);
    let stats = queue.inspect().stats(&target("www")).await.unwrap();
    assert_eq!((stats.pending, stats.lanes), (3, vec![("normal/url".to_owned(), 5)]));
}

#[tokio::test]
async fn the_library_of_another_version_goes_when_no_worker_uses_it() {
    let fixture = Fixture::new().await;
    fixture.enqueue(&["https://www.example.com/a"]);
    let queue = fixture.queue();
    let other = "purgeline_00000000";
    let text =
        format!("#!lua name={other}\nredis.register_function('{other}_lease', function() return 1 end)");
    let mut load = redis::cmd("FUNCTION");
    let _: String = load.arg("LOAD").arg(text).query_async(&mut queue.manager()).await.unwrap();
    let mut worker = WorkerInfo {
        name: "w-old".into(),
        version: "0".into(),
        library: other.into(),
        pid: 1,
        targets: vec![],
        since_ms: 0,
        seen_ms: 0,
    };
    queue.work().worker_seen(&mut worker).await.unwrap();
    let used = fixture.call(&["doctor", "--repair"]).out;
    let line = used.lines().find(|line| line.contains("redis functions: ")).unwrap();
    assert!(line.starts_with("good ") && line.contains(other) && line.ends_with("(for w-old)"), "{line}");

    queue.work().worker_gone("w-old").await.unwrap();
    let unused = fixture.call(&["doctor"]).out;
    let line = unused.lines().find(|line| line.contains("redis functions: ")).unwrap();
    assert!(line.starts_with("warning ") && line.contains("doctor --repair"), "{line}");
    let repaired = fixture.call(&["doctor", "--repair"]).out;
    let line = repaired.lines().find(|line| line.starts_with("mended: ")).unwrap();
    assert!(line.contains(other) && line.ends_with("it is removed"), "{line}");
    let line = repaired.lines().find(|line| line.contains("redis functions: ")).unwrap();
    assert!(line.ends_with(Queue::library_name()), "{line}");
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
