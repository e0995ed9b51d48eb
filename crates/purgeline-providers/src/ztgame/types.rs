//! What travels to and from ztgame: seed 002, and where marked the public source of the server that
//! it documents (github.com/cash2one/ztcdn).

use crate::CallItem;
use jiff::Timestamp;
use purgeline_core::Kind;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The body of a purge: items of one kind. The seed's example of a directory has the key `urls`;
/// its table says `dirs`, and the server purges a directory under `urls` as a file.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum PurgeRequest<'a> {
    Urls(Vec<&'a str>),
    Dirs(Vec<&'a str>),
}

/// The body that asks for a token: the server reads the flat one, the quick start beside seed 002
/// shows the nested one.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum TokenRequest<'a> {
    Flat(Credentials<'a>),
    Nested { auth: PasswordAuth<'a> },
}

/// Keystone's envelope.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PasswordAuth<'a> {
    pub(super) password_credentials: Credentials<'a>,
}

#[derive(Clone, Copy, Serialize)]
pub(super) struct Credentials<'a> {
    pub(super) username: &'a str,
    pub(super) password: &'a str,
}

/// What the request for a token gives. The HTTP status is always 200 (server's source).
#[derive(Debug)]
pub(super) enum TokenAnswer {
    /// A token, and when it ends.
    Given { id: String, expires: Option<Timestamp> },
    /// The server's words.
    Refused(String),
}

/// A purge that was taken, in either shape: in `zt_api` (the seed's example) or flat (server's
/// source).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Taken {
    /// Empty where there is none.
    pub(super) request: String,
    /// 0: success. The flat shape has none.
    pub(super) ret: i64,
    pub(super) message: String,
    /// The share of CDNs behind the server that accepted, in per cent: `success_rate` in the
    /// seed's example, `successRate` in its table and from the server.
    pub(super) success_rate: Option<f64>,
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) error: String,
    /// One of the CDNs behind the server refused, whose HTTP status is the answer's; others may
    /// have accepted.
    pub(super) of_cdn: bool,
}

#[derive(Deserialize)]
struct Status {
    task: Task,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Task {
    task_status: String,
}

impl<'a> PurgeRequest<'a> {
    pub(super) fn new(items: &'a [CallItem]) -> Self {
        let texts = items.iter().map(|item| item.item.text()).collect();
        match items.first().map(|item| item.item.kind()) {
            Some(Kind::Dir) => Self::Dirs(texts),
            _ => Self::Urls(texts),
        }
    }
}

impl TokenAnswer {
    /// `None` if it is neither.
    pub(super) fn read(body: &str) -> Option<Self> {
        let answer: Map<String, Value> = serde_json::from_str(body).ok()?;
        if let Some(token) = answer.get("access").and_then(|access| access.get("token")) {
            let id = token.get("id").and_then(Value::as_str).filter(|id| !id.is_empty())?;
            let expires = token.get("expires").and_then(Value::as_str).and_then(time);
            return Some(Self::Given { id: id.to_owned(), expires });
        }
        Some(Self::Refused(words(answer.get("error")?)))
    }
}

/// ISO 8601 in UTC, which is not always said.
fn time(text: &str) -> Option<Timestamp> {
    text.parse().or_else(|_| format!("{text}Z").parse()).ok()
}

impl Taken {
    /// `None` if the answer is no such thing.
    pub(super) fn read(body: &str) -> Option<Self> {
        let answer: Map<String, Value> = serde_json::from_str(body).ok()?;
        let members = answer.get("zt_api").and_then(Value::as_object).unwrap_or(&answer);
        let (ret, request) = (members.get("ret"), members.get("reqId"));
        if ret.is_none() && request.is_none() {
            return None;
        }
        let ret = match ret {
            None => 0,
            Some(Value::Number(number)) => number.as_i64()?,
            Some(Value::String(text)) => text.trim().parse().ok()?,
            Some(_) => return None,
        };
        Some(Self {
            request: request.and_then(Value::as_str).unwrap_or_default().to_owned(),
            ret,
            message: members.get("msg").map(words).unwrap_or_default(),
            success_rate: success_rate(members),
        })
    }
}

impl Refusal {
    /// `None` if the answer names no error.
    pub(super) fn read(body: &str) -> Option<Self> {
        let answer: Map<String, Value> = serde_json::from_str(body).ok()?;
        let error = words(answer.get("error")?);
        Some(Self { error, of_cdn: success_rate(&answer).is_some() })
    }
}

fn success_rate(members: &Map<String, Value>) -> Option<f64> {
    match members.get("success_rate").or_else(|| members.get("successRate"))? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A text as it is, anything else as JSON.
fn words(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The status of a task; `None` if the answer tells of none.
pub(super) fn task_status(body: &str) -> Option<String> {
    serde_json::from_str::<Status>(body).ok().map(|status| status.task.task_status)
}
