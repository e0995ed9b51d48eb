#![doc = include_str!("../README.md")]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test that cannot go on should stop where it stands"
)]

mod calls;
mod child_process;
mod clocks;
mod http_server;
pub mod provider_case;
mod redis;
mod relay;
mod targets;
mod test_cache;
mod test_env;
mod wait;
pub mod wire;
mod workers;

pub use calls::Calls;
pub use child_process::{ChildProcess, ChildTask, ProcessFault, WorkerTiming};
pub use clocks::Clocks;
pub use http_server::{AfterRead, HttpReply, HttpServer, MuteServer, SeenRequest, unreachable_address};
pub use provider_case::ProviderCase;
pub use redis::TestRedis;
pub use relay::Relay;
pub use targets::{lifted_limits, many_urls, merge, qiniu, target, url};
pub use test_cache::TestCache;
pub use test_env::{RETENTION, TestEnv, init_tracing};
pub use wait::{PATIENCE, eventually};
pub use workers::{RunningWorker, worker_config};
