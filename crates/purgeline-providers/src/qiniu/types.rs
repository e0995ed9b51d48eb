//! What travels to and from Qiniu. All of it from seed 003.

use crate::CallItem;
use purgeline_core::Kind;
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::Value;

/// The product that an account is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Product {
    /// DCDN accounts name themselves (developer.qiniu.com/dcdn/10755).
    Dcdn,
}

/// The body of a refresh. A list that is empty is left out, as the SDKs do.
#[derive(Debug, Serialize)]
pub(super) struct RefreshRequest<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) urls: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) dirs: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) product: Option<Product>,
}

/// The answer to a refresh. With a code other than 200 the other fields are empty.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RefreshAnswer {
    pub(super) request_id: Option<String>,
    pub(super) invalid_urls: Option<Vec<String>>,
    pub(super) invalid_dirs: Option<Vec<String>>,
    pub(super) url_quota_day: Option<u64>,
    pub(super) url_surplus_day: Option<u64>,
    pub(super) dir_quota_day: Option<u64>,
    pub(super) dir_surplus_day: Option<u64>,
}

/// A question about refreshes. All is optional, but not all may be absent.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListRequest<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) urls: Vec<&'a str>,
    /// `processing`, `success` or `failure`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) state: Option<&'static str>,
    /// From 0.
    pub(super) page_no: u64,
    pub(super) page_size: u64,
    /// `2006-01-02`, with `end_time`; without them the last three days are looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) start_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) end_time: Option<String>,
}

/// One page of refreshes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ListAnswer {
    pub(super) total: Option<u64>,
    pub(super) items: Option<Vec<Record>>,
}

/// One refreshed item. Its `uid` is text in the seed's table and a number in its example: it is
/// not read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Record {
    pub(super) url: String,
    pub(super) state: String,
    pub(super) state_detail: Option<String>,
}

/// A provider's answer with a code in it.
#[derive(Debug)]
pub(super) struct Coded<T> {
    pub(super) code: u32,
    /// The provider's words.
    pub(super) error: String,
    pub(super) rest: T,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(deserialize_with = "number_or_text")]
    code: u32,
    #[serde(default)]
    error: Option<String>,
}

impl<'a> RefreshRequest<'a> {
    pub(super) fn new(items: &'a [CallItem], product: Option<Product>) -> Self {
        let of = |kind| items.iter().map(|item| &item.item).filter(move |item| item.kind() == kind);
        Self {
            urls: of(Kind::Url).map(|item| item.text()).collect(),
            dirs: of(Kind::Dir).map(|item| item.text()).collect(),
            product,
        }
    }
}

impl<T: DeserializeOwned + Default> Coded<T> {
    /// Reads an answer; `None` if it holds no code, as where a gateway answered in the
    /// provider's stead. Fields that are not as documented do not hide the code.
    pub(super) fn read(body: &str) -> Option<Self> {
        let envelope: Envelope = serde_json::from_str(body).ok()?;
        let rest = serde_json::from_str(body);
        if rest.is_err() && envelope.code == super::codes::SUCCESS {
            // Taken for a success, it would be one without its contents.
            return None;
        }
        Some(Self {
            code: envelope.code,
            error: envelope.error.unwrap_or_default(),
            rest: rest.unwrap_or_default(),
        })
    }
}

fn number_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let number = match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    number
        .and_then(|number| u32::try_from(number).ok())
        .ok_or_else(|| serde::de::Error::custom("expected a code"))
}
