#![doc = include_str!("../README.md")]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test that cannot go on should stop where it stands"
)]

mod cache;
mod calls;
mod clocks;
mod redis;
mod relay;
mod stage;
mod targets;
mod victim;
mod wait;
mod workers;

pub use cache::Cache;
pub use calls::Calls;
pub use clocks::Clocks;
pub use redis::TestRedis;
pub use relay::Relay;
pub use stage::{RETENTION, Stage, init_tracing};
pub use targets::{lifted_limits, many_urls, merge, qiniu, target, url};
pub use victim::{Blow, Orders, Temper, Victim};
pub use wait::{PATIENCE, eventually};
pub use workers::{RunningWorker, worker_config};
