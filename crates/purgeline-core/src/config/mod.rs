//! Configuration as types: what may be said, its units and defaults. `purgeline-config` reads files and
//! the environment into them.

mod breaker;
mod quota;
mod redis;
mod retention;
mod target;
mod worker;

pub use breaker::BreakerConfig;
pub use quota::{QuotaConfig, ReservePercent, UtcOffsetHours};
pub use redis::{Durability, RedisConfig};
pub use retention::RetentionConfig;
pub use target::{LimitsConfig, Settings, TargetConfig};
pub use worker::WorkerConfig;

use crate::{Target, TargetName};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The whole configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where Redis is.
    pub redis: RedisConfig,
    /// How workers behave.
    pub worker: WorkerConfig,
    /// How long ended things are kept.
    pub retention: RetentionConfig,
    /// The configured accounts and caches, by name.
    #[serde(default)]
    pub targets: BTreeMap<TargetName, TargetConfig>,
}

impl Config {
    /// The queue's view of a configured target; `None` if there is none of that name.
    #[must_use]
    pub fn target(&self, name: &TargetName) -> Option<Target> {
        let config = self.targets.get(name)?;
        let account = config.account.clone().unwrap_or_else(|| name.clone());
        Some(Target { name: name.clone(), account })
    }
}
