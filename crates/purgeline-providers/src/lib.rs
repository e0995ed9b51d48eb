#![doc = include_str!("../README.md")]

mod day;
mod figures;
pub mod foresight;
pub mod http;
pub mod huawei;
mod paging;
mod provider;
pub mod qiniu;
mod registry;
mod settings;
mod status;
mod targets;
#[cfg(test)]
mod testing;
mod token;
mod transport;
pub mod wangsu;
pub mod ztgame;

pub use provider::{CacheEntry, Call, CallItem, OpenBatch, Provider};
pub use registry::{BuildContext, Entry, REGISTRY, provider};
pub use settings::{PollSettings, SettingsError, read as read_settings};
pub use targets::{ConfiguredTarget, TargetError, TargetProblem};
