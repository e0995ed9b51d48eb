//! What travels to and from Huawei Cloud: seed 001 for the old API, and for today's
//! support.huaweicloud.com/api-cdn and the official SDK (huaweicloudsdkcdn 3.1.219).

use super::{Api, ChineseUrls, Mode};
use crate::CallItem;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use purgeline_core::Kind;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The body of a creation: one root key for each API.
#[derive(Debug, Serialize)]
pub(super) enum Creation<'a> {
    /// Seed 001.
    #[serde(rename = "refreshTask")]
    Legacy(RefreshTask<'a>),
    /// CreateRefreshTasks.
    #[serde(rename = "refresh_task")]
    Current(RefreshTask<'a>),
}

/// A task: files or directories, never both.
#[derive(Debug, Serialize)]
pub(super) struct RefreshTask<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    /// Today's API, directories.
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<Mode>,
    urls: Vec<Cow<'a, str>>,
}

/// A task that was created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Created {
    pub(super) id: String,
    /// In ms since 1970, where the answer has it; the old API's example says 0 (seed 001).
    pub(super) create_time: Option<i64>,
}

/// One page of a task (ShowHistoryTaskDetails).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Detail {
    /// `task_inprocess`, or `task_done`: it has ended, well or not.
    pub(super) status: Option<String>,
    /// URLs that failed.
    pub(super) failed: Option<u64>,
    /// URLs of the task.
    pub(super) total: Option<u64>,
    pub(super) urls: Option<Vec<Record>>,
}

/// The result of one URL.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Record {
    pub(super) url: String,
    /// `succeed` and `failed` are the ends; `processing`, `waiting`, `refreshing` and
    /// `preheating` are not.
    pub(super) status: String,
    /// `ORIGIN_ERROR`, `INNER_ERROR` or `UNKNOWN_ERROR`, of one that failed.
    pub(super) fail_classify: Option<String>,
    pub(super) fail_desc: Option<String>,
}

/// An error, wherever in an answer it stands, and whatever the HTTP status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServiceError {
    pub(super) code: String,
    pub(super) message: String,
}

/// The body of `POST /v3/auth/tokens`: a user's password for a token of the whole account
/// (support.huaweicloud.com/api-cdn/cdn_02_0086).
#[derive(Serialize)]
pub(super) struct TokenRequest<'a> {
    auth: Login<'a>,
}

#[derive(Serialize)]
struct Login<'a> {
    identity: Identity<'a>,
    scope: Scope<'a>,
}

#[derive(Serialize)]
struct Identity<'a> {
    methods: [&'static str; 1],
    password: Password<'a>,
}

#[derive(Serialize)]
struct Password<'a> {
    user: User<'a>,
}

#[derive(Serialize)]
struct User<'a> {
    name: &'a str,
    password: &'a str,
    domain: Named<'a>,
}

#[derive(Serialize)]
struct Scope<'a> {
    domain: Named<'a>,
}

/// IAM's word for an account is domain.
#[derive(Clone, Copy, Serialize)]
struct Named<'a> {
    name: &'a str,
}

/// What IAM says of a token, which itself is in a header.
#[derive(Debug, Deserialize)]
pub(super) struct Issued {
    token: Life,
}

#[derive(Debug, Deserialize)]
struct Life {
    /// `2020-01-04T09:05:22.701000Z`.
    expires_at: String,
}

/// The names under which code and words are known: the first is the documented one, the others
/// are those that the official SDK reads too (its exception_handler).
const NAMES: [(&str, &str); 3] =
    [("error_code", "error_msg"), ("errorCode", "errorMsg"), ("code", "message")];

impl<'a> Creation<'a> {
    /// A task for items of one kind.
    pub(super) fn new(items: &'a [CallItem], api: Api, mode: Mode, chinese: ChineseUrls) -> Self {
        let dirs = items.first().is_some_and(|item| item.item.kind() == Kind::Dir);
        let task = RefreshTask {
            kind: if dirs { "directory" } else { "file" },
            mode: (dirs && api == Api::Current).then_some(mode),
            urls: items.iter().flat_map(|item| forms(item.item.text(), chinese)).collect(),
        };
        match api {
            Api::Legacy => Self::Legacy(task),
            Api::Current => Self::Current(task),
        }
    }
}

