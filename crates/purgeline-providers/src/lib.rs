#![doc = include_str!("../README.md")]

mod provider;
mod registry;
mod settings;

pub use provider::{Call, CallItem, OpenBatch, Provider};
pub use registry::{BuildContext, Entry, REGISTRY, provider};
pub use settings::SettingsError;
