//! ztgame's CDN front: `/cdn_api/tokens`, `/cdn_api/purge`, `/cdn_api/req_status/<reqId>`.
//!
//! Sources: seed 002, and the public source of the very server that it documents, which passes a
//! purge on to several CDNs. What they leave open is a setting. No rate is documented.

mod refusal;
mod settings;
mod tokens;

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

pub use settings::{AnswerShape, TokenBody, ZtgameSettings};

use self::refusal::Refusal;
use self::tokens::Tokens;
use crate::clock::Moment;
use crate::hosts::{host_of, served};
use crate::local_time::UTC_PLUS_8;
use crate::provider::{Answer, Arrival, Provider, Request, Taken, Verdict};
use crate::record::{CallKind, Item, ItemKind};
use crate::tasks::{Task, TaskState, Tasks};

/// The column that holds a task's items has this many characters; what is longer is cut.
const CONTENT_CHARS: usize = 80;

/// One simulated account.
#[derive(Debug)]
pub(crate) struct Ztgame {
    settings: ZtgameSettings,
    tokens: Tokens,
    requests: u64,
}

/// A call that may be carried out.
#[derive(Debug)]
pub(crate) enum Parsed {
    Token(Bytes),
    Purge(Vec<Item>),
    Status(String),
}

/// `POST /cdn_api/purge`. Other fields select a project and are for internal use.
#[derive(Debug, Deserialize)]
struct Submission {
    #[serde(default)]
    urls: Option<Vec<String>>,
    #[serde(default)]
    dirs: Option<Vec<String>>,
}

// === impl Ztgame ===

impl Ztgame {
    pub(crate) fn new(settings: ZtgameSettings) -> Self {
        Self { settings, tokens: Tokens::default(), requests: 0 }
    }

    fn read(&self, request: &Request, kind: CallKind, now: Moment) -> (Vec<Item>, Result<Parsed, Refusal>) {
        let method = request.method.as_str();
        let right = match kind {
            CallKind::Purge | CallKind::Token => method == "POST",
            CallKind::Status => matches!(method, "GET" | "HEAD"),
            CallKind::Prefetch | CallKind::Other => return (Vec::new(), Err(Refusal::NotFound)),
        };
        if !right {
            return (Vec::new(), Err(Refusal::BadMethod));
        }
        if kind == CallKind::Token {
            return (Vec::new(), Ok(Parsed::Token(request.body.clone())));
        }
        if let Err(refusal) = self.tokens.check(request, now) {
            return (Vec::new(), Err(refusal));
        }
        if kind == CallKind::Status {
            let id = request.uri.path().trim_start_matches(STATUS).to_owned();
            return (Vec::new(), Ok(Parsed::Status(id)));
        }
        let read = request.is_media_type("application/json").then(|| serde_json::from_slice(&request.body));
        let Some(Ok(Submission { urls, dirs })) = read else {
            return (Vec::new(), Err(Refusal::NotJson));
        };
        let (urls, dirs) = (urls.unwrap_or_default(), dirs.unwrap_or_default());
        let items: Vec<Item> =
            (urls.iter().map(|u| Item::url(u))).chain(dirs.iter().map(|d| Item::dir(d))).collect();
        let checked = self.check(&items).map(|()| Parsed::Purge(items.clone()));
        (items, checked)
    }

    /// What a call shows by itself: something is asked, not too much, of one host of the account.
    fn check(&self, items: &[Item]) -> Result<(), Refusal> {
        let Some(first) = items.first() else {
            return Err(Refusal::NoCdn);
        };
        if items.len() > self.settings.items_per_call {
            return Err(Refusal::TooMany);
        }
        let host = |item: &Item| host_of(&item.name).unwrap_or_default();
        let first = host(first);
        if items.iter().any(|item| host(item) != first) {
            return Err(Refusal::MixedHosts);
        }
        if first.is_empty() || !served(self.settings.hosts.as_deref(), &first) {
            return Err(Refusal::NotYours(first));
        }
        Ok(())
    }

    /// Takes a purge. Where urls and dirs come together, the CDNs behind the server see only the
    /// dirs; what one of them refuses, by name or for want of a final slash, fails the call.
    fn purge(&mut self, items: &[Item], tasks: &mut Tasks, now: Moment) -> Answer {
        let any_dir = items.iter().any(|i| i.kind == ItemKind::Dir);
        let taken: Vec<bool> = items.iter().map(|i| !any_dir || i.kind == ItemKind::Dir).collect();
        let seen: Vec<&Item> = items.iter().zip(&taken).filter_map(|(i, t)| t.then_some(i)).collect();
        let bad = |item: &&Item| {
            self.settings.bad_urls.contains(&*item.name)
                || (item.kind == ItemKind::Dir && !item.name.ends_with('/'))
        };
        if seen.iter().any(bad) {
            return self.refuse(&Refusal::Downstream(400));
        }
        let id = self.next_id(now);
        for item in seen {
            tasks.submit(&id, item.clone(), now, self.settings.processing_ms);
        }
        let rate = self.settings.success_rate;
        let id_text = &*id;
        let body = match self.settings.answer {
            AnswerShape::Nested => {
                json!({ "zt_api": { "msg": "OK", "reqId": id_text, "ret": 0, "success_rate": rate } })
            }
            AnswerShape::NestedCamel => {
                json!({ "zt_api": { "msg": "OK", "reqId": id_text, "ret": 0, "successRate": rate } })
            }
            AnswerShape::Flat => json!({ "reqId": id_text, "successRate": rate }),
        };
        Answer::json(200, "OK", &body).receipt(&id).taking(Taken::Some(taken))
    }

