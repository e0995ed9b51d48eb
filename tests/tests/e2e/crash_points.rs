//! A worker dies by SIGKILL at each of its named points; a healthy one finishes what it left.

use crate::CHILD;
use nix::sys::signal::Signal;
use purgeline_core::{Cause, Class, Item, JobState, PartCounts};
use purgeline_queue::{Asked, BreakerPolicy, Fate, HoldName};
use purgeline_sim::{
    CallKind, Sim,
    qiniu::{BadItems, QiniuSettings},
};
use purgeline_tests::{
    Calls, ChildProcess, ProcessFault, RunningWorker, TestCache, TestEnv, WorkerTiming, qiniu, target, url,
};
use purgeline_worker::{CrashPoint, FaultHook};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

/// One test for each point. A point that is not in the list is a list of another length than
/// [`CrashPoint::ALL`], which does not compile.
macro_rules! at_each_crash_point {
    ($($name:ident: $point:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                killed_at(CrashPoint::$point).await;
            }
        )*

        #[test]
        fn every_crash_point_has_its_test() {
            let tested: [CrashPoint; CrashPoint::ALL.len()] = [$(CrashPoint::$point),*];
            assert_eq!(tested, CrashPoint::ALL);
        }
    };
}

at_each_crash_point! {
    killed_before_a_lease: Paced,
    killed_when_items_are_leased: Leased,
    killed_when_items_are_leased_as_a_probe: Probing,
    killed_when_items_are_returned_unsent: GivenBack,
    killed_when_the_call_is_about_to_be_made: Sending,
    killed_when_a_lease_is_renewed: Renewed,
    killed_when_the_provider_has_answered: Answered,
    killed_when_the_call_is_recorded_at_the_breaker: Heard,
    killed_when_signals_are_written: SignalsWritten,
    killed_when_outcomes_are_written: Settled,
    killed_when_the_receipt_is_written: SubmittedWritten,
    killed_when_a_batch_is_split: Split,
    killed_when_open_batches_are_taken: PollTaken,
    killed_when_the_provider_has_answered_a_poll: PollAnswered,
    killed_when_the_poll_is_recorded_at_the_breaker: PollHeard,
    killed_when_the_ends_of_a_poll_are_written: PollSettled,
    killed_when_the_next_poll_is_scheduled: PutOff,
    killed_when_expired_leases_are_reaped: Reaped,
    killed_when_the_outbox_is_relayed: Carried,
}

/// What the provider makes of the URLs a, b, bad and c, so that the point is reached, and what must
/// be seen of a worker's death there.
struct Scenario {
    bad_items: Option<BadItems>,
    /// Purge calls by both workers.
    calls: usize,
    /// Items that the dead worker's lease held, and that were taken from it when it ran out.
    reaped: u64,
}

impl Scenario {
    fn of(point: CrashPoint) -> Self {
        let plain = |calls, reaped| Self { bad_items: None, calls, reaped };
        match point {
            CrashPoint::Leased | CrashPoint::Probing | CrashPoint::Sending | CrashPoint::Reaped => {
                plain(1, 4)
            }
            CrashPoint::Renewed | CrashPoint::Answered | CrashPoint::Heard | CrashPoint::SignalsWritten => {
                plain(2, 4)
            }
            // The bad URL has failed already; the lease holds the others.
            CrashPoint::Settled => Self { bad_items: Some(BadItems::Partial), calls: 2, reaped: 3 },
            // Refused whole; then a and b, and the other half until the bad one is alone.
            CrashPoint::Split => Self { bad_items: Some(BadItems::RefuseUnnamed), calls: 5, reaped: 0 },
            CrashPoint::Paced
            | CrashPoint::GivenBack
            | CrashPoint::SubmittedWritten
            | CrashPoint::PollTaken
            | CrashPoint::PollAnswered
            | CrashPoint::PollHeard
            | CrashPoint::PollSettled
            | CrashPoint::PutOff
            | CrashPoint::Carried => plain(1, 0),
        }
    }
}

