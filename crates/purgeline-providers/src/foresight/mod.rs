//! Foresight Mobile Platform, a cache of data resources for mobile clients: `/api/v1/cache/`,
//! `/api/v1/cache/refresh/`, `/api/v1/cache/state/` (seed 000).

mod client;
mod codes;
mod listing;
mod poll;
mod signing;
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
use std::{collections::BTreeMap, num::NonZeroU32, sync::Arc};

pub(crate) const ENTRY: Entry = Entry { name: "foresight", descriptor, build };

/// The settings of a target at a Foresight server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForesightSettings {
    /// Where the server is: `http://fmp.example.com`. Each has its own.
    pub base_url: String,
    /// The user's token. How it is got and how long it lives is not documented.
    #[serde(default)]
    pub token: Option<SecretString>,
    /// What stands before the token: `Bearer`. Empty: the token alone.
    #[serde(default = "default_token_prefix")]
    pub token_prefix: String,
    /// Whether a refresh counts only when the listing of caches shows that one of them moved: see
    /// the crate's documentation for what that proves. Costs a request before each refresh and
    /// one after.
    #[serde(default)]
    pub verify_listing: bool,
    /// When to ask how a refresh fares.
    #[serde(default)]
    pub polls: PollSettings,
}

fn default_token_prefix() -> String {
    "Bearer".to_owned()
}

/// When to ask how a refresh fares. All in milliseconds, and all assumed.
const POLLS: PollSchedule = PollSchedule {
    first_ms: 2_000,
    then_ms: 3_000,
    max_ms: 60_000,
    // A task that the server has forgotten looks like one that waits, so this must be well
    // below the day for which results are kept.
    deadline_ms: 1_800_000,
    // A question names one task (seed 000).
    batches_per_call: NonZeroU32::MIN,
    resubmits: None,
};

fn descriptor(settings: &Settings) -> Result<Descriptor, SettingsError> {
    let settings: ForesightSettings = settings::read(settings)?;
    settings::base_url("base_url", &settings.base_url)?;
    Ok(Descriptor {
        name: ENTRY.name,
        title: "Foresight Mobile Platform",
        limits: limits(settings.verify_listing),
        rules: ItemRules::default(),
        // A refresh is the only thing that there is (seed 000).
        actions: &[Action::Default],
        dir_actions: None,
        polls: Some(settings.polls.over(POLLS)),
        timeout_ms: Descriptor::TIMEOUT_MS,
        auth: "Bearer token",
        // A task is of one resource.
        per_item_result: true,
        codes: codes::CODES,
        outages: &[],
    })
}

/// One resource a request (seed 000). Nothing else is documented: the rates are chosen so that a
/// server made for people's devices hardly notices.
fn limits(verify_listing: bool) -> Limits {
    // With the proof each call is two requests, and each question up to two.
    let a_second = if verify_listing { 2 } else { 5 };
    let rate = |unit| Rate { unit, max: count(a_second), window_ms: ms(1_000) };
    Limits {
        call: CallLimits {
            max_items: NonZeroU32::MIN,
            max_of_kind: BTreeMap::from([(Kind::Resource, NonZeroU32::MIN)]),
            mix_kinds: false,
            max_hosts: None,
            max_bytes: None,
        },
        rates: vec![rate(RateUnit::Calls), rate(RateUnit::Polls)],
        max_in_flight: NonZeroU32::MIN,
        max_tasks: None,
        quotas: Vec::new(),
    }
}

fn build(context: &BuildContext) -> Result<Arc<dyn Provider>, SettingsError> {
    let settings: ForesightSettings = settings::read(&context.settings)?;
    Ok(Arc::new(client::Client::new(context, &settings)?))
}
