//! ztgame's CDN front: `/cdn_api/purge` (seed 002), with `/cdn_api/tokens` and
//! `/cdn_api/req_status` as in the public source of the server that the seed documents
//! (github.com/cash2one/ztcdn). It passes a purge on to each CDN of the host.

mod auth;
mod client;
mod codes;
mod poll;
mod submit;
#[cfg(test)]
mod tests;
mod types;

use crate::{
    BuildContext, Entry, Provider, SettingsError,
    figures::{count, ms},
    settings,
    settings::PollSettings,
};
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

pub(crate) const ENTRY: Entry = Entry { name: "ztgame", descriptor, build };

/// The server calls the CDNs behind it one after another before it answers (its public source), in
/// milliseconds.
const TIMEOUT_MS: NonZeroU64 = ms(60_000);

/// The settings of a target at ztgame.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZtgameSettings {
    /// The user that tokens are given to.
    #[serde(default)]
    pub username: Option<String>,
    /// The user's password.
    #[serde(default)]
    pub password: Option<SecretString>,
    /// Where the API is. Seed 002 has plain HTTP, so password and tokens can be read on the way.
    #[serde(default = "default_base_url")]
    pub base_url: String,
    /// When to ask how a purge fares.
    #[serde(default)]
    pub polls: PollSettings,
}

fn default_base_url() -> String {
    "http://cdnapi.ztgame.com.cn".to_owned()
}

/// When to ask how a purge fares. All in milliseconds, none documented.
const POLLS: PollSchedule = PollSchedule {
    first_ms: 30_000,
    then_ms: 30_000,
    max_ms: 120_000,
    // A task may stay "run" for ever: what ends it is not in the public source.
    deadline_ms: 1_800_000,
    // A question names one request.
    batches_per_call: NonZeroU32::MIN,
    // A task that never ends would be sent for ever.
    resubmits: Some(1),
};

fn descriptor(settings: &Settings) -> Result<Descriptor, SettingsError> {
    let settings: ZtgameSettings = settings::read(settings)?;
    settings::base_url("base_url", &settings.base_url)?;
    Ok(Descriptor {
        name: ENTRY.name,
        title: "ztgame CDN",
        limits: limits(),
        // No length is documented, and nothing said of wildcards.
        rules: ItemRules::default(),
        // What is done to a copy is each domain's setting at the CDNs behind it.
        actions: &[Action::Default],
        dir_actions: None,
        polls: Some(settings.polls.over(POLLS)),
        timeout_ms: TIMEOUT_MS,
        auth: "Keystone token for a password, renewed daily",
        per_item_result: false,
        codes: codes::CODES,
        outages: &["downstream-5"],
    })
}

fn limits() -> Limits {
    let second = ms(1_000);
    let ten = count(10);
    Limits {
        call: CallLimits {
            // Seed 002. The server leaves it to its clients to keep to ten.
            max_items: ten,
            max_of_kind: BTreeMap::from([(Kind::Url, ten), (Kind::Dir, ten)]),
            // Two of the three CDNs behind the server see only the dirs of a mixed call (its
            // public source).
            mix_kinds: false,
            // Seed 002.
            max_hosts: Some(NonZeroU32::MIN),
            max_bytes: None,
        },
        // No rate is documented; a public client waits a second between calls.
        rates: vec![
            Rate { unit: RateUnit::Calls, max: NonZeroU32::MIN, window_ms: second },
            Rate { unit: RateUnit::Polls, max: NonZeroU32::MIN, window_ms: second },
        ],
        max_in_flight: NonZeroU32::MIN,
        max_tasks: None,
        quotas: Vec::new(),
    }
}

fn build(context: &BuildContext) -> Result<Arc<dyn Provider>, SettingsError> {
    let settings: ZtgameSettings = settings::read(&context.settings)?;
    Ok(Arc::new(client::Client::new(context, &settings)?))
}
