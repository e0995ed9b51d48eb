#![doc = include_str!("../README.md")]

mod day;
pub mod http;
mod provider;
pub mod qiniu;
mod registry;
mod settings;
mod status;
mod targets;
mod transport;

pub use provider::{CacheEntry, Call, CallItem, OpenBatch, Provider};
pub use registry::{BuildContext, Entry, REGISTRY, provider};
pub use settings::{SettingsError, read as read_settings};
pub use targets::{ConfiguredTarget, TargetError, TargetProblem};
