//! Targets that stall on every call leave another's throughput as it is.

use crate::{subject::Subject, subjects};
use purgeline_core::{JobId, JobOptions, JobRequest, JobState, Kind, Resource};
use purgeline_producer::Accept;
use purgeline_providers::ConfiguredTarget;
use purgeline_sim::{Fault, FaultPlan, FaultRule, Options, Phase, Sim, qiniu::QiniuSettings};
use purgeline_tests::{Stage, eventually, lifted_limits, merge, qiniu, target};
use serde_json::json;
use std::time::Instant;

/// One of each provider.
const STALLED: [&Subject; 5] =
    [&subjects::FORESIGHT, &subjects::HUAWEI, &subjects::QINIU, &subjects::WANGSU, &subjects::ZTGAME];

/// The load: jobs, and URLs of each.
const JOBS: usize = 20;
const URLS: usize = 300;

#[tokio::test(flavor = "multi_thread")]
async fn a_target_is_as_fast_beside_targets_that_stall_on_every_call_as_alone() {
    let fine = QiniuSettings { processing_ms: 0, ..QiniuSettings::lifted() }.start().await.unwrap();
    let mut config = qiniu(fine.base_url(), lifted_limits());
    merge(&mut config, json!({ "hosts": ["fine.example.com"] }));
    let mut targets = vec![target("fine", config)];
    let mut stalled = Vec::new();
    for subject in STALLED {
        let (sim, target) = stalling(subject).await;
        stalled.push((subject, sim));
        targets.push(target);
    }
    let stage = Stage::new(targets).await;

    let worker = stage.worker("w1");
    work_off(&stage, "warm").await;
    let alone_per_s = median_of_three(&stage, "alone").await;

    let mut waiting = Vec::new();
    for (subject, sim) in &stalled {
        waiting.push(submit_to(&stage, subject).await);
        sim.wait_for(|log| log.stats().held > 0).await.unwrap();
    }
    let beside_per_s = median_of_three(&stage, "beside").await;
    for (subject, sim) in &stalled {
        let stats = sim.log().stats().clone();
        assert!(stats.held > 0 && stats.ended == 0, "{}: not one call has been answered", subject.name);
    }
    for job in &waiting {
        assert_eq!(stage.job(*job).await.state, JobState::Active);
    }
    report(alone_per_s, beside_per_s);

    for ((subject, sim), job) in stalled.iter().zip(waiting) {
        sim.set_faults(FaultPlan::default()).unwrap();
        let what = format!("the job at {} ends", subject.name);
        let state = eventually(&what, || async {
            sim.gate().release(usize::MAX);
            let state = stage.job(job).await.state;
            (state != JobState::Active).then_some(state)
        });
        assert_eq!(state.await, JobState::Succeeded);
    }
    stage.at_rest().await;
    worker.stop().await;
}

/// A target whose provider takes every call and answers none.
async fn stalling(subject: &Subject) -> (Sim, ConfiguredTarget) {
    let sim = purgeline_sim::start(subject.sim, Options::default(), (subject.account)()).await.unwrap();
    sim.fault(FaultRule::new(Fault::Stall { phase: Phase::Before, for_ms: None })).unwrap();
    let mut config = json!({
        "provider": subject.provider,
        "hosts": ["stalled.example.com"],
        "timeout_ms": 600_000,
        "settings": { "polls": { "first_ms": 200, "then_ms": 200 } },
    });
    merge(&mut config["settings"], (subject.settings)(sim.base_url()));
    (sim, target(subject.name, config))
}

/// A job of two items for one target.
async fn submit_to(stage: &Stage, subject: &Subject) -> JobId {
    let mut request = JobRequest {
        options: JobOptions { targets: vec![subject.name.parse().unwrap()], ..JobOptions::default() },
        ..JobRequest::default()
    };
    for name in ["a", "b"] {
        if subject.main_kind() == Kind::Resource {
            request.resources.push(Resource { title: name.to_owned(), params: serde_json::Map::default() });
        } else {
            request.urls.push(format!("https://stalled.example.com/{name}"));
        }
    }
    stage.producer.submit(&request, Accept::Whole).await.unwrap().job
}

async fn median_of_three(stage: &Stage, round: &str) -> f64 {
    let mut per_s = Vec::new();
    for time in 0..3 {
        per_s.push(work_off(stage, &format!("{round}-{time}")).await);
    }
    per_s.sort_by(f64::total_cmp);
    per_s[1]
}

/// Works the load off, and gives URLs a second.
async fn work_off(stage: &Stage, round: &str) -> f64 {
    let begun = Instant::now();
    let mut jobs = Vec::new();
    for job in 0..JOBS {
        let url = |n| format!("https://fine.example.com/{round}/{job}/{n}");
        jobs.push(stage.submit(&(0..URLS).map(url).collect::<Vec<_>>(), &[]).await.job);
    }
    for job in jobs {
        assert_eq!(stage.ended(job).await.state, JobState::Succeeded);
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
