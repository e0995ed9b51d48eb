//! What the end-to-end and fault tests share: a stage with a real redis-server, simulators,
//! targets, a producer, and workers in this process.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test that cannot go on should stop where it stands"
)]

mod stage;
mod targets;
mod workers;

pub use stage::{RETENTION, Stage, eventually, init_tracing};
pub use targets::{qiniu_target, target};
pub use workers::{RunningWorker, worker_config};