/// The spellings in which a URL is sent: as it is, and where asked for also with its non-ASCII
/// characters raw.
fn forms(text: &str, chinese: ChineseUrls) -> impl Iterator<Item = Cow<'_, str>> {
    let raw = match chinese {
        ChineseUrls::Encoded => None,
        ChineseUrls::Both => raw_form(text).map(Cow::Owned),
    };
    std::iter::once(Cow::Borrowed(text)).chain(raw)
}

/// The text with what is percent-encoded UTF-8 beyond ASCII decoded; `None` if there is nothing of
/// that. ASCII stays encoded: `%20` and `%2F` mean something else than what they stand for.
fn raw_form(text: &str) -> Option<String> {
    let mut raw = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let (front, encoded) = rest.split_at(at);
        raw.push_str(front);
        let run = run_of_high_bytes(encoded);
        match percent_decode_str(&encoded[..run]).decode_utf8() {
            Ok(decoded) if run > 0 => {
                raw.push_str(&decoded);
                rest = &encoded[run..];
            }
            _ => {
                raw.push('%');
                rest = &encoded[1..];
            }
        }
    }
    raw.push_str(rest);
    (raw != text).then_some(raw)
}

/// Bytes of text at the start that encode bytes of 0x80 and above: `%E5%9B%BE` of `%E5%9B%BE.png`.
fn run_of_high_bytes(text: &str) -> usize {
    let is_high = |triplet: &[u8]| matches!(triplet, [b'%', high, low] if matches!(high.to_ascii_uppercase(), b'8'..=b'9' | b'A'..=b'F') && low.is_ascii_hexdigit());
    text.as_bytes().chunks(3).take_while(|triplet| is_high(triplet)).count() * 3
}

impl<'a> TokenRequest<'a> {
    pub(super) const fn new(user: &'a str, password: &'a str, domain: &'a str) -> Self {
        let domain = Named { name: domain };
        let user = User { name: user, password, domain };
        let identity = Identity { methods: ["password"], password: Password { user } };
        Self { auth: Login { identity, scope: Scope { domain } } }
    }
}

impl Issued {
    pub(super) fn read(body: &str) -> Option<Self> {
        serde_json::from_str(body).ok()
    }

    pub(super) fn ends(&self) -> Option<Timestamp> {
        self.token.expires_at.parse().ok()
    }
}

impl Created {
    /// Either API's answer; `None` if it names no task.
    pub(super) fn read(body: &str) -> Option<Self> {
        let answer: Map<String, Value> = serde_json::from_str(body).ok()?;
        let task = answer.get("refreshTask").or_else(|| answer.get("refresh_task"))?;
        let (id, create_time) = match task {
            Value::Object(task) => (task.get("id")?, task.get("create_time").and_then(Value::as_i64)),
            id => (id, None),
        };
        let id = text(id).filter(|id| !id.is_empty())?;
        Some(Self { id, create_time: create_time.filter(|time| *time > 0) })
    }
}

impl Detail {
    /// `None` if it is none.
    pub(super) fn read(body: &str) -> Option<Self> {
        let detail: Self = serde_json::from_str(body).ok()?;
        (detail.status.is_some() || detail.urls.is_some()).then_some(detail)
    }
}

impl ServiceError {
    /// `None` if the answer holds none. It stands at the top, or one level down.
    pub(super) fn read(body: &str) -> Option<Self> {
        let answer: Map<String, Value> = serde_json::from_str(body).ok()?;
        let below = answer.values().filter_map(Value::as_object);
        std::iter::once(&answer).chain(below).find_map(Self::of)
    }

    fn of(members: &Map<String, Value>) -> Option<Self> {
        NAMES.iter().find_map(|(code, message)| {
            let code = members.get(*code).and_then(text).filter(|code| !code.is_empty())?;
            let message = members.get(*message).and_then(text).unwrap_or_default();
            Some(Self { code, message })
        })
    }
}

/// A text, or a number as one.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_characters_are_written_raw_and_nothing_else() {
        for (text, raw) in [
            ("http://h/%E5%9B%BE%E7%89%87.png", Some("http://h/图片.png")),
            ("http://h/a%20%E5%9B%BE%2F?q=%E7%89%87%26", Some("http://h/a%20图%2F?q=片%26")),
            // GBK is no UTF-8, and half a character is none.
            ("http://h/%D6%D0", None),
            ("http://h/%E5%9B", None),
            ("http://h/a%20b%2Fc%", None),
            ("http://h/100%E", None),
            ("http://h/a", None),
        ] {
            assert_eq!(raw_form(text).as_deref(), raw, "{text}");
        }
    }
}