    fn status(&self, id: &str, tasks: &Tasks, now: Moment) -> Answer {
        let items: Vec<&Task> = tasks.of_request(id).collect();
        let Some(first) = items.first() else {
            return self.refuse(&Refusal::UnknownTask);
        };
        let content = items.iter().map(|t| &*t.item.name).collect::<Vec<_>>().join(",");
        let status = if self.settings.runs_for_ever { "run" } else { status(&items, now) };
        let ended = items.iter().map(|t| t.ended_ms(now)).max().flatten();
        let ended = ended.filter(|_| status != "run");
        let task = json!({
            "taskId": id,
            "projectId": "sim-project",
            "taskType": if first.item.kind == ItemKind::Dir { "0" } else { "1" },
            "taskContent": content.chars().take(CONTENT_CHARS).collect::<String>(),
            "taskStatus": status,
            "taskUser": self.settings.username,
            "taskCreateAt": date(first.created.wall_ms),
            "taskDoneAt": ended.map_or(Value::Null, |ms| Value::String(date(ms))),
        });
        Answer::json(200, "200", &json!({ "task": task }))
    }

    fn refuse(&self, refusal: &Refusal) -> Answer {
        refusal.answer(&self.settings)
    }

    /// In the form of a UUID of version 1, like the seed's.
    fn next_id(&mut self, now: Moment) -> Arc<str> {
        self.requests += 1;
        let time = now.wall_ms.cast_unsigned() & 0xffff_ffff;
        format!("{time:08x}-929f-11e5-b504-{:012x}", self.requests).into()
    }
}

const STATUS: &str = "/cdn_api/req_status/";

impl Provider for Ztgame {
    type Parsed = Parsed;

    const NAME: &'static str = "ztgame";

    const CODES: &'static [&'static str] = Refusal::NAMES;

    fn arrive(&mut self, request: &Request, now: Moment) -> Arrival<Parsed> {
        let (kind, endpoint) = match request.uri.path() {
            "/cdn_api/tokens" => (CallKind::Token, Cow::Borrowed("POST /cdn_api/tokens")),
            "/cdn_api/purge" => (CallKind::Purge, Cow::Borrowed("POST /cdn_api/purge")),
            path if path.starts_with(STATUS) => {
                (CallKind::Status, Cow::Borrowed("GET /cdn_api/req_status/{reqId}"))
            }
            path => (CallKind::Other, Cow::Owned(format!("{} {path}", request.method))),
        };
        let (items, read) = self.read(request, kind, now);
        let verdict = match read {
            Ok(parsed) => Verdict::Go(parsed),
            Err(refusal) => Verdict::Refuse(server(self.refuse(&refusal))),
        };
        Arrival { kind, endpoint, items, options: Vec::new(), verdict }
    }

    fn process(&mut self, parsed: Parsed, tasks: &mut Tasks, now: Moment) -> Answer {
        server(match parsed {
            Parsed::Token(body) => self.tokens.give(&body, &self.settings, now),
            Parsed::Purge(items) => self.purge(&items, tasks, now),
            Parsed::Status(id) => self.status(&id, tasks, now),
        })
    }

    fn refusal(&mut self, _kind: CallKind, items: &[Item], code: &str) -> Answer {
        let host = items.first().and_then(|i| host_of(&i.name)).unwrap_or_default();
        server(self.refuse(&Refusal::by_name(code, host)))
    }
}

// === answers ===

/// The whole task's status, from its items: a failed one fails it. A fate's detail may be one of the
/// words that the CDNs behind the server use.
fn status<'a>(items: &[&'a Task], now: Moment) -> &'a str {
    const WORDS: [&str; 5] = ["failure", "error", "delete", "wait", "unknow"];
    let mut status = "success";
    for task in items {
        match task.state(now) {
            TaskState::Processing => return "run",
            TaskState::Success => {}
            TaskState::Failure(detail) => {
                status = if WORDS.contains(&detail) { detail } else { "failure" };
            }
        }
    }
    status
}

/// Flask writes "GMT", but the clock behind it is China's.
fn date(wall_ms: i64) -> String {
    let zone = jiff::tz::TimeZone::fixed(UTC_PLUS_8);
    let local = jiff::Timestamp::from_millisecond(wall_ms).map(|t| t.to_zoned(zone));
    local.map(|t| t.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()).unwrap_or_default()
}

fn server(answer: Answer) -> Answer {
    answer.header("server", "Werkzeug/0.10.4 Python/2.7.5")
}
