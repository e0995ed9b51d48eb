//! `purgeline config`, and what a wrong configuration does to every command.

use crate::support::{Fixture, program};
use purgeline_redis_server::RedisServer;
use std::fs;

#[tokio::test]
async fn an_unknown_key_ends_every_command() {
    let redis = RedisServer::for_test().start().await.unwrap();
    let fixture = Fixture::with("[worker]\nlease = 5", redis);
    for args in [
        &["config", "check"][..],
        &["config", "show"],
        &["worker"],
        &["enqueue", "https://www.example.com/"],
        &["job", "list"],
        &["doctor"],
    ] {
        let called = fixture.call(args);
        assert_eq!(called.code, 3, "{args:?}: {}", called.err);
        let key = "worker.lease (in ";
        assert!(called.err.contains(key), "{args:?}: {}", called.err);
        assert!(
            called.err.contains("unknown key; did you mean worker.lease_ms?"),
            "{args:?}: {}",
            called.err
        );
    }
}

#[tokio::test]
async fn show_and_check_answer_without_secrets() {
    let fixture = Fixture::new().await;
    let check = fixture.call(&["config", "check"]);
    assert_eq!(check.out, "the configuration is good; targets: static, www\n");
    let check = fixture.call(&["config", "check", "--output", "json"]).json();
    assert_eq!(check, serde_json::json!({ "valid": true, "targets": ["static", "www"] }));
    for format in ["human", "json"] {
        let show = fixture.call(&["config", "show", "--output", format]);
        assert_eq!(show.code, 0, "{}", show.err);
        assert!(!show.out.contains("sim-secret-key"), "{}", show.out);
        assert!(show.out.contains("www.example.com"), "{}", show.out);
    }
}

#[tokio::test]
async fn a_worker_needs_secrets_that_a_producer_does_not() {
    let redis = RedisServer::for_test().start().await.unwrap();
    let targets = "[targets.q]\nprovider = 'qiniu'\nhosts = ['static.example.com']\n\
                   settings = { access_key = 'a', secret_key_file = '/nonexistent/key' }";
    let fixture = Fixture::with(targets, redis);
    fixture.enqueue(&["https://static.example.com/a"]);
    for args in [&["worker"][..], &["config", "check"], &["doctor"]] {
        let called = fixture.call(args);
        assert_eq!(called.code, 3, "{args:?}: {}", called.err);
        let says = "targets.q.settings.secret_key_file: /nonexistent/key cannot be read";
        assert!(called.err.contains(says), "{args:?}: {}", called.err);
    }
}

#[tokio::test]
async fn the_environment_wins() {
    let fixture = Fixture::new().await;
    let output = fixture
        .command()
        .args(["config", "show", "--output", "json"])
        .env("PURGELINE__WORKER__CONCURRENCY", "3")
        .env("PURGELINE__TARGETS__WWW__HOSTS", "[\"a.example\"]")
        .output()
        .unwrap();
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(shown["worker"]["concurrency"], 3);
    assert_eq!(shown["targets"]["www"]["hosts"], serde_json::json!(["a.example"]));
}

#[test]
fn each_shell_has_its_completions() {
    for shell in ["bash", "zsh", "fish"] {
        let output = program().args(["completions", shell]).output().unwrap();
        assert!(output.status.success());
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(script.contains("idempotency-key"), "{shell}");
    }
}

#[test]
fn the_exit_codes_are_documented() {
    let help = String::from_utf8(program().arg("--help").output().unwrap().stdout).unwrap();
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    for code in 0..=5 {
        assert!(help.contains(&format!("\n  {code}  ")), "{code} is not in --help:\n{help}");
        assert!(readme.contains(&format!(" {code} ")), "{code} is not in the README");
    }
}
