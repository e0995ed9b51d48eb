//! The queue against a model of it: whatever producers, workers, operators and time do, in
//! whatever order, after each step
//!
//! - every item of every job that has not ended waits in exactly one place, in Redis as in the
//!   model (durable);
//! - what ended well was leased after it was asked for, and after its embargo, or a dir above it was
//!   (covered); nothing waits for a dir that may not go, or fails with one;
//! - nothing is sent that nobody has a use for any more, and nothing else expires;
//! - every item is counted once, and its job's counters say so (counted once); one that failed and
//!   is retried is open again, once more for each retry;
//! - a job that was cancelled waits for nothing more, and nobody else's items go with it;
//!
//! and in the end everything ends, each job once.

mod breaker_model;
mod coverage;
mod letters;
mod purge;
mod queue_model;
pub(crate) mod raw;
mod rules;
mod snapshot;
pub(crate) mod step;
mod timing;
mod world;

use jiff::Timestamp;
use proptest::test_runner::{Config, FileFailurePersistence, RngSeed, TestCaseError, TestRunner};
use purgeline_core::ManualClock;
use purgeline_queue::Queue;
use purgeline_redis_server::RedisServer;
use rules::Rules;
use std::{cell::RefCell, collections::BTreeMap};
use step::{Step, steps};
use world::World;

/// Where cases that failed once are kept; they are tried first.
const REGRESSIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/queue/model/regressions.txt");

/// Each of the tests below tries the cases of one seed, the same in each run, so that a change that
/// breaks nothing is not stopped by a case that nobody had thought of before. `PROPTEST_CASES=2000`
/// goes looking for such cases: so many, at random. What it finds stays in [`REGRESSIONS`].
const CASES: u32 = 100;

fn config() -> Config {
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    let default = Config::default();
    Config {
        cases: if asked { default.cases } else { CASES },
        rng_seed: if asked { default.rng_seed } else { RngSeed::Fixed(1) },
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(REGRESSIONS))),
        max_shrink_iters: 200,
        ..default
    }
}

fn holds_under(rules: &Rules) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(RedisServer::for_test().option("appendonly", "no").start()).unwrap();
    let queue = runtime.block_on(async { crate::bed::open(&server) });
    let tally = RefCell::new(BTreeMap::<String, u64>::new());
    let outcome = TestRunner::new(config()).run(&steps(), |steps| {
        *tally.borrow_mut().entry("steps".to_owned()).or_default() += steps.len() as u64;
        let counters = runtime.block_on(run(queue.clone(), rules, &steps)).map_err(TestCaseError::fail)?;
        for (counter, value) in counters {
            *tally.borrow_mut().entry(counter).or_default() += value;
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    let tally = tally.into_inner();
    println!("{tally:?}");
    // Else it has proven nothing.
    let always = [
        "leased",
        "joined",
        "covered",
        "retried",
        "reaped",
        "succeeded",
        "failed",
        "expired",
        "jobs_ended",
        "opened",
        "dead_retried",
        "dead_dropped",
        "jobs_reopened",
        "items_cancelled",
    ];
    for counter in always.into_iter().chain(rules.rebound_ms.map(|_| "rebounds")) {
        assert!(tally.contains_key(counter), "nothing was {counter}: {tally:?}");
    }
}

/// Gives what has happened, from the targets' own counters.
async fn run(queue: Queue, rules: &Rules, steps: &[Step]) -> Result<BTreeMap<String, u64>, String> {
    let clock = ManualClock::new(Timestamp::from_millisecond(1_763_700_000_000).unwrap());
    let mut world = World::new(queue.with_clock(clock.clone()), clock, rules).await;
    for (at, step) in steps.iter().enumerate() {
        world.take(step).await.map_err(|wrong| format!("after step {at}, {step:?}: {wrong}"))?;
    }
    world.finish().await.map_err(|wrong| format!("at the end: {wrong}"))?;
    Ok(world.counters().await)
}

#[test]
fn the_invariants_hold_with_one_kind_a_call() {
    holds_under(&Rules::plain());
}

#[test]
fn the_invariants_hold_with_all_kinds_and_one_host_a_call() {
    holds_under(&Rules::mixed());
}

#[test]
fn the_invariants_hold_where_an_item_goes_once_at_a_time() {
    holds_under(&Rules::one_at_a_time());
}

#[test]
fn the_invariants_hold_under_quotas_of_the_day() {
    holds_under(&Rules::quotas());
}

#[test]
fn the_invariants_hold_under_rates() {
    holds_under(&Rules::rated());
}
