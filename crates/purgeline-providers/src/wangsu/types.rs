//! What travels to and from Wangsu. The purge after seed 004; the query and the limits after
//! wangsu.com/document/21518/22596 and the official SDK.

use crate::CallItem;
use purgeline_core::{Action, Kind};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// The body of a purge. What is empty, or the default, is left out, as the SDK does.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PurgeRequest<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    urls: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dirs: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url_action: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dir_action: Option<&'static str>,
}

/// The answer to any call, as far as all have it in common.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope {
    /// 1 is success. Documented as a number; a sibling API gives texts.
    #[serde(rename = "Code", deserialize_with = "text")]
    pub(super) code: String,
    /// The API's words, which are its error code.
    #[serde(rename = "Message", default)]
    pub(super) message: String,
}

/// What a purge tells besides.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PurgeAnswer {
    pub(super) item_id: Option<String>,
}

/// A question about tasks: by the id of a submission, or by the time of their creation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct QueryRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) item_id: Option<String>,
    /// `yyyy-MM-dd HH:mm:ss`, with `end_time`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) start_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) end_time: Option<String>,
    /// From 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) page_no: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) page_size: Option<u64>,
}

/// One page of tasks. Its `pageNo` is documented as the number of pages, and not read.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct QueryAnswer {
    /// All tasks that match.
    #[serde(deserialize_with = "number")]
    pub(super) count: Option<u64>,
    pub(super) result_detail: Option<Vec<Record>>,
}

/// One task: a url or dir of a submission.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Record {
    pub(super) url: String,
    /// `wait`, `run`, `success` or `failure`.
    pub(super) status: String,
    /// Nodes that have done it, in per cent.
    #[serde(deserialize_with = "number")]
    pub(super) rate: Option<u64>,
    /// `yyyy-MM-dd HH:mm:ss`.
    pub(super) create_time: Option<String>,
    /// 0 a file, 1 a regex, 2 a dir, 3 a tag.
    #[serde(deserialize_with = "number")]
    pub(super) is_dir: Option<u64>,
}

/// What the account may purge a day, and what of it is left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct LimitAnswer {
    #[serde(deserialize_with = "number")]
    pub(super) url_upper: Option<u64>,
    #[serde(deserialize_with = "number")]
    pub(super) url_remain: Option<u64>,
    #[serde(deserialize_with = "number")]
    pub(super) dir_upper: Option<u64>,
    #[serde(deserialize_with = "number")]
    pub(super) dir_remain: Option<u64>,
}

impl<'a> PurgeRequest<'a> {
    pub(super) fn new(items: &'a [CallItem]) -> Self {
        let of = |kind| items.iter().filter(move |item| item.item.kind() == kind);
        let texts = |kind| of(kind).map(|item| item.item.text()).collect();
        // Items of one kind in one call have one action.
        let action = |kind| of(kind).next().and_then(|item| word(item.action));
        Self {
            urls: texts(Kind::Url),
            dirs: texts(Kind::Dir),
            url_action: action(Kind::Url),
            dir_action: action(Kind::Dir),
        }
    }
}

/// `None` is the domain's own setting, for urls and dirs alike; the word "default" is one for
/// urls only (seed 004).
const fn word(action: Action) -> Option<&'static str> {
    match action {
        Action::Default => None,
        Action::Expire | Action::Delete => Some(action.as_str()),
    }
}

impl Envelope {
    /// `None` if the answer holds no code, as where a gateway answered in the API's stead.
    pub(super) fn read(body: &str) -> Option<Self> {
        serde_json::from_str(body).ok()
    }

    pub(super) fn is_success(&self) -> bool {
        self.code == "1"
    }
}

impl Record {
    /// Whether it is of an item of that kind.
    pub(super) const fn is_of(&self, kind: Kind) -> bool {
        match self.is_dir {
            Some(0) => matches!(kind, Kind::Url),
            Some(2) => matches!(kind, Kind::Dir),
            Some(_) => false,
            None => true,
        }
    }
}

impl LimitAnswer {
    /// `None` unless it tells of both kinds.
    pub(super) fn read(body: &str) -> Option<Self> {
        let answer: Self = serde_json::from_str(body).ok()?;
        (answer.url_remain.is_some() && answer.dir_remain.is_some()).then_some(answer)
    }

    /// What is left of a kind, and what there is a day.
    pub(super) fn of(&self, kind: Kind) -> Option<(u64, u64)> {
        let (left, max) = match kind {
            Kind::Url => (self.url_remain, self.url_upper),
            Kind::Dir => (self.dir_remain, self.dir_upper),
            Kind::Resource => (None, None),
        };
        Some((left?, max.or(left)?))
    }
}

/// A number, or one written as text; anything else is none.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().trim_end_matches('%').parse().ok(),
        _ => None,
    })
}

/// A text, or a number as text.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Number(number) => Ok(number.to_string()),
        Value::String(text) => Ok(text),
        _ => Err(serde::de::Error::custom("expected a code")),
    }
}
