//! The scripts, each driven against a real redis-server.

mod bed;
mod enqueue;
mod holds;
mod jobs;
mod lanes;
mod lease;
mod rates;
mod reap;
mod settle;
mod split;
mod submitted;
mod verify;
