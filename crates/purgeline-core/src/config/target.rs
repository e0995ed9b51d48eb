use super::{BreakerConfig, QuotaConfig, ReservePercent};
use crate::{HostPattern, Rate, TargetName};
use serde::Deserialize;
use serde_json::Value;
use std::num::{NonZeroU32, NonZeroU64};

/// One configured account, or cache, at one provider.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetConfig {
    /// The provider's name: `qiniu`, `http` …
    pub provider: String,
    /// The hosts it serves. A job without named targets goes to every target that serves its
    /// items' hosts. Empty: only jobs that name this target reach it.
    #[serde(default)]
    pub hosts: Vec<HostPattern>,
    /// Targets with the same account share its limits. Default: the target's own name.
    #[serde(default)]
    pub account: Option<TargetName>,
    /// How long a part-full chunk waits for company while calls are in flight, in milliseconds.
    #[serde(default = "default_linger_ms")]
    pub linger_ms: u64,
    /// How long nobody may have asked for an item before it goes, in milliseconds, for jobs that do
    /// not say. Default: they do not wait for quiet.
    #[serde(default)]
    pub quiet_ms: Option<u64>,
    /// The longest that an item waits for quiet, in milliseconds after it was first asked for.
    /// Default: six times `quiet_ms`.
    #[serde(default)]
    pub max_wait_ms: Option<u64>,
    /// How long after an item was purged it is purged once more, in milliseconds, for origins that
    /// lag. Default: it is not.
    #[serde(default)]
    pub rebound_ms: Option<NonZeroU64>,
    /// Distinct items that may wait at once; more are refused.
    #[serde(default = "default_max_pending_items")]
    pub max_pending_items: NonZeroU64,
    /// Sends of an item before it fails for good. What fails because the whole target is down
    /// does not count.
    #[serde(default = "default_max_attempts")]
    pub max_attempts: NonZeroU32,
    /// How long after it was first asked for an item is sent again, in seconds; what fails later
    /// fails for good. Whatever has waited longer is still sent once.
    #[serde(default = "default_max_age_s")]
    pub max_age_s: NonZeroU64,
    /// The first wait before an item is sent again, in milliseconds; it doubles with each
    /// attempt, with full jitter.
    #[serde(default = "default_retry_initial_ms")]
    pub retry_initial_ms: NonZeroU64,
    /// The longest wait before an item is sent again, in milliseconds.
    #[serde(default = "default_retry_max_ms")]
    pub retry_max_ms: NonZeroU64,
    /// When the target is left alone because it is down.
    #[serde(default)]
    pub breaker: BreakerConfig,
    /// The longest wait for a call's answer, in milliseconds. Default: what the provider needs,
    /// 30,000 for most.
    #[serde(default)]
    pub timeout_ms: Option<NonZeroU64>,
    /// Limits below the provider's own.
    #[serde(default)]
    pub limits: LimitsConfig,
    /// The provider's own settings: credentials, addresses. Secrets are taken out of it by the
    /// provider; it is never printed.
    #[serde(default)]
    pub settings: Settings,
}

/// A provider's own settings, not yet read. Does not print, since secrets are among them.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Settings(serde_json::Map<String, Value>);

/// Limits that a target asks for, each at most what its provider allows.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Items of one call.
    pub max_items: Option<NonZeroU32>,
    /// URLs of one call.
    pub max_urls: Option<NonZeroU32>,
    /// Dirs of one call.
    pub max_dirs: Option<NonZeroU32>,
    /// Calls under way at once.
    pub max_in_flight: Option<NonZeroU32>,
    /// Tasks in progress at the provider: accepted calls whose end is not known, and calls under
    /// way.
    pub max_tasks: Option<NonZeroU32>,
    /// Calls or items in a window.
    pub rates: Vec<Rate>,
    /// Items a day.
    pub quotas: Vec<QuotaConfig>,
    /// The part of each day's quota that only urgent items may use.
    pub quota_reserve_percent: ReservePercent,
    /// The provider has granted this account more than it documents: take the limits as they
    /// are.
    pub exceed_documented: bool,
}

impl Settings {
    /// The settings as JSON, for the provider to read.
    #[must_use]
    pub fn into_value(self) -> Value {
        Value::Object(self.0)
    }
}

impl From<serde_json::Map<String, Value>> for Settings {
    fn from(members: serde_json::Map<String, Value>) -> Self {
        Self(members)
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.0.keys().collect();
        write!(f, "Settings({names:?}, values not shown)")
    }
}

const fn default_linger_ms() -> u64 {
    100
}

const fn default_max_pending_items() -> NonZeroU64 {
    non_zero_u64(1_000_000)
}

const fn default_max_attempts() -> NonZeroU32 {
    match NonZeroU32::new(8) {
        Some(attempts) => attempts, // about 1, 2, 4, 8, 16, 32, 64 s of backoff between them
        None => NonZeroU32::MIN,
    }
}

const fn default_max_age_s() -> NonZeroU64 {
    non_zero_u64(259_200) // three days: a weekend's outage
}

const fn default_retry_initial_ms() -> NonZeroU64 {
    non_zero_u64(1_000)
}

const fn default_retry_max_ms() -> NonZeroU64 {
    non_zero_u64(300_000)
}

pub(super) const fn non_zero_u64(number: u64) -> NonZeroU64 {
    match NonZeroU64::new(number) {
        Some(number) => number,
        None => NonZeroU64::MIN,
    }
}
