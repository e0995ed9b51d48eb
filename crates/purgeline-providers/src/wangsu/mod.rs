//! Wangsu (ChinaNetCenter), also sold as CDNetworks: `/ccm/purge/ItemIdReceiver` (seed 004),
//! `/ccm/purge/ItemIdQuery` and `/ccm/purge/limit`.

mod client;
mod codes;
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
    Action, CallLimits, Descriptor, ItemRules, Kind, Limits, PollSchedule, Quota, Rate, RateUnit,
    config::Settings,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use signing::Credentials;
use std::{collections::BTreeMap, num::NonZeroU32, sync::Arc};

pub(crate) const ENTRY: Entry = Entry { name: "wangsu", descriptor, build };

/// The settings of a target at Wangsu. One pair of credentials: `username` and `api_key`, or
/// `access_key` and `secret_key`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WangsuSettings {
    /// The account's user name, with `api_key` (seed 004).
    #[serde(default)]
    pub username: Option<String>,
    /// The account's API key.
    #[serde(default)]
    pub api_key: Option<SecretString>,
    /// The access key, with `secret_key` (documents.cdnetworks.com, AK/SK authentication).
    #[serde(default)]
    pub access_key: Option<String>,
    /// The secret key.
    #[serde(default)]
    pub secret_key: Option<SecretString>,
    /// Where the API is: `https://open.chinanetcenter.com` (seed 004); `https://api.cdnetworks.com`
    /// for accounts at CDNetworks.
    #[serde(default = "default_base_url")]
    pub base_url: String,
    /// Whether Wangsu has entitled this account to delete dirs, which it does when asked (seed
    /// 004). Else a delete of a dir is what the domain is set to, which is to expire it unless the
    /// domain says otherwise.
    #[serde(default)]
    pub dir_delete_entitled: bool,
    /// Tasks that one question about several batches asks for at most: 5,000. No bound is
    /// documented; lower it if the API refuses.
    #[serde(default = "default_page_size")]
    pub page_size: NonZeroU32,
    /// When to ask how a purge fares. It takes 1 to 3 minutes (seed 004).
    #[serde(default)]
    pub polls: PollSettings,
}

fn default_base_url() -> String {
    "https://open.chinanetcenter.com".to_owned()
}

const fn default_page_size() -> NonZeroU32 {
    // The day's URLs (seed 004).
    count(5_000)
}

const WITHOUT_DELETE: &[Action] = &[Action::Default, Action::Expire];

/// When to ask how a purge fares. All in milliseconds.
const POLLS: PollSchedule = PollSchedule {
    first_ms: 90_000,
    then_ms: 60_000,
    max_ms: 120_000,
    deadline_ms: 900_000,
    // A question by time covers all that were made in it, as far as a page has room.
    batches_per_call: count(100),
    resubmits: None,
};

fn descriptor(settings: &Settings) -> Result<Descriptor, SettingsError> {
    let settings: WangsuSettings = settings::read(settings)?;
    settings::base_url("base_url", &settings.base_url)?;
    Ok(Descriptor {
        name: ENTRY.name,
        title: "Wangsu",
        limits: limits(),
        rules: ItemRules {
            // Seed 004. English texts of the SDK have 1,000 for both.
            max_chars: BTreeMap::from([(Kind::Url, 2_000), (Kind::Dir, 1_000)]),
            no_wildcards: false,
            // "running url or dir … please try again after one minute" (seed 004), which refuses the
            // whole call; a purge is open for longer than that.
            not_while_open: true,
        },
        actions: &Action::ALL,
        // Seed 004: dirs are not deleted unless the account is entitled.
        dir_actions: (!settings.dir_delete_entitled).then_some(WITHOUT_DELETE),
        polls: Some(settings.polls.over(POLLS)),
        timeout_ms: Descriptor::TIMEOUT_MS,
        auth: "API key: Basic of the date's HMAC-SHA1; or AK/SK: CNC-HMAC-SHA256, clock within 5 minutes",
        per_item_result: true,
        codes: codes::CODES,
        outages: &["system-exception"],
    })
}

/// Seed 004. Another copy of its page has 10 calls in 5 minutes (wangsu.com/document/21518/22511):
/// a target's configuration can ask for that.
fn limits() -> Limits {
    let five_minutes = ms(300_000);
    // Days in UTC+8, said of a sibling (documents.cdnetworks.com, page 23795). Wangsu grants
    // accounts more when asked.
    let quota = |kind, max, per_host| Quota {
        kind: Some(kind),
        max: Some(count(max)),
        day_utc_offset_hours: 8,
        per_host,
        configured: false,
    };
    Limits {
        call: CallLimits {
            max_items: count(500),
            max_of_kind: BTreeMap::from([(Kind::Url, count(500)), (Kind::Dir, count(500))]),
            mix_kinds: true,
            max_hosts: None,
            max_bytes: None,
        },
        rates: vec![
            Rate { unit: RateUnit::Calls, max: count(50), window_ms: five_minutes },
            // wangsu.com/document/21518/22596
            Rate { unit: RateUnit::Polls, max: count(10), window_ms: five_minutes },
        ],
        // Not documented; with a call every 6 seconds there is no need for more.
        max_in_flight: count(4),
        max_tasks: None,
        quotas: vec![
            quota(Kind::Url, 5_000, false),
            quota(Kind::Dir, 500, false),
            quota(Kind::Dir, 500, true),
        ],
    }
}

fn build(context: &BuildContext) -> Result<Arc<dyn Provider>, SettingsError> {
    let settings: WangsuSettings = settings::read(&context.settings)?;
    Ok(Arc::new(client::Client::new(context, &settings)?))
}

impl WangsuSettings {
    /// # Errors
    /// When there is no pair of credentials, or more than one.
    fn credentials(&self) -> Result<Credentials, SettingsError> {
        let filled = |name: &Option<String>| name.as_ref().is_some_and(|name| !name.trim().is_empty());
        let is_set = |key: &Option<SecretString>| {
            key.as_ref().is_some_and(|key| !key.expose_secret().trim().is_empty())
        };
        let by_api_key = filled(&self.username) || is_set(&self.api_key);
        let by_ak_sk = filled(&self.access_key) || is_set(&self.secret_key);
        let name = |path: &str, name: &Option<String>| {
            name.clone()
                .filter(|name| !name.trim().is_empty())
                .ok_or_else(|| SettingsError::new(path, "missing: calls cannot be signed without it"))
        };
        match (by_api_key, by_ak_sk) {
            (true, true) => Err(SettingsError::new(
                "",
                "two pairs of credentials: keep username and api_key, or access_key and secret_key",
            )),
            (true, false) => Ok(Credentials::ApiKey {
                username: name("username", &self.username)?,
                api_key: settings::required("api_key", self.api_key.as_ref())?.clone(),
            }),
            (false, true) => Ok(Credentials::AkSk {
                access_key: name("access_key", &self.access_key)?,
                secret_key: settings::required("secret_key", self.secret_key.as_ref())?.clone(),
            }),
            (false, false) => Err(SettingsError::new(
                "",
                "no credentials: calls need username and api_key, or access_key and secret_key",
            )),
        }
    }
}
