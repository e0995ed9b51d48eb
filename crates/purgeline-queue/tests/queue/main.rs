//! The scripts, each driven against a real redis-server.

// Helpers of tests are tests: clippy knows them by this.
#![cfg(test)]

mod abandoned;
mod bed;
mod breaker;
mod cancel;
mod cluster;
mod coverage;
mod damage;
mod dead;
mod debounce;
mod embargo;
mod enqueue;
mod expiry;
mod functions;
mod history;
mod holds;
mod housekeeper;
mod job_list;
mod jobs;
mod lanes;
mod lease;
mod load;
mod memory;
mod model;
mod quotas;
mod rates;
mod reap;
mod rebound;
mod repair;
mod round_trips;
mod settle;
mod split;
mod submitted;
mod under_way;
mod verify;
mod wake;
