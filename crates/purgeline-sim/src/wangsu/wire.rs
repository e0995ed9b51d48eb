//! Requests, answers and messages, as seed 004 has them; the query as
//! wangsu.com/document/21518/22596 has it.

use serde::{Deserialize, Serialize};

/// `POST /ccm/purge/ItemIdReceiver`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Submission {
    #[serde(default)]
    pub(super) urls: Option<Vec<String>>,
    #[serde(default)]
    pub(super) dirs: Option<Vec<String>>,
    #[serde(default)]
    pub(super) url_action: Option<String>,
    #[serde(default)]
    pub(super) dir_action: Option<String>,
}

/// `POST /ccm/purge/ItemIdQuery`. What is empty counts as absent.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Query {
    pub(super) item_id: Option<String>,
    pub(super) start_time: Option<String>,
    pub(super) end_time: Option<String>,
    pub(super) url: Option<String>,
    pub(super) status: Option<String>,
    pub(super) page_no: Option<u64>,
    pub(super) page_size: Option<u64>,
}

#[derive(Debug, Serialize)]
pub(super) struct SubmissionAnswer {
    #[serde(rename = "Code")]
    pub(super) code: u8,
    #[serde(rename = "Message")]
    pub(super) message: String,
    #[serde(rename = "itemId", skip_serializing_if = "Option::is_none")]
    pub(super) item_id: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct QueryAnswer {
    #[serde(rename = "Code")]
    pub(super) code: u8,
    #[serde(rename = "Message")]
    pub(super) message: &'static str,
    /// All that match.
    pub(super) count: u64,
    /// "The total number of pages", says the document.
    pub(super) page_no: u64,
    pub(super) page_size: u64,
    pub(super) result_detail: Vec<ResultDetail>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResultDetail {
    pub(super) url: String,
    pub(super) status: &'static str,
    /// Per cent, as text.
    pub(super) rate: &'static str,
    pub(super) create_time: String,
    pub(super) begin_time: String,
    pub(super) finish_time: String,
    /// `0` file, `2` directory; 1 and 3 are regexes and tags.
    pub(super) is_dir: &'static str,
}

/// `POST /ccm/purge/limit` and `/ccm/purge/quota`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct QuotaAnswer {
    pub(super) code: &'static str,
    pub(super) message: &'static str,
    pub(super) supplier: &'static str,
    pub(super) url_upper: u64,
    pub(super) url_remain: u64,
    pub(super) dir_upper: u64,
    pub(super) dir_remain: u64,
    pub(super) regex_upper: u64,
    pub(super) regex_remain: u64,
    pub(super) tag_upper: u64,
    pub(super) tag_remain: u64,
}

/// A refusal by the gateway in front of the API. Its body is not documented.
#[derive(Debug, Serialize)]
pub(super) struct GatewayAnswer {
    pub(super) code: &'static str,
    pub(super) message: String,
}

/// Why a call is refused, in whole or in part. The message is the API's error code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    UsernameInvalid,
    BothEmpty,
    OutOfLimit,
    NotAllowed,
    /// These channels are refused, the rest is carried out.
    Channels(Vec<String>),
    /// The dirs of these channels are refused, the rest is carried out.
    DirQuotaOfChannels(Vec<String>),
    /// Both of the above, each with its own channels.
    ChannelsAndDirQuota(Vec<String>, Vec<String>),
    SystemException,
    Running(Vec<String>),
    ParseJson,
    ParseXml,
    /// `ItemIdQuery` without an id and without times. The words are not documented.
    NothingAsked,
    Frequency,
    TooManyRequests,
    Unauthorised(&'static str),
    NotFound,
}

// === impl Submission ===

impl Submission {
    /// Whether the actions are ones that there are: `default` is not one for dirs.
    pub(super) fn has_known_actions(&self) -> bool {
        let url = |action: &str| matches!(action, "default" | "delete" | "expire");
        let dir = |action: &str| matches!(action, "delete" | "expire");
        self.url_action.as_deref().is_none_or(url) && self.dir_action.as_deref().is_none_or(dir)
    }

    pub(super) fn deletes_dirs(&self) -> bool {
        self.dir_action.as_deref() == Some("delete") && self.dirs.as_ref().is_some_and(|d| !d.is_empty())
    }
}

// === impl Refusal ===

impl Refusal {
    /// The names that a fault plan knows them by, and the log.
    pub(super) const NAMES: &'static [&'static str] = &[
        "username is invalid",
        "urls and dirs must not both be empty",
        "the number of url and dir out of limit",
        "user not allowed push",
        "error channel",
        "dir number reached the daily limit by domain",
        "system exception",
        "running url or dir",
        "parse json error",
        "parse xml error",
        "frequency",
        "http 429",
        "http 401",
    ];

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::UsernameInvalid => "username is invalid",
            Self::BothEmpty => "urls and dirs must not both be empty",
            Self::OutOfLimit => "the number of url and dir out of limit",
            Self::NotAllowed => "user not allowed push",
            Self::Channels(_) | Self::ChannelsAndDirQuota(..) => "error channel",
            Self::DirQuotaOfChannels(_) => "dir number reached the daily limit by domain",
            Self::SystemException => "system exception",
            Self::Running(_) => "running url or dir",
            Self::ParseJson => "parse json error",
            Self::ParseXml => "parse xml error",
            Self::NothingAsked => "itemId and time must not both be empty",
            Self::Frequency => "frequency",
            Self::TooManyRequests => "http 429",
            Self::Unauthorised(_) => "http 401",
            Self::NotFound => "http 404",
        }
    }

    /// The refusal of this name, about these channels and items.
    pub(super) fn by_name(name: &str, channels: Vec<String>, items: Vec<String>) -> Self {
        match name {
            "username is invalid" => Self::UsernameInvalid,
            "urls and dirs must not both be empty" => Self::BothEmpty,
            "the number of url and dir out of limit" => Self::OutOfLimit,
            "user not allowed push" => Self::NotAllowed,
            "error channel" => Self::Channels(channels),
            "dir number reached the daily limit by domain" => Self::DirQuotaOfChannels(channels),
            "running url or dir" => Self::Running(items),
            "parse json error" => Self::ParseJson,
            "parse xml error" => Self::ParseXml,
            "frequency" => Self::Frequency,
            "http 429" => Self::TooManyRequests,
            "http 401" => Self::Unauthorised("told so"),
            _ => Self::SystemException,
        }
    }

    /// The API's words.
    pub(super) fn message(&self) -> String {
        let quota = |channels: &[String]| {
            let channels = channels.join(",");
            format!("error channel [{channels}], dir number reached the daily limit by domain.")
        };
        match self {
            Self::Channels(channels) => format!("error channel [{}].", channels.join(",")),
            Self::DirQuotaOfChannels(channels) => quota(channels),
            Self::ChannelsAndDirQuota(channels, full) => {
                format!("error channel [{}]. {}", channels.join(","), quota(full))
            }
            Self::Running(items) => {
                format!("running url or dir [{}],please try again after one minute.", items.join(","))
            }
            Self::Frequency => "the calling frequency exceeds the limit, please try again later".into(),
            Self::Unauthorised(why) => (*why).into(),
            other => other.name().into(),
        }
    }

    /// The status of the gateway's own refusals; the API's come with 200.
    pub(super) fn gateway_status(&self) -> Option<u16> {
        match self {
            Self::Unauthorised(_) => Some(401),
            Self::TooManyRequests => Some(429),
            Self::NotFound => Some(404),
            _ => None,
        }
    }
}
