//! Qiniu's fusion CDN: `/v2/tune/refresh` and `/v2/tune/refresh/list` (seed 003).

mod client;
mod codes;
mod poll;
mod signing;
mod submit;
#[cfg(test)]
mod tests;
mod types;

pub use types::Product;

use crate::{BuildContext, Entry, Provider, SettingsError, settings};
use purgeline_core::{
    Action, CallLimits, Descriptor, ItemRules, Kind, Limits, PollSchedule, Rate, RateUnit, config::Settings,
};
use secrecy::SecretString;
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    num::{NonZeroU32, NonZeroU64},
    sync::Arc,
};

pub(crate) const ENTRY: Entry = Entry { name: "qiniu", descriptor, build };

/// The settings of a target at Qiniu.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QiniuSettings {
    /// The account's access key.
    #[serde(default)]
    pub access_key: Option<SecretString>,
    /// The account's secret key.
    #[serde(default)]
    pub secret_key: Option<SecretString>,
    /// Where the API is. The seed and the SDKs use plain HTTP, newer documents (2026) take HTTPS
    /// alone (developer.qiniu.com/fusion/13360).
    #[serde(default = "default_base_url")]
    pub base_url: String,
    /// Set for DCDN accounts.
    #[serde(default)]
    pub product: Option<Product>,
    /// When to ask how a refresh fares. A refresh takes 5 to 10 minutes
    /// (developer.qiniu.com/fusion/13367).
    #[serde(default)]
    pub polls: PollSettings,
}

/// When to ask how a refresh fares. All in milliseconds.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PollSettings {
    /// From acceptance to the first question: 60 s.
    pub first_ms: NonZeroU64,
    /// From the first question to the second; each further wait is longer by half: 60 s.
    pub then_ms: NonZeroU64,
    /// The longest wait between two questions: 60 s.
    pub max_ms: NonZeroU64,
    /// From acceptance to sending again: 15 minutes.
    pub deadline_ms: NonZeroU64,
}

fn default_base_url() -> String {
    "https://fusion.qiniuapi.com".to_owned()
}

impl Default for PollSettings {
    fn default() -> Self {
        Self {
            first_ms: non_zero_u64(60_000),
            then_ms: non_zero_u64(60_000),
            max_ms: non_zero_u64(60_000),
            deadline_ms: non_zero_u64(900_000),
        }
    }
}

fn descriptor(settings: &Settings) -> Result<Descriptor, SettingsError> {
    let settings: QiniuSettings = settings::read(settings)?;
    settings::base_url("base_url", &settings.base_url)?;
    Ok(Descriptor {
        name: ENTRY.name,
        title: "Qiniu Fusion CDN",
        limits: limits(),
        rules: ItemRules {
            // No length is documented.
            max_chars: BTreeMap::new(),
            // Seed 003. A dir may end with "/*", which normalisation has folded into "/".
            no_wildcards: true,
            // 400037: the URL is being refreshed already (seed 003).
            not_while_open: true,
        },
        // A refresh marks the copies stale (seed 003); there is no other way.
        actions: &[Action::Default],
        dir_actions: None,
        polls: Some(settings.polls.schedule()),
        timeout_ms: Descriptor::TIMEOUT_MS,
        auth: "QBox: HMAC-SHA1 of the path, no clock",
        per_item_result: true,
        codes: codes::CODES,
    })
}

/// Seed 003. Newer documents allow new accounts less: 20 URLs and 5 dirs a call
/// (developer.qiniu.com/fusion/13367), 5 to 10 calls a second (fusion/13361); a target's
/// configuration can ask for that. The quotas of the day are no fixed figures: each answer tells
/// what is left.
fn limits() -> Limits {
    let second = non_zero_u64(1_000);
    Limits {
        call: CallLimits {
            max_items: non_zero(70), // 60 URLs and 10 dirs
            max_of_kind: BTreeMap::from([(Kind::Url, non_zero(60)), (Kind::Dir, non_zero(10))]),
            mix_kinds: true,
            max_hosts: None,
            max_bytes: None,
        },
        // Both are shared with prefetches, which purgeline does not send.
        rates: vec![
            Rate { unit: RateUnit::Calls, max: non_zero(80), window_ms: second },
            Rate { unit: RateUnit::Items, max: non_zero(240), window_ms: second },
        ],
        // Not documented; with these, 240 items a second go out even if each call takes a second.
        max_in_flight: non_zero(8),
        quotas: Vec::new(),
    }
}

fn build(context: &BuildContext) -> Result<Arc<dyn Provider>, SettingsError> {
    let settings: QiniuSettings = settings::read(&context.settings)?;
    Ok(Arc::new(client::Client::new(context, &settings)?))
}

impl PollSettings {
    fn schedule(self) -> PollSchedule {
        PollSchedule {
            first_ms: self.first_ms.get(),
            then_ms: self.then_ms.get(),
            max_ms: self.max_ms.get(),
            deadline_ms: self.deadline_ms.get(),
            // A question names one request (seed 003).
            batches_per_call: NonZeroU32::MIN,
            resubmits: None,
        }
    }
}

const fn non_zero(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

const fn non_zero_u64(number: u64) -> NonZeroU64 {
    match NonZeroU64::new(number) {
        Some(number) => number,
        None => NonZeroU64::MIN,
    }
}
