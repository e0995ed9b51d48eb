use crate::{Provider, SettingsError, foresight, http, huawei, qiniu, wangsu, ztgame};
use purgeline_core::{Clock, Descriptor, config::Settings};
use std::{sync::Arc, time::Duration};

/// A provider that purgeline knows: its data, and how to make a client of it.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name in configuration.
    pub name: &'static str,
    /// Its limits, rules and codes under the given settings (some providers have several API
    /// generations that differ). Secrets may be missing from them, so that a producer needs
    /// none.
    pub descriptor: fn(&Settings) -> Result<Descriptor, SettingsError>,
    /// A client for one target.
    pub build: fn(&BuildContext) -> Result<Arc<dyn Provider>, SettingsError>,
}

/// What a client is made from.
#[derive(Clone, Debug)]
pub struct BuildContext {
    /// The target's provider settings.
    pub settings: Settings,
    /// The longest wait for one answer.
    pub timeout: Duration,
    /// The time of day, for signatures and quota days.
    pub clock: Arc<dyn Clock>,
}

/// Every provider, by name.
pub const REGISTRY: &[Entry] =
    &[foresight::ENTRY, http::ENTRY, huawei::ENTRY, qiniu::ENTRY, wangsu::ENTRY, ztgame::ENTRY];

/// The provider of that name; `None` if purgeline knows none.
#[must_use]
pub fn provider(name: &str) -> Option<&'static Entry> {
    REGISTRY.iter().find(|entry| entry.name == name)
}
