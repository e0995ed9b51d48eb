//! The whole way, and what can go wrong with it: producers, redis-server and workers are real, providers
//! are simulators. Each test reads the truth off the simulator's log and the jobs' states.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on should stop where it stands"
)]

mod big_job;
mod coalescing;
mod coverage;
mod crash_points;
mod failover;
mod faults;
mod holds;
mod hot_url;
mod isolation;
mod late;
mod load;
mod mending;
mod outcomes;
mod polls;
mod producer;
mod quotas;
mod redis_death;
mod refusals;
mod rest;
mod stopping;
mod targets;
mod timing;
mod waking;

/// The program of [`purgeline_tests::ChildProcess`].
const CHILD: &str = env!("CARGO_BIN_EXE_child");
