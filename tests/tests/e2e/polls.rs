//! Accepted batches whose provider has one word for all their items, and quotas that are asked for.

use purgeline_core::{Item, JobState, config::TargetConfig};
use purgeline_providers::ConfiguredTarget;
use purgeline_sim::{
    CallKind, Ending, FateRule, Options, Selector, Sim, huawei::HuaweiSettings, ztgame::ZtgameSettings,
};
use purgeline_tests::{Clocks, TestEnv, eventually, target};
use serde_json::{Value, json};
use std::time::Duration;

/// Limits that no test runs into.
fn wide() -> Value {
    let rate = |unit: &str| json!({"unit": unit, "max": 100_000, "window_ms": 1_000});
    json!({"exceed_documented": true, "rates": [rate("calls"), rate("polls")]})
}

fn ztgame(sim: &Sim) -> ConfiguredTarget {
    target(
        "cdn",
        json!({
            "provider": "ztgame",
            "hosts": ["*.example.com"],
            "retry_initial_ms": 10,
            "retry_max_ms": 50,
            "max_attempts": 3,
            "limits": wide(),
            "settings": {
                "username": "sim-user",
                "password": "sim-password",
                "base_url": sim.base_url(),
                "polls": {"first_ms": 20, "then_ms": 20, "max_ms": 50, "deadline_ms": 600_000},
            },
        }),
    )
}

fn urls(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("https://www.example.com/{n}")).collect()
}

async fn submit(env: &TestEnv, urls: &[String]) -> purgeline_core::JobId {
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    env.submit(&urls, &[]).await.job
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_task_is_split_until_the_bad_item_is_alone() {
    let sim = ZtgameSettings { processing_ms: 10, ..ZtgameSettings::default() }.start().await.unwrap();
    let all = urls(10);
    let culprit = Selector::Exact(all[7].clone());
    sim.fate(FateRule::new(culprit, Ending::Failure("failure".to_owned())));
    let env = TestEnv::new(vec![ztgame(&sim)]).await;
    let worker = env.worker("w1");
    let job = submit(&env, &all).await;

    let ended = env.ended(job).await;
    assert_eq!(ended.state, JobState::Partial);
    let target = env.targets[0].target.clone();
    let counts = ended.parts[&target.name].counts;
    assert_eq!((counts.succeeded, counts.failed), (9, 1));
    let letters = env.queue.inspect().dead_letters(&target, 100).await.unwrap();
    assert_eq!((letters[0].cause.code.as_str(), letters[0].attempts), ("failure", 3));
    assert!(letters[0].item.ends_with("/7"), "{letters:?}");
    // 10, 5 and 5, 3 and 2 (or so), until the culprit is alone; then twice more, as max_attempts says.
    let calls = sim.log().of_kind(CallKind::Purge).count();
    assert!(calls <= 1 + 8 + 2, "{calls} calls");
    env.at_rest().await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_worker_learns_a_spent_quota_before_it_sends() {
    let settings = HuaweiSettings { url_quota_day: 3, processing_ms: 10, ..HuaweiSettings::default() };
    let clocks = Clocks::at("2026-01-02T00:30:00Z");
    let sim = settings.start_with(Options::with_clock(clocks.sim.clone())).await.unwrap();
    let config: TargetConfig = serde_json::from_value(json!({
        "provider": "huawei",
        "hosts": ["*.example.com"],
        "settings": {
            "iam": {
                "user": "sim-user", "password": "sim-password", "domain": "sim-domain",
                "base_url": sim.base_url(),
            },
            "base_url": sim.base_url(),
            "polls": {"first_ms": 20, "then_ms": 20, "max_ms": 50},
        },
    }))
    .unwrap();
    let name = "cdn".parse().unwrap();
    let configured = ConfiguredTarget::resolve(purgeline_core::Target::alone(name), &config).unwrap();
    let env = TestEnv::timed(vec![configured], &clocks).await;
    let succeeded = async |job| {
        eventually("the job succeeds", || async {
            clocks.advance(Duration::from_millis(20));
            (env.job(job).await.state == JobState::Succeeded).then_some(())
        })
        .await;
    };
    let worker = env.worker("w1");
    succeeded(submit(&env, &urls(3)).await).await;
    worker.stop().await;
    let purges = sim.log().of_kind(CallKind::Purge).count();

    // Another worker asks when it starts.
    let worker = env.worker("w2");
    let wait = env.out_of_quota(&Item::url("https://www.example.com/x").unwrap()).await;
    assert_eq!(wait.quota, "urls");
    submit(&env, &urls(4)).await;
    // Directories have a quota of their own, and show that the worker is at work.
    let dirs = env.submit(&[] as &[&str], &["https://www.example.com/a/"]).await.job;
    succeeded(dirs).await;
    assert_eq!(sim.log().of_kind(CallKind::Purge).count(), purges + 1);
    worker.stop().await;
    env.assert_verified().await;
}
