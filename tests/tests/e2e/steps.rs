//! A worker dies by SIGKILL at each of its named steps; a healthy one finishes what it left.

use crate::VICTIM;
use nix::sys::signal::Signal;
use purgeline_core::{Cause, Class, Item, JobState, PartCounts};
use purgeline_queue::{Asked, BreakerPolicy, Fate, HoldName};
use purgeline_sim::{
    CallKind, Sim,
    qiniu::{BadItems, QiniuSettings},
};
use purgeline_tests::{Blow, Cache, Calls, RunningWorker, Stage, Temper, Victim, qiniu, target, url};
use purgeline_worker::{Observer, Step};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

/// One test for each step. A step that is not in the list is a list of another length than
/// [`Step::ALL`], which does not compile.
macro_rules! at_each_step {
    ($($name:ident: $step:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                killed_at(Step::$step).await;
            }
        )*

        #[test]
        fn every_step_has_its_test() {
            let tested: [Step; Step::ALL.len()] = [$(Step::$step),*];
            assert_eq!(tested, Step::ALL);
        }
    };
}

at_each_step! {
    killed_when_it_is_its_turn_to_call: Paced,
    killed_when_items_are_leased: Leased,
    killed_when_items_are_leased_as_a_probe: Probing,
    killed_when_items_are_given_back: GivenBack,
    killed_when_the_call_is_about_to_be_made: Sending,
    killed_when_a_lease_is_renewed: Renewed,
    killed_when_the_provider_has_answered: Answered,
    killed_when_the_breaker_has_heard: Heard,
    killed_when_signals_are_written: SignalsWritten,
    killed_when_outcomes_are_written: Settled,
    killed_when_the_receipt_is_written: SubmittedWritten,
    killed_when_a_batch_is_split: Split,
    killed_when_open_batches_are_taken: PollTaken,
    killed_when_the_provider_has_told_how_they_fare: PollAnswered,
    killed_when_the_breaker_has_heard_how_they_fare: PollHeard,
    killed_when_what_ended_is_written: PollSettled,
    killed_when_the_rest_is_put_off: PutOff,
    killed_when_the_dead_are_reaped: Reaped,
    killed_when_the_jobs_have_heard: Carried,
}

/// What the provider makes of the URLs a, b, bad and c, so that the step is reached, and what must
/// be seen of a worker's death there.
struct Scenario {
    bad_items: Option<BadItems>,
    /// Purge calls by both workers.
    calls: usize,
    /// Items that the dead worker's lease held, and that were taken from it when it ran out.
    reaped: u64,
}

impl Scenario {
    fn of(step: Step) -> Self {
        let plain = |calls, reaped| Self { bad_items: None, calls, reaped };
        match step {
            Step::Leased | Step::Probing | Step::Sending | Step::Reaped => plain(1, 4),
            Step::Renewed | Step::Answered | Step::Heard | Step::SignalsWritten => plain(2, 4),
            // The bad URL has failed already; the lease holds the others.
            Step::Settled => Self { bad_items: Some(BadItems::Partial), calls: 2, reaped: 3 },
            // Refused whole; then a and b, and the other half until the bad one is alone.
            Step::Split => Self { bad_items: Some(BadItems::RefuseUnnamed), calls: 5, reaped: 0 },
            Step::Paced
            | Step::GivenBack
            | Step::SubmittedWritten
            | Step::PollTaken
            | Step::PollAnswered
            | Step::PollHeard
            | Step::PollSettled
            | Step::PutOff
            | Step::Carried => plain(1, 0),
        }
    }
}

/// Has a worker killed at a step, in the circumstances in which it comes there.
async fn kill(step: Step, stage: &Stage, sim: &Sim, config: &Value) {
    let victim = |temper, step| Victim::worker_of(temper, VICTIM, stage, config, Some((step, Blow::Kill)));
    match step {
        Step::Probing => {
            let policy = BreakerPolicy { failures: 1, probe_ms: 1, max_probe_ms: 1 };
            let refused = Fate::Unauthorised(Cause::new(Class::Unauthorised, "401", "words"));
            stage.queue.work().answered(stage.target(), Asked::Question, &refused, &policy).await.unwrap();
            victim(Temper::default(), step).killed().await;
        }
        // Whatever it does comes too late.
        Step::GivenBack => victim(Temper { headroom_ms: 0, ..Temper::default() }, step).killed().await,
        Step::Renewed => {
            sim.gate().close_for(CallKind::Purge);
            victim(Temper { lease_ms: 1_500, ..Temper::default() }, step).killed().await;
            sim.gate().open();
        }
        Step::Reaped => {
            victim(Temper::default(), Step::Leased).killed().await;
            Victim::outlive_leases(stage).await;
            // Lest it sends before it is killed.
            let cause = Cause::new(Class::Delay, "by-hand", "words");
            stage.queue.operate().hold(stage.target(), HoldName::Paused, None, &cause, "test").await.unwrap();
            victim(Temper::default(), step).killed().await;
            stage.queue.operate().release(stage.target(), HoldName::Paused).await.unwrap();
        }
        _ => victim(Temper::default(), step).killed().await,
    }
}

