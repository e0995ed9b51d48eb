//! Huawei Cloud CDN: cache refreshing tasks, by the API of seed 001 and by today's.

mod auth;
mod client;
mod codes;
mod poll;
mod quota;
mod signing;
mod submit;
#[cfg(test)]
mod tests;
mod types;

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
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, num::NonZeroU32, sync::Arc};

pub(crate) const ENTRY: Entry = Entry { name: "huawei", descriptor, build };

/// The settings of a target at Huawei Cloud. It authenticates by the keys or by `iam`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HuaweiSettings {
    /// Which API creates tasks.
    #[serde(default)]
    pub api: Api,
    /// The access key of the account or of a user (AK).
    #[serde(default)]
    pub access_key: Option<SecretString>,
    /// The secret key (SK).
    #[serde(default)]
    pub secret_key: Option<SecretString>,
    /// With temporary keys, the token that belongs to them.
    #[serde(default)]
    pub security_token: Option<SecretString>,
    /// A user of IAM, instead of keys.
    #[serde(default)]
    pub iam: Option<IamSettings>,
    /// The account's id, sent as `X-Domain-Id` as the official SDKs do.
    #[serde(default)]
    pub domain_id: Option<String>,
    /// The enterprise project: an id, `0` for the default one, `all` for every one. IAM users must
    /// name it (seed 001).
    #[serde(default)]
    pub enterprise_project_id: Option<String>,
    /// Where the API is: `https://cdn.myhuaweicloud.eu` for eu-west-101 (the official SDK's
    /// regions).
    #[serde(default = "default_base_url")]
    pub base_url: String,
    /// What of a directory is refreshed.
    #[serde(default)]
    pub mode: Mode,
    /// In which spelling URLs with characters beyond ASCII are sent.
    #[serde(default)]
    pub chinese_urls: ChineseUrls,
    /// When to ask how a task fares. A task takes about 5 minutes
    /// (support.huaweicloud.com/usermanual-cdn/cdn_01_0112).
    #[serde(default)]
    pub polls: PollSettings,
}

/// A user of IAM, who is given tokens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IamSettings {
    /// The user's name.
    pub user: String,
    /// The user's password.
    #[serde(default)]
    pub password: Option<SecretString>,
    /// The name of the account that the user belongs to; IAM calls it domain.
    pub domain: String,
    /// Where IAM is.
    #[serde(default = "default_iam_url")]
    pub base_url: String,
}

/// The two generations of the API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Api {
    /// `POST /v1.0/cdn/refreshtasks` (seed 001; the path from
    /// support.huaweicloud.com/api-cdn/cdn_02_0045). URLs of up to 10,240 characters.
    Legacy,
    /// `POST /v1.0/cdn/content/refresh-tasks` (CreateRefreshTasks). URLs of up to 4,096
    /// characters.
    #[default]
    Current,
}

/// What of a directory is refreshed (CreateRefreshTasks; seed 001 does not know the choice).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// All that is below it.
    #[default]
    All,
    /// What has changed at the origin.
    DetectModifyRefresh,
}

/// In which spelling URLs with characters beyond ASCII are sent. Items are percent-encoded as
/// browsers do it, and that is what `zh_url_encode = true` would make of raw characters: so the
/// flag, which CreateRefreshTasks warns against for encoded URLs, is never sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChineseUrls {
    /// Percent-encoded.
    #[default]
    Encoded,
    /// Both percent-encoded and raw, since visitors may ask for either (CreateRefreshTasks
    /// recommends it). Such a URL counts twice, so a call takes half as many items.
    Both,
}

fn default_base_url() -> String {
    "https://cdn.myhuaweicloud.com".to_owned()
}

fn default_iam_url() -> String {
    "https://iam.myhuaweicloud.com".to_owned()
}

/// When to ask how a task fares. All in milliseconds.
const POLLS: PollSchedule = PollSchedule {
    first_ms: 60_000,
    then_ms: 30_000,
    max_ms: 300_000,
    // A task is kept for 15 days (ShowHistoryTaskDetails).
    deadline_ms: 3_600_000,
    // A question names one task.
    batches_per_call: NonZeroU32::MIN,
    resubmits: None,
};

fn descriptor(settings: &Settings) -> Result<Descriptor, SettingsError> {
    let settings: HuaweiSettings = settings::read(settings)?;
    settings::base_url("base_url", &settings.base_url)?;
    let chars = settings.api.max_chars();
    Ok(Descriptor {
        name: ENTRY.name,
        title: "Huawei Cloud CDN",
        limits: limits(settings.chinese_urls),
        rules: ItemRules {
            max_chars: BTreeMap::from([(Kind::Url, chars), (Kind::Dir, chars)]),
            no_wildcards: false,
            not_while_open: false,
        },
        // A refresh marks the copies as expired (cdn_01_0112); there is no other way.
        actions: &[Action::Default],
        dir_actions: None,
        polls: Some(settings.polls.over(POLLS)),
        timeout_ms: Descriptor::TIMEOUT_MS,
        auth: "AK/SK: HMAC-SHA256 of the request, clock within 15 min; or IAM token",
        per_item_result: true,
        codes: codes::CODES,
        outages: &["CDN.0000", "APIGW.0201"],
    })
}

/// Seed 001 bounds URLs and says nothing of directories: those of today's API hold there too. The
/// quotas of the day are no fixed figures: they are asked for.
fn limits(chinese: ChineseUrls) -> Limits {
    let spellings = match chinese {
        ChineseUrls::Encoded => 1,
        ChineseUrls::Both => 2,
    };
    let second = ms(1_000);
    let (urls, dirs) = (count(1_000 / spellings), count(100 / spellings));
    Limits {
        call: CallLimits {
            max_items: urls,
            // 100 directories: the official SDK. The page of 2025-10-30 says 1,000.
            max_of_kind: BTreeMap::from([(Kind::Url, urls), (Kind::Dir, dirs)]),
            // A task has one type.
            mix_kinds: false,
            max_hosts: None,
            max_bytes: None,
        },
        rates: vec![
            // CreateRefreshTasks and ShowHistoryTaskDetails (2025-10-30).
            Rate { unit: RateUnit::Calls, max: count(30), window_ms: second },
            Rate { unit: RateUnit::Polls, max: count(30), window_ms: second },
        ],
        // Not documented; of calls of 1,000 URLs few are needed.
        max_in_flight: count(4),
        max_tasks: None,
        quotas: told_quotas(),
    }
}

fn build(context: &BuildContext) -> Result<Arc<dyn Provider>, SettingsError> {
    let settings: HuaweiSettings = settings::read(&context.settings)?;
    Ok(Arc::new(client::Client::new(context, &settings)?))
}

impl Api {
    const fn path(self) -> &'static str {
        match self {
            Self::Legacy => "/v1.0/cdn/refreshtasks",
            Self::Current => "/v1.0/cdn/content/refresh-tasks",
        }
    }

    /// The longest URL, in characters: seed 001, CreateRefreshTasks.
    const fn max_chars(self) -> usize {
        match self {
            Self::Legacy => 10_240,
            Self::Current => 4_096,
        }
    }
}
