//! redis-server dies by SIGKILL under load and comes back: what was acknowledged ends, what was
//! not is repeated by its producer and counts once, and workers ride it out.

use futures::future::join_all;
use purgeline_core::{JobOptions, JobRequest, JobState, PartCounts, config::WorkerConfig};
use purgeline_producer::{Accept, Producer, SubmitError, Submitted};
use purgeline_queue::{Queue, QueueError};
use purgeline_sim::{CallKind, qiniu::QiniuSettings};
use purgeline_tests::{
    Calls, PATIENCE, RETENTION, RunningWorker, TestEnv, eventually, lifted_limits, merge, qiniu, target, url,
    worker_config,
};
use purgeline_worker::Worker;
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

const PRODUCERS: usize = 4;
const JOBS_EACH: usize = 60;
const URLS: usize = 12;
/// A kill after each so many acknowledged jobs.
const BETWEEN_KILLS: usize = 60;

/// URLs of a job: some are its own, some are shared by all, so that records are joined and
/// leased while Redis dies.
fn request(producer: usize, job: usize) -> JobRequest {
    let own = (0..URLS / 2).map(|number| url(format_args!("{producer}/{job}/{number}")));
    let shared = (0..URLS / 2).map(|number| url(format_args!("shared/{}", (job + number) % 40)));
    JobRequest {
        urls: own.chain(shared).collect(),
        options: JobOptions {
            idempotency_key: Some(format!("producer {producer} job {job}")),
            ..JobOptions::default()
        },
        ..JobRequest::default()
    }
}

/// Submits until it is acknowledged.
async fn insist(producer: &Producer, request: &JobRequest) -> Submitted {
    let submitting = async {
        loop {
            match producer.submit(request, Accept::Whole).await {
                Ok(submitted) => return submitted,
                Err(SubmitError::Queue(QueueError::Redis(_))) => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, submitting).await.expect("Redis comes back")
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_killed_under_load_and_started_again() {
    let sim = QiniuSettings { processing_ms: 20, ..QiniuSettings::lifted() }.start().await.unwrap();
    let mut config = qiniu(sim.base_url(), lifted_limits());
    merge(&mut config, json!({"limits": {"max_urls": 7}}));
    let mut env = TestEnv::durable(vec![target("cdn", config)]).await;
    let config = WorkerConfig { lease_ms: 3_000.try_into().unwrap(), ..worker_config() };
    let workers: Vec<_> = ["w1", "w2"]
        .map(|name| {
            // Each with a connection of its own, as if it were a process of its own.
            let queue = Queue::open(env.redis().url()).unwrap();
            let targets = env.targets.clone();
            let worker = Worker::new(queue.work(), targets, config.clone(), RETENTION, name);
            RunningWorker::run(worker)
        })
        .into();
    let acknowledged = Arc::new(AtomicUsize::new(0));
    let producing: Vec<_> = (0..PRODUCERS)
        .map(|number| {
            let (producer, acknowledged) = (env.producer.clone(), Arc::clone(&acknowledged));
            tokio::spawn(async move {
                let mut submitted = Vec::new();
                for job in 0..JOBS_EACH {
                    submitted.push(insist(&producer, &request(number, job)).await);
                    acknowledged.fetch_add(1, Ordering::SeqCst);
                }
                submitted
            })
        })
        .collect();

    let mut kills = 0;
    while (kills + 1) * BETWEEN_KILLS < PRODUCERS * JOBS_EACH {
        eventually("more jobs are acknowledged", || async {
            (acknowledged.load(Ordering::SeqCst) >= (kills + 1) * BETWEEN_KILLS).then_some(())
        })
        .await;
        env.redis_mut().kill();
        env.redis_mut().start().await;
        kills += 1;
    }
    let submitted: Vec<_> =
        join_all(producing).await.into_iter().flat_map(|producer| producer.unwrap()).collect();
    assert_eq!((kills, submitted.len()), (3, PRODUCERS * JOBS_EACH));

    let mut jobs = Vec::new();
    for submitted in submitted {
        jobs.push(env.ended(submitted.job).await);
    }
    let calls = Calls::of(&sim.log());
    for job in jobs {
        calls.assert_cover(&job);
        let all = URLS as u64;
        let counts = PartCounts { items: all, succeeded: all, failed: 0, cancelled: 0 };
        assert_eq!((job.state, job.parts[&env.target().name].counts), (JobState::Succeeded, counts));
    }
    env.at_rest().await;
    for worker in workers {
        assert!(worker.is_running(), "a worker outlives Redis");
        worker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_may_start_and_stop_while_redis_is_away() {
    let sim = QiniuSettings { processing_ms: 10, ..QiniuSettings::lifted() }.start().await.unwrap();
    let mut env = TestEnv::durable(vec![target("cdn", qiniu(sim.base_url(), json!({})))]).await;
    let submitted = env.submit(&[url("a")], &[]).await;
    env.redis_mut().kill();
    let early = env.worker("early");
    env.worker("brief").stop().await;
    env.redis_mut().start().await;
    env.succeeded(submitted.job, &sim).await;
    env.at_rest().await;
    env.redis_mut().kill();
    assert!(early.is_running());
    early.stop().await;
}

/// The provider has answered, and Redis is away: what it said is written when Redis is back, and
/// nothing is sent twice.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_while_redis_is_away_is_not_lost() {
    let sim = QiniuSettings { processing_ms: 10, ..QiniuSettings::lifted() }.start().await.unwrap();
    let mut env = TestEnv::durable(vec![target("cdn", qiniu(sim.base_url(), json!({})))]).await;
    sim.gate().close_for(CallKind::Purge);
    let worker = env.worker("w1");
    let submitted = env.submit(&[url("a"), url("b")], &[]).await;
    sim.wait_for(|log| log.stats().held == 1).await.unwrap();
    env.redis_mut().kill();
    sim.gate().open();
    sim.wait_for(|log| log.stats().codes.get("200").copied() == Some(1)).await.unwrap();
    env.redis_mut().start().await;

    env.succeeded(submitted.job, &sim).await;
    assert_eq!(sim.log().carrying(&url("a")).count(), 1);
    env.at_rest().await;
    worker.stop().await;
}