/// Has a worker killed at a point, in the circumstances in which it comes there.
async fn kill(point: CrashPoint, env: &TestEnv, sim: &Sim, config: &Value) {
    let child = |timing, point| {
        ChildProcess::worker_of(timing, CHILD, env, config, Some((point, ProcessFault::Kill)))
    };
    match point {
        CrashPoint::Probing => {
            let policy = BreakerPolicy { failures: 1, probe_ms: 1, max_probe_ms: 1 };
            let refused = Fate::Unauthorised(Cause::new(Class::Unauthorised, "401", "words"));
            env.queue.work().answered(env.target(), Asked::Question, &refused, &policy).await.unwrap();
            child(WorkerTiming::default(), point).killed().await;
        }
        // Whatever it does comes too late.
        CrashPoint::GivenBack => {
            child(WorkerTiming { headroom_ms: 0, ..WorkerTiming::default() }, point).killed().await;
        }
        CrashPoint::Renewed => {
            sim.gate().close_for(CallKind::Purge);
            child(WorkerTiming { lease_ms: 1_500, ..WorkerTiming::default() }, point).killed().await;
            sim.gate().open();
        }
        CrashPoint::Reaped => {
            child(WorkerTiming::default(), CrashPoint::Leased).killed().await;
            ChildProcess::outlive_leases(env).await;
            // Lest it sends before it is killed.
            let cause = Cause::new(Class::Delay, "by-hand", "words");
            env.queue.operate().hold(env.target(), HoldName::Paused, None, &cause, "test").await.unwrap();
            child(WorkerTiming::default(), point).killed().await;
            env.queue.operate().release(env.target(), HoldName::Paused).await.unwrap();
        }
        _ => child(WorkerTiming::default(), point).killed().await,
    }
}

async fn killed_at(point: CrashPoint) {
    let Scenario { bad_items, calls, reaped } = Scenario::of(point);
    let mut settings = QiniuSettings { processing_ms: 50, ..QiniuSettings::lifted() };
    if let Some(bad_items) = bad_items {
        settings.bad_urls = [url("bad")].into();
        settings.bad_items = bad_items;
    }
    let sim = settings.start().await.unwrap();
    let config = qiniu(sim.base_url(), json!({"limits": {"max_in_flight": 1}}));
    let env = TestEnv::new(vec![target("cdn", config.clone())]).await;
    let submitted = env.submit(&[url("a"), url("b"), url("bad"), url("c")], &[]).await;

    kill(point, &env, &sim, &config).await;
    ChildProcess::outlive_leases(&env).await;
    let worker = env.worker("healthy");
    let job = env.ended(submitted.job).await;
    env.at_rest().await;

    let failed = u64::from(bad_items.is_some());
    let expected = PartCounts { items: 4, succeeded: 4 - failed, failed, cancelled: 0 };
    assert_eq!((job.state, job.parts[&env.target().name].counts), (expected.state(), expected));
    let (log, seen) = (sim.log(), Calls::of(&sim.log()));
    for name in ["a", "b", "c"] {
        let item = Item::url(&url(name)).unwrap();
        assert!(seen.cover(&item, job.submitted_ms), "{name}");
    }
    assert_eq!(log.of_kind(CallKind::Purge).count(), calls);
    // What it held came back when its lease had run out, by nothing else.
    assert_eq!(env.counter("reaped").await, reaped);
    assert_eq!(env.stats().await.dead_letters, failed);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_its_call_is_at_the_provider() {
    // The account refuses what it still refreshes, as Qiniu really does.
    let settings = QiniuSettings { existing: true, processing_ms: 50, ..QiniuSettings::lifted() };
    let sim = settings.start().await.unwrap();
    let config = qiniu(sim.base_url(), json!({}));
    let env = TestEnv::new(vec![target("cdn", config.clone())]).await;
    let submitted = env.submit(&[url("a"), url("b")], &[]).await;
    sim.gate().close_for(CallKind::Purge);
    let child = ChildProcess::worker(CHILD, &env, &config, None);
    sim.wait_for(|log| log.stats().held == 1).await.unwrap();
    child.signal(Signal::SIGKILL);
    child.killed().await;
    ChildProcess::outlive_leases(&env).await;
    sim.gate().open();

    let worker = env.worker("healthy");
    env.succeeded(submitted.job, &sim).await;
    env.at_rest().await;
    assert_eq!(env.counter("reaped").await, 2);
    worker.stop().await;
}

/// A worker that stands still for longer than its lease and then goes on changes nothing: neither
/// by sending what has been sent in its stead, nor by what it has learned.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_stopped_past_its_lease_changes_nothing() {
    for (point, calls) in [(CrashPoint::Leased, 1), (CrashPoint::Answered, 2)] {
        let sim = QiniuSettings { processing_ms: 10, ..QiniuSettings::lifted() }.start().await.unwrap();
        let config = qiniu(sim.base_url(), json!({}));
        let env = TestEnv::new(vec![target("cdn", config.clone())]).await;
        let first = env.submit(&[url("a"), url("b")], &[]).await;
        let child = ChildProcess::worker(CHILD, &env, &config, Some((point, ProcessFault::Stop)));
        child.stopped().await;
        ChildProcess::outlive_leases(&env).await;
        let worker = env.worker("healthy");
        env.succeeded(first.job, &sim).await;
        worker.stop().await;

        child.signal(Signal::SIGCONT);
        let second = env.submit(&[url("c")], &[]).await;
        env.succeeded(second.job, &sim).await;
        child.signal(Signal::SIGTERM);
        child.succeeded().await;
        assert_eq!(sim.log().carrying(&url("a")).count(), calls, "stopped at {point:?}");
        assert_eq!(env.job(first.job).await.state, JobState::Succeeded);
        env.at_rest().await;
    }
}

