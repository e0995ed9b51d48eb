//! Targets that stall on every call leave another's throughput as it is.

use purgeline_core::{JobId, JobOptions, JobRequest, JobState, Kind, Resource};
use purgeline_producer::Accept;
use purgeline_providers::ConfiguredTarget;
use purgeline_sim::{Fault, FaultPlan, FaultRule, Options, Phase, Sim, qiniu::QiniuSettings};
use purgeline_tests::{
    ProviderCase, TestEnv, eventually, lifted_limits, merge, provider_case, qiniu, target,
};
use serde_json::json;
use std::time::Instant;

/// One of each provider.
const STALLED: [&ProviderCase; 5] = [
    &provider_case::FORESIGHT,
    &provider_case::HUAWEI,
    &provider_case::QINIU,
    &provider_case::WANGSU,
    &provider_case::ZTGAME,
];

/// The load: jobs, and URLs of each.
const JOBS: usize = 20;
const URLS: usize = 300;

#[tokio::test(flavor = "multi_thread")]
async fn stalled_targets_do_not_slow_another_target() {
    let fine = QiniuSettings { processing_ms: 0, ..QiniuSettings::lifted() }.start().await.unwrap();
    let mut config = qiniu(fine.base_url(), lifted_limits());
    merge(&mut config, json!({ "hosts": ["fine.example.com"] }));
    let mut targets = vec![target("fine", config)];
    let mut stalled = Vec::new();
    for provider in STALLED {
        let (sim, target) = stalling(provider).await;
        stalled.push((provider, sim));
        targets.push(target);
    }
    let env = TestEnv::new(targets).await;

    let worker = env.worker("w1");
    work_off(&env, "warm").await;
    let alone_per_s = median_of_three(&env, "alone").await;

    let mut waiting = Vec::new();
    for (provider, sim) in &stalled {
        waiting.push(submit_to(&env, provider).await);
        sim.wait_for(|log| log.stats().held > 0).await.unwrap();
    }
    let beside_per_s = median_of_three(&env, "beside").await;
    for (provider, sim) in &stalled {
        let stats = sim.log().stats().clone();
        assert!(stats.held > 0 && stats.ended == 0, "{}: not one call has been answered", provider.name);
    }
    for job in &waiting {
        assert_eq!(env.job(*job).await.state, JobState::Active);
    }
    report(alone_per_s, beside_per_s);

    for ((provider, sim), job) in stalled.iter().zip(waiting) {
        sim.set_faults(FaultPlan::default()).unwrap();
        let what = format!("the job at {} ends", provider.name);
        let state = eventually(&what, || async {
            sim.gate().release(usize::MAX);
            let state = env.job(job).await.state;
            (state != JobState::Active).then_some(state)
        });
        assert_eq!(state.await, JobState::Succeeded);
    }
    env.at_rest().await;
    worker.stop().await;
}

/// A target whose provider takes every call and answers none.
async fn stalling(provider: &ProviderCase) -> (Sim, ConfiguredTarget) {
    let sim = purgeline_sim::start(provider.sim, Options::default(), (provider.account)()).await.unwrap();
    sim.fault(FaultRule::new(Fault::Stall { phase: Phase::Before, for_ms: None })).unwrap();
    let mut config = json!({
        "provider": provider.registry_name,
        "hosts": ["stalled.example.com"],
        "timeout_ms": 600_000,
        "settings": { "polls": { "first_ms": 200, "then_ms": 200 } },
    });
    merge(&mut config["settings"], (provider.settings)(sim.base_url()));
    (sim, target(provider.name, config))
}

/// A job of two items for one target.
async fn submit_to(env: &TestEnv, provider: &ProviderCase) -> JobId {
    let mut request = JobRequest {
        options: JobOptions { targets: vec![provider.name.parse().unwrap()], ..JobOptions::default() },
        ..JobRequest::default()
    };
    for name in ["a", "b"] {
        if provider.main_kind() == Kind::Resource {
            request.resources.push(Resource { title: name.to_owned(), params: serde_json::Map::default() });
        } else {
            request.urls.push(format!("https://stalled.example.com/{name}"));
        }
    }
    env.producer.submit(&request, Accept::Whole).await.unwrap().job
}

async fn median_of_three(env: &TestEnv, round: &str) -> f64 {
    let mut per_s = Vec::new();
    for time in 0..3 {
        per_s.push(work_off(env, &format!("{round}-{time}")).await);
    }
    per_s.sort_by(f64::total_cmp);
    per_s[1]
}

/// Works the load off, and gives URLs a second.
async fn work_off(env: &TestEnv, round: &str) -> f64 {
    let begun = Instant::now();
    let mut jobs = Vec::new();
    for job in 0..JOBS {
        let url = |n| format!("https://fine.example.com/{round}/{job}/{n}");
        jobs.push(env.submit(&(0..URLS).map(url).collect::<Vec<_>>(), &[]).await.job);
    }
    for job in jobs {
        assert_eq!(env.ended(job).await.state, JobState::Succeeded);
    }
    (JOBS * URLS) as f64 / begun.elapsed().as_secs_f64()
}

#[expect(clippy::print_stdout, reason = "shown by --no-capture: the figures")]
fn report(alone_per_s: f64, beside_per_s: f64) {
    println!(
        "{} URLs: {alone_per_s:.0} a second alone, {beside_per_s:.0} beside {} targets that stall on every call (medians of three)",
        JOBS * URLS,
        STALLED.len()
    );
}
