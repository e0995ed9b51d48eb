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

use crate::{
    BuildContext, Entry, Provider, SettingsError,
    figures::{count, ms, told_quotas},
    settings,
    settings::PollSettings,
};
use purgeline_core::{
    Action, CallLimits, Descriptor, ItemRules, Kind, Limits, PollSchedule, Rate, RateUnit, config::Settings,
};
use secrecy::SecretString;
use serde::Deserialize;
use std::{collections::BTreeMap, num::NonZeroU32, sync::Arc};

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

fn default_base_url() -> String {
    "https://fusion.qiniuapi.com".to_owned()
}

/// When to ask how a refresh fares. All in milliseconds.
const POLLS: PollSchedule = PollSchedule {
    first_ms: 60_000,
    then_ms: 60_000,
    max_ms: 60_000,
    deadline_ms: 900_000,
    // A question names one request (seed 003).
    batches_per_call: NonZeroU32::MIN,
    resubmits: None,
};

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
        polls: Some(settings.polls.over(POLLS)),
        timeout_ms: Descriptor::TIMEOUT_MS,
        auth: "QBox: HMAC-SHA1 of the path, no clock",
        per_item_result: true,
        codes: codes::CODES,
        outages: &["50"],
    })
}

/// Seed 003. Newer documents allow new accounts less: 20 URLs and 5 dirs a call
/// (developer.qiniu.com/fusion/13367), 5 to 10 calls a second (fusion/13361); a target's
/// configuration can ask for that. The quotas of the day are no fixed figures: each answer tells
/// what is left.
fn limits() -> Limits {
    let second = ms(1_000);
    Limits {
        call: CallLimits {
            max_items: count(70), // 60 URLs and 10 dirs
            max_of_kind: BTreeMap::from([(Kind::Url, count(60)), (Kind::Dir, count(10))]),
            mix_kinds: true,
            max_hosts: None,
            max_bytes: None,
        },
        // Both are shared with prefetches, which purgeline does not send.
        rates: vec![
            Rate { unit: RateUnit::Calls, max: count(80), window_ms: second },
            Rate { unit: RateUnit::Items, max: count(240), window_ms: second },
        ],
        // Not documented; with these, 240 items a second go out even if each call takes a second.
        max_in_flight: count(8),
        max_tasks: None,
        quotas: told_quotas(),
    }
}

fn build(context: &BuildContext) -> Result<Arc<dyn Provider>, SettingsError> {
    let settings: QiniuSettings = settings::read(&context.settings)?;
    Ok(Arc::new(client::Client::new(context, &settings)?))
}
