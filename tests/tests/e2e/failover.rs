//! The primary dies or falls silent under load, and Sentinel puts a replica in its place: with
//! `durability = "replicated"` what was accepted ends, without it a failover may lose what the
//! replicas lack.

use futures::future::join_all;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use purgeline_core::{
    JobId, JobOptions, JobRequest, JobState,
    config::{Durability, RedisConfig},
};
use purgeline_producer::{Accept, Producer, SubmitError};
use purgeline_providers::ConfiguredTarget;
use purgeline_queue::{Queue, QueueError};
use purgeline_redis_server::{RedisSentinel, RedisServer};
use purgeline_sim::{Sim, qiniu::QiniuSettings};
use purgeline_tests::{
    Calls, PATIENCE, RunningWorker, TestEnv, eventually, lifted_limits, qiniu, target, url,
};
use redis::{Role, cmd};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

const PRODUCERS: usize = 3;
const JOBS_EACH: usize = 40;
const URLS: usize = 6;
/// The primary dies after so many accepted jobs.
const BEFORE: usize = 40;

async fn group() -> RedisSentinel {
    // So short that a test sees it, so long that a busy machine is not taken for a dead server.
    RedisSentinel::builder().down_after_ms(3_000).durability(Durability::Always).start().await.unwrap()
}

async fn provider() -> (Sim, Vec<ConfiguredTarget>) {
    let sim = QiniuSettings { processing_ms: 20, ..QiniuSettings::lifted() }.start().await.unwrap();
    let targets = vec![target("cdn", qiniu(sim.base_url(), lifted_limits()))];
    (sim, targets)
}

fn queue(group: &RedisSentinel, durability: Durability, replicas: u32) -> Queue {
    let config = RedisConfig {
        url: None,
        data_dir: group.servers()[0].dir().to_owned(),
        timeout_ms: 2_000,
        durability,
        replicas: replicas.try_into().unwrap(),
        replication_timeout_ms: 500.try_into().unwrap(),
    };
    Queue::new(&group.url().into(), &config).unwrap()
}

fn request(key: &str) -> JobRequest {
    JobRequest {
        urls: (0..URLS).map(|number| url(format_args!("{key}/{number}"))).collect(),
        options: JobOptions { idempotency_key: Some(key.to_owned()), ..JobOptions::default() },
        ..JobRequest::default()
    }
}

/// Submits until it is accepted.
async fn insist(producer: &Producer, request: &JobRequest) -> JobId {
    let submitting = async {
        loop {
            match producer.submit(request, Accept::Whole).await {
                Ok(submitted) => return submitted.job,
                Err(SubmitError::Queue(QueueError::Redis(_) | QueueError::NotReplicated { .. })) => {
                    tokio::task::yield_now().await;
                }
                Err(error) => panic!("{error}"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, submitting).await.expect("a primary comes back")
}

async fn new_primary(group: &RedisSentinel, old: usize) -> usize {
    eventually("the Sentinels name another primary", || async {
        let primary = group.primary().await.filter(|primary| *primary != old)?;
        let role = group.servers()[primary].ask::<Role>(&cmd("ROLE")).await;
        matches!(role, Ok(Role::Primary { .. })).then_some(primary)
    })
    .await
}

fn signal(server: &RedisServer, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(server.pid().unwrap()).unwrap()), signal).unwrap();
}

/// What fault the primary.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Dies,
    FallsSilent,
}