async fn killed_at(step: Step) {
    let Scenario { bad_items, calls, reaped } = Scenario::of(step);
    let mut settings = QiniuSettings { processing_ms: 50, ..QiniuSettings::lifted() };
    if let Some(bad_items) = bad_items {
        settings.bad_urls = [url("bad")].into();
        settings.bad_items = bad_items;
    }
    let sim = settings.start().await.unwrap();
    let config = qiniu(sim.base_url(), json!({"limits": {"max_in_flight": 1}}));
    let stage = Stage::new(vec![target("cdn", config.clone())]).await;
    let submitted = stage.submit(&[url("a"), url("b"), url("bad"), url("c")], &[]).await;

    kill(step, &stage, &sim, &config).await;
    Victim::outlive_leases(&stage).await;
    let worker = stage.worker("healthy");
    let job = stage.ended(submitted.job).await;
    stage.at_rest().await;

    let failed = u64::from(bad_items.is_some());
    let expected = PartCounts { items: 4, succeeded: 4 - failed, failed, cancelled: 0 };
    assert_eq!((job.state, job.parts[&stage.target().name].counts), (expected.state(), expected));
    let (log, seen) = (sim.log(), Calls::of(&sim.log()));
    for name in ["a", "b", "c"] {
        let item = Item::url(&url(name)).unwrap();
        assert!(seen.cover(&item, job.submitted_ms), "{name}");
    }
    assert_eq!(log.of_kind(CallKind::Purge).count(), calls);
    // What it held came back when its lease had run out, by nothing else.
    assert_eq!(stage.counter("reaped").await, reaped);
    assert_eq!(stage.stats().await.dead_letters, failed);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_its_call_is_at_the_provider() {
    // The account refuses what it still refreshes, as Qiniu really does.
    let settings = QiniuSettings { existing: true, processing_ms: 50, ..QiniuSettings::lifted() };
    let sim = settings.start().await.unwrap();
    let config = qiniu(sim.base_url(), json!({}));
    let stage = Stage::new(vec![target("cdn", config.clone())]).await;
    let submitted = stage.submit(&[url("a"), url("b")], &[]).await;
    sim.gate().close_for(CallKind::Purge);
    let victim = Victim::worker(VICTIM, &stage, &config, None);
    sim.wait_for(|log| log.stats().held == 1).await.unwrap();
    victim.signal(Signal::SIGKILL);
    victim.killed().await;
    Victim::outlive_leases(&stage).await;
    sim.gate().open();

    let worker = stage.worker("healthy");
    stage.succeeded(submitted.job, &sim).await;
    stage.at_rest().await;
    assert_eq!(stage.counter("reaped").await, 2);
    worker.stop().await;
}

/// A worker that stands still for longer than its lease and then goes on changes nothing: neither
/// by sending what has been sent in its stead, nor by what it has learned.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_stood_still_past_its_lease_does_nothing_with_it() {
    for (step, calls) in [(Step::Leased, 1), (Step::Answered, 2)] {
        let sim = QiniuSettings { processing_ms: 10, ..QiniuSettings::lifted() }.start().await.unwrap();
        let config = qiniu(sim.base_url(), json!({}));
        let stage = Stage::new(vec![target("cdn", config.clone())]).await;
        let first = stage.submit(&[url("a"), url("b")], &[]).await;
        let victim = Victim::worker(VICTIM, &stage, &config, Some((step, Blow::Stop)));
        victim.stopped().await;
        Victim::outlive_leases(&stage).await;
        let worker = stage.worker("healthy");
        stage.succeeded(first.job, &sim).await;
        worker.stop().await;

        victim.signal(Signal::SIGCONT);
        let second = stage.submit(&[url("c")], &[]).await;
        stage.succeeded(second.job, &sim).await;
        victim.signal(Signal::SIGTERM);
        victim.succeeded().await;
        assert_eq!(sim.log().carrying(&url("a")).count(), calls, "stopped at {step:?}");
        assert_eq!(stage.job(first.job).await.state, JobState::Succeeded);
        stage.at_rest().await;
    }
}

// === caches, whose calls are the end ===

/// The steps of a batch whose call is the end, with the purge requests that are made in all for
/// three URLs and the items reaped when a worker dies there.
const AT_A_CACHE: [(Step, usize, u64); 8] = [
    (Step::Paced, 3, 0),
    (Step::Leased, 3, 3),
    (Step::Sending, 3, 3),
    (Step::Answered, 6, 3),
    (Step::Heard, 6, 3),
    (Step::SignalsWritten, 6, 3),
    (Step::Settled, 3, 0),
    (Step::Carried, 3, 0),
];

async fn killed_at_a_cache((step, requests, reaped): (Step, usize, u64)) {
    let cache = Cache::start().await;
    let stage = Stage::new(vec![target("cache", cache.config())]).await;
    let submitted = stage.submit(&[url("a"), url("b"), url("c")], &[]).await;
    Victim::worker(VICTIM, &stage, &cache.config(), Some((step, Blow::Kill))).killed().await;
    Victim::outlive_leases(&stage).await;
    let worker = stage.worker("healthy");
    assert_eq!(stage.ended(submitted.job).await.state, JobState::Succeeded, "{step:?}");
    stage.at_rest().await;
    assert_eq!((cache.purged().len(), stage.counter("reaped").await), (requests, reaped), "{step:?}");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_each_step_of_a_call_to_a_cache() {
    futures::future::join_all(AT_A_CACHE.map(killed_at_a_cache)).await;
}

/// Notes the steps that a worker goes through.
#[derive(Default)]
struct Notes(Mutex<BTreeSet<Step>>);

impl Observer for Notes {
    fn reached(&self, step: Step) {
        self.0.lock().unwrap().insert(step);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_steps_at_a_cache_is_complete() {
    let cache = Cache::start().await;
    let stage = Stage::new(vec![target("cache", cache.config())]).await;
    let notes = Arc::new(Notes::default());
    let worker = stage.new_worker(&stage.targets, "noted").with_observer(notes.clone());
    let worker = RunningWorker::run(worker);
    stage.ended(stage.submit(&[url("a")], &[]).await.job).await;
    stage.at_rest().await;
    worker.stop().await;
    assert_eq!(*notes.0.lock().unwrap(), AT_A_CACHE.map(|(step, ..)| step).into());
}