// === caches, whose calls are the end ===

/// The points of a batch whose call is the end, with the purge requests that are made in all for
/// three URLs and the items reaped when a worker dies there.
const AT_A_CACHE: [(CrashPoint, usize, u64); 8] = [
    (CrashPoint::Paced, 3, 0),
    (CrashPoint::Leased, 3, 3),
    (CrashPoint::Sending, 3, 3),
    (CrashPoint::Answered, 6, 3),
    (CrashPoint::Heard, 6, 3),
    (CrashPoint::SignalsWritten, 6, 3),
    (CrashPoint::Settled, 3, 0),
    (CrashPoint::Carried, 3, 0),
];

async fn killed_at_a_cache((point, requests, reaped): (CrashPoint, usize, u64)) {
    let cache = TestCache::start().await;
    let env = TestEnv::new(vec![target("cache", cache.config())]).await;
    let submitted = env.submit(&[url("a"), url("b"), url("c")], &[]).await;
    ChildProcess::worker(CHILD, &env, &cache.config(), Some((point, ProcessFault::Kill))).killed().await;
    ChildProcess::outlive_leases(&env).await;
    let worker = env.worker("healthy");
    assert_eq!(env.ended(submitted.job).await.state, JobState::Succeeded, "{point:?}");
    env.at_rest().await;
    assert_eq!((cache.purged().len(), env.counter("reaped").await), (requests, reaped), "{point:?}");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_each_crash_point_of_a_call_to_a_cache() {
    futures::future::join_all(AT_A_CACHE.map(killed_at_a_cache)).await;
}

/// Notes the points that a worker goes through.
#[derive(Default)]
struct Notes(Mutex<BTreeSet<CrashPoint>>);

impl FaultHook for Notes {
    fn reached(&self, point: CrashPoint) {
        self.0.lock().unwrap().insert(point);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_crash_points_at_a_cache_is_complete() {
    let cache = TestCache::start().await;
    let env = TestEnv::new(vec![target("cache", cache.config())]).await;
    let notes = Arc::new(Notes::default());
    let worker = env.new_worker(&env.targets, "noted").with_fault_hook(notes.clone());
    let worker = RunningWorker::run(worker);
    env.ended(env.submit(&[url("a")], &[]).await.job).await;
    env.at_rest().await;
    worker.stop().await;
    assert_eq!(*notes.0.lock().unwrap(), AT_A_CACHE.map(|(point, ..)| point).into());
}
