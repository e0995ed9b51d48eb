#![doc = include_str!("../README.md")]

mod backend;
mod breaker;
mod confirm;
mod context;
mod crash_point;
mod feed;
mod headroom;
mod housekeeping;
mod jitter;
mod keeper;
mod next_poll;
mod pace;
mod permit;
mod persist;
mod quota;
mod retry;
mod signals;
mod slots;
mod submit;
mod verdict;
mod wake;
mod work;
mod worker;

pub use crash_point::{CrashPoint, FaultHook};
pub use retry::RetryPolicy;
pub use worker::{Worker, WorkerError};
