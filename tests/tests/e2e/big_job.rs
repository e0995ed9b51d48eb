//! A job of 100,000 URLs.

use crate::CHILD;
use nix::sys::signal::Signal;
use purgeline_core::{JobId, JobOptions, JobRequest, JobState, PartCounts};
use purgeline_producer::Accept;
use purgeline_sim::{Sim, qiniu::QiniuSettings};
use purgeline_tests::{
    Calls, ChildProcess, ChildTask, Relay, TestEnv, lifted_limits, many_urls, qiniu, target,
};

const URLS: usize = 100_000;
/// 60 URLs a call.
const LEAST_CALLS: u64 = 1_667;
const KEY: &str = "the whole site";

async fn env() -> (Sim, serde_json::Value, TestEnv) {
    let sim = QiniuSettings { processing_ms: 0, ..QiniuSettings::lifted() }.start().await.unwrap();
    let config = qiniu(sim.base_url(), lifted_limits());
    let env = TestEnv::new(vec![target("cdn", config.clone())]).await;
    (sim, config, env)
}

fn request() -> JobRequest {
    let options = JobOptions { idempotency_key: Some(KEY.into()), ..JobOptions::default() };
    JobRequest { urls: many_urls(URLS), options, ..JobRequest::default() }
}

/// Works it off, and finds each URL purged once in hardly more calls than it takes.
async fn assert_worked_off(env: &TestEnv, sim: &Sim, job: JobId) {
    let worker = env.worker("w1");
    let job = env.ended(job).await;
    let all = URLS as u64;
    assert_eq!(job.state, JobState::Succeeded);
    assert_eq!(
        job.parts[&env.target().name].counts,
        PartCounts { items: all, succeeded: all, failed: 0, cancelled: 0 }
    );
    let log = sim.log();
    assert_eq!(Calls::of(&log).distinct(), URLS);
    assert_eq!((log.stats().items_asked, log.stats().items_refused), (all, 0));
    assert!(log.stats().purge_calls * 100 <= LEAST_CALLS * 101, "{} calls", log.stats().purge_calls);
    env.at_rest().await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_100_000_urls_takes_as_few_calls_as_can_be() {
    let (sim, _, env) = env().await;
    let submitted = env.producer.submit(&request(), Accept::Whole).await.unwrap();
    assert_eq!((submitted.items, submitted.targets[0].new), (URLS, URLS as u64));
    assert_worked_off(&env, &sim, submitted.job).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_producer_killed_half_way_and_started_again_counts_each_item_once() {
    let (sim, config, env) = env().await;
    let Some(dir) = env.redis().alone("its connections are cut on the way, by a relay before one socket")
    else {
        return;
    };
    let submit = |redis: &str| ChildTask::Submit {
        redis: redis.to_owned(),
        target: "cdn".to_owned(),
        config: config.clone(),
        key: KEY.to_owned(),
        urls: URLS,
    };
    // About half of the job gets through, up to the middle of a command.
    let relay = Relay::past(dir, 3_000_000).await;
    let producer = ChildProcess::start(CHILD, &submit(relay.url()));
    relay.blocked().await;
    producer.signal(Signal::SIGKILL);
    producer.killed().await;
    relay.cut().await;
    let job = JobId::from_idempotency_key(KEY);
    let enqueued = env.job(job).await.parts[&env.target().name].enqueued;
    assert!((10_000..90_000).contains(&enqueued), "{enqueued} were enqueued");

    ChildProcess::start(CHILD, &submit(env.redis().url())).succeeded().await;
    assert_eq!(env.job(job).await.parts[&env.target().name].enqueued, URLS as u64);
    // Whoever repeats it once more adds nothing.
    let repeated = env.producer.submit(&request(), Accept::Whole).await.unwrap();
    assert_eq!((repeated.job, repeated.repeated, repeated.targets[0].new), (job, true, 0));
    assert_worked_off(&env, &sim, job).await;
}