/// Both replicas must have what is accepted, so that whichever takes over has it.
async fn nothing_accepted_is_lost(fate: Fate) {
    let (mut group, (sim, targets)) = (group().await, provider().await);
    let env = TestEnv::over(queue(&group, Durability::Replicated, 2), targets);
    let workers: Vec<_> = ["w1", "w2"]
        // Each with a connection of its own, as if it were a process of its own.
        .map(|name| RunningWorker::start(&queue(&group, Durability::Always, 1), &env.targets, name))
        .into();
    let accepted = Arc::new(AtomicUsize::new(0));
    let producing: Vec<_> = (0..PRODUCERS)
        .map(|number| {
            let (producer, accepted) = (env.producer.clone(), Arc::clone(&accepted));
            tokio::spawn(async move {
                let mut jobs = Vec::new();
                for job in 0..JOBS_EACH {
                    jobs.push(insist(&producer, &request(&format!("{number}-{job}"))).await);
                    accepted.fetch_add(1, Ordering::SeqCst);
                }
                jobs
            })
        })
        .collect();
    eventually("some jobs are accepted", || async {
        (accepted.load(Ordering::SeqCst) >= BEFORE).then_some(())
    })
    .await;
    match fate {
        Fate::Dies => group.servers_mut()[0].kill(),
        Fate::FallsSilent => signal(&group.servers()[0], Signal::SIGSTOP),
    }
    let primary = new_primary(&group, 0).await;
    // Workers hear of new work from the new primary.
    eventually("workers listen to the new primary", || async {
        let channels: Vec<String> = group.servers()[primary].ask(cmd("PUBSUB").arg("CHANNELS")).await.ok()?;
        (!channels.is_empty()).then_some(())
    })
    .await;
    // The old one comes back and becomes a replica: there are two again.
    match fate {
        Fate::Dies => group.servers_mut()[0].start().await.unwrap(),
        Fate::FallsSilent => signal(&group.servers()[0], Signal::SIGCONT),
    }
    let jobs: Vec<_> = join_all(producing).await.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(jobs.len(), PRODUCERS * JOBS_EACH);

    let mut ended = Vec::new();
    for job in jobs {
        ended.push(env.ended(job).await);
    }
    let calls = Calls::of(&sim.log());
    for job in ended {
        calls.assert_cover(&job);
        let counts = job.parts[&env.target().name].counts;
        assert_eq!((job.state, counts.succeeded), (JobState::Succeeded, URLS as u64), "{job:?}");
    }
    env.at_rest().await;
    for worker in workers {
        assert!(worker.is_running(), "a worker outlives a failover");
        worker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_dies_under_load_takes_nothing_along() {
    nothing_accepted_is_lost(Fate::Dies).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_falls_silent_under_load_takes_nothing_along() {
    nothing_accepted_is_lost(Fate::FallsSilent).await;
}

/// The primary goes on alone, its replicas do not get what it writes, and it dies.
#[tokio::test(flavor = "multi_thread")]
async fn what_replicas_lack_is_lost_and_replicated_does_not_accept_it() {
    let (mut group, (sim, targets)) = (group().await, provider().await);
    let plain = TestEnv::over(queue(&group, Durability::Always, 1), targets.clone());
    let safe = TestEnv::over(queue(&group, Durability::Replicated, 1), targets);
    let kept = insist(&safe.producer, &request("kept")).await;
    let first = &group.servers()[0];
    let rights = ["on", "nopass", "~*", "&*", "+@all", "-psync", "-sync"];
    let () = first.ask(cmd("ACL").arg("SETUSER").arg("default").arg(&rights)).await.unwrap();
    let _: u64 = first.ask(cmd("CLIENT").arg("KILL").arg("TYPE").arg("replica")).await.unwrap();

    let lost = plain.producer.submit(&request("lost"), Accept::Whole).await.unwrap().job;
    let refused = safe.producer.submit(&request("refused"), Accept::Whole).await.unwrap_err();
    let SubmitError::Queue(QueueError::NotReplicated { confirmed: 0, wanted: 1, .. }) = refused else {
        panic!("{refused}");
    };
    assert!(refused.to_string().contains("submit it again"), "{refused}");
    // Repeated, it is there already, and still it is not taken for safe.
    let repeated = safe.producer.submit(&request("refused"), Accept::Whole).await.unwrap_err();
    assert!(matches!(repeated, SubmitError::Queue(QueueError::NotReplicated { .. })), "{repeated}");

    group.servers_mut()[0].kill();
    new_primary(&group, 0).await;
    let job = JobId::from_idempotency_key("refused");
    let known = eventually("the new primary answers", || async {
        let mut known = Vec::new();
        for job in [kept, lost, job] {
            known.push(plain.queue.inspect().job(job, &[]).await.ok()?.is_some());
        }
        Some(known)
    })
    .await;
    assert_eq!(known, [true, false, false], "what was accepted without replicas is lost, as documented");

    // The producer that was refused does as it was told.
    assert_eq!(insist(&safe.producer, &request("refused")).await, job);
    let worker = safe.worker("w1");
    for job in [kept, job] {
        safe.succeeded(job, &sim).await;
    }
    safe.at_rest().await;
    worker.stop().await;
}
