//! The commands on a Redis Cluster and behind Sentinel, and what `doctor` says of them.

use crate::{
    doctor::verdict,
    support::{Called, Fixture, TARGETS},
};
use purgeline_core::config::Durability;
use purgeline_redis_server::{RedisCluster, RedisSentinel};
use std::fs;

/// Every command that asks Redis, on a job of two items.
fn assert_commands_work(fixture: &Fixture) {
    let job = fixture
        .enqueue(&["https://www.example.com/a", "https://www.example.com/b", "--idempotency-key", "k"])
        .to_string();
    for (args, expected) in [
        (&["job", "show", &job][..], "active"),
        (&["job", "list"], &job),
        (&["target", "list"], "www"),
        (&["target", "show", "www"], "2"),
        (&["dead", "list"], ""),
    ] {
        let called = fixture.call(args);
        assert_eq!(called.code, 0, "{args:?}: {}{}", called.out, called.err);
        assert!(called.out.contains(expected), "{args:?}: {}", called.out);
    }
}

fn doctor(fixture: &Fixture) -> Called {
    fixture.call(&["doctor", "--deep", "--output", "json"])
}

fn configure(fixture: &Fixture, redis: &str) {
    fs::write(fixture.config(), format!("[redis]\n{redis}\n{TARGETS}")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_as_good_as_one_server() {
    let cluster = RedisCluster::start(3, Durability::Always).await.unwrap();
    let fixture = Fixture::new().await;
    configure(&fixture, &format!("url = \"{}\"", cluster.url()));
    assert_commands_work(&fixture);
    let called = doctor(&fixture);
    let report = called.json();
    assert_eq!((called.code, verdict(&report, "redis cluster")), (0, "good"), "{report:#}");
    assert_eq!(verdict(&report, "records"), "good");
    for master in cluster.masters() {
        let address = master.url().trim_start_matches("redis://").trim_end_matches('/');
        assert_eq!(verdict(&report, &format!("redis appendonly at {address}")), "good");
    }

    // One node of it, named as if it stood alone, is not: the advice says how to name it.
    configure(&fixture, &format!("url = \"{}\"", cluster.masters()[0].url()));
    let alone = fixture.call(&["doctor"]);
    assert!(alone.out.contains("redis+cluster://"), "{}", alone.out);

    // No replica confirms anything here.
    let replicated = "durability = \"replicated\"\nreplication_timeout_ms = 50";
    configure(&fixture, &format!("url = \"{}\"\n{replicated}", cluster.url()));
    let refused = fixture.call(&["--output", "json", "enqueue", "https://www.example.com/c"]);
    assert_eq!((refused.code, &refused.failure()["error"]), (4, &"not_replicated".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn sentinels_and_replicas_are_looked_at() {
    let group = RedisSentinel::builder().durability(Durability::Always).start().await.unwrap();
    let fixture = Fixture::new().await;
    let configure = |replicas: u32| {
        let replicated = format!("durability = \"replicated\"\nreplicas = {replicas}");
        configure(&fixture, &format!("url = \"{}\"\n{replicated}", group.url()));
    };
    configure(1);
    assert_commands_work(&fixture);
    let report = doctor(&fixture).json();
    assert_eq!(verdict(&report, "redis sentinels"), "good", "{report:#}");
    assert_eq!(verdict(&report, "redis replicas"), "good", "{report:#}");
    assert_eq!(verdict(&report, "redis min-replicas-to-write"), "warning", "{report:#}");
    let mut set = redis::cmd("CONFIG");
    set.arg("SET").arg("min-replicas-to-write").arg(1);
    let () = group.servers()[0].ask(&set).await.unwrap();
    assert_eq!(verdict(&doctor(&fixture).json(), "redis min-replicas-to-write"), "good");

    configure(3);
    let called = doctor(&fixture);
    assert_eq!((called.code, verdict(&called.json(), "redis replicas")), (1, "bad"));
}
