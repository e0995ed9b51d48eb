//! Foresight Mobile Platform's cache API: `/api/v1/cache/`, `/api/v1/cache/refresh/`,
//! `/api/v1/cache/state/`.
//!
//! Source: seed 000. What it leaves open follows the server's evident parts, Django REST Framework
//! and Celery, or is a setting. No limit is documented.

mod refusal;
mod settings;

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use axum::extract::Query;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub use settings::{ForesightSettings, TokenPrefix, UnknownTask};

use self::refusal::{JSON, Refusal};
use crate::clock::Moment;
use crate::provider::{Answer, Arrival, Provider, Request, Taken, Verdict};
use crate::record::{CallKind, Item, ItemKind};
use crate::tasks::{Task, TaskState, Tasks};

/// One simulated server.
#[derive(Debug)]
pub(crate) struct Foresight {
    settings: ForesightSettings,
    started: Option<Moment>,
    tasks: u64,
}

/// A call that may be carried out.
#[derive(Debug)]
pub(crate) enum Parsed {
    Listing,
    Refresh(Item),
    State(String),
}

/// One device's cache in the listing.
#[derive(Debug, Serialize)]
struct CacheEntry<'a> {
    /// The user's token: the listing really has it.
    user: &'a str,
    device: &'a str,
    sync_datetime: String,
    version: u64,
    etag: String,
}

#[derive(Deserialize)]
struct StateQuery {
    #[serde(default)]
    task_id: String,
}

// === impl Foresight ===

impl Foresight {
    pub(crate) fn new(settings: ForesightSettings) -> Self {
        Self { settings, started: None, tasks: 0 }
    }

    fn read(&self, request: &Request, kind: CallKind) -> (Vec<Item>, Result<Parsed, Refusal>) {
        let path = request.uri.path();
        if kind == CallKind::Other && path != LISTING {
            let slash = [LISTING, REFRESH, STATE].iter().any(|p| p.strip_suffix('/') == Some(path));
            let refusal = if slash { Refusal::NoSlash } else { Refusal::NotFound };
            return (Vec::new(), Err(refusal));
        }
        let allowed = allow(path).split(", ").any(|m| m == request.method.as_str());
        let checked = self.authenticate(request).and(if allowed { Ok(()) } else { Err(Refusal::BadMethod) });
        if let Err(refusal) = checked {
            return (Vec::new(), Err(refusal));
        }
        match kind {
            CallKind::Purge => match self.resource(request) {
                Ok(item) => (vec![item.clone()], self.known(item).map(Parsed::Refresh)),
                Err(refusal) => (Vec::new(), Err(refusal)),
            },
            CallKind::Status => {
                let query = Query::<StateQuery>::try_from_uri(&request.uri);
                let id = query.map(|q| q.0.task_id).ok().filter(|id| !id.is_empty());
                (Vec::new(), id.map(Parsed::State).ok_or(Refusal::NoTaskId))
            }
            _ => (Vec::new(), Ok(Parsed::Listing)),
        }
    }

    fn authenticate(&self, request: &Request) -> Result<(), Refusal> {
        let sent = request.header("authorization").ok_or(Refusal::NoCredentials)?;
        let token = match self.settings.prefix {
            TokenPrefix::Bearer => sent.strip_prefix("Bearer ").ok_or(Refusal::NoCredentials)?,
            TokenPrefix::None => sent,
        };
        if token == self.settings.token.expose_secret() { Ok(()) } else { Err(Refusal::BadToken) }
    }

    /// The resource that a body names: a title, and parameters flat beside it. Its name in the log
    /// is the body with its members sorted.
    fn resource(&self, request: &Request) -> Result<Item, Refusal> {
        if !request.is_media_type("application/json") {
            return Err(Refusal::MediaType);
        }
        let body: Map<String, Value> = serde_json::from_slice(&request.body).map_err(|_| Refusal::NotJson)?;
        if body.get("resource_title").and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(Refusal::NoTitle);
        }
        Ok(Item::new(ItemKind::Resource, &Value::Object(body).to_string()))
    }

    fn known(&self, item: Item) -> Result<Item, Refusal> {
        let body: Value = serde_json::from_str(&item.name).unwrap_or_default();
        let title = body["resource_title"].as_str().unwrap_or_default();
        let known = self.settings.resources.as_ref().is_none_or(|all| all.iter().any(|r| r == title));
        if known { Ok(item) } else { Err(Refusal::NotFound) }
    }

    fn refresh(&mut self, item: Item, tasks: &mut Tasks, now: Moment) -> Answer {
        self.tasks += 1;
        let id: Arc<str> = format!("{:08x}-51b1-4000-8000-{:012x}", self.tasks, self.tasks).into();
        tasks.submit(&id, item, now, self.settings.processing_ms);
        let state = tasks.of_request(&id).next().map_or("PENDING", |task| self.state_of(task, now));
        let body = json!({ "task_id": &*id, "task_state": state });
        Answer::json_as(200, state.to_owned(), JSON, &body).receipt(&id).taking(Taken::All)
    }

    fn state(&self, id: &str, tasks: &Tasks, now: Moment) -> Answer {
        let life_ms = i64::try_from(self.settings.result_life_s.saturating_mul(1_000)).unwrap_or(i64::MAX);
        let kept =
            |task: &&Task| task.ended_ms(now).is_none_or(|ended| now.wall_ms < ended.saturating_add(life_ms));
        let state = match (tasks.of_request(id).find(kept), self.settings.unknown_task) {
            (Some(task), _) => self.state_of(task, now),
            (None, UnknownTask::Pending) => "PENDING",
            (None, UnknownTask::NotFound) => return Refusal::NotFound.answer(STATE),
        };
        let body = json!({ "task_id": id, "task_state": state });
        Answer::json_as(200, state.to_owned(), JSON, &body)
    }

    /// A failed fate's detail may be one of Celery's other words.
    fn state_of<'a>(&self, task: &'a Task, now: Moment) -> &'a str {
        match task.state(now) {
            TaskState::Success => "SUCCESS",
            TaskState::Failure(word @ ("REVOKED" | "RETRY" | "RECEIVED")) => word,
            TaskState::Failure(_) => "FAILURE",
            TaskState::Processing if self.settings.show_started && now > task.created => "STARTED",
            TaskState::Processing => "PENDING",
        }
    }

    /// Each refresh that has succeeded gives every device's cache a new version and tag.
    fn listing(&self, tasks: &Tasks, now: Moment) -> Answer {
        let succeeded = tasks.all().iter().filter(|t| t.state(now) == TaskState::Success);
        let ends: Vec<i64> = succeeded.filter_map(|t| t.ended_ms(now)).collect();
        let since = self.started.map_or(now.wall_ms, |m| m.wall_ms);
        let synced = ends.iter().copied().max().unwrap_or(since);
        let version = ends.len() as u64 + 1;
        let entry = |device| CacheEntry {
            user: self.settings.token.expose_secret(),
            device,
            sync_datetime: jiff::Timestamp::from_millisecond(synced)
                .map(|t| format!("{t:.6}"))
                .unwrap_or_default(),
            version,
            etag: format!("{version:032x}"),
        };
        let entries: Vec<_> = self.settings.devices.iter().map(|d| entry(d)).collect();
        Answer::json_as(200, "200", JSON, &entries)
    }
}

const LISTING: &str = "/api/v1/cache/";
const REFRESH: &str = "/api/v1/cache/refresh/";
const STATE: &str = "/api/v1/cache/state/";

impl Provider for Foresight {
    type Parsed = Parsed;

    const NAME: &'static str = "foresight";

    const CODES: &'static [&'static str] = Refusal::NAMES;

    fn arrive(&mut self, request: &Request, now: Moment) -> Arrival<Parsed> {
        self.started.get_or_insert(now);
        let path = request.uri.path();
        let (kind, endpoint) = match path {
            REFRESH => (CallKind::Purge, Cow::Borrowed("POST /api/v1/cache/refresh/")),
            STATE => (CallKind::Status, Cow::Borrowed("GET /api/v1/cache/state/")),
            LISTING => (CallKind::Other, Cow::Borrowed("GET /api/v1/cache/")),
            path => (CallKind::Other, Cow::Owned(format!("{} {path}", request.method))),
        };
        let (items, read) = self.read(request, kind);
        let verdict = match read {
            Ok(parsed) => Verdict::Go(parsed),
            Err(refusal) => Verdict::Refuse(dressed(refusal.answer(path), path)),
        };
        Arrival { kind, endpoint, items, options: Vec::new(), verdict }
    }

    fn process(&mut self, parsed: Parsed, tasks: &mut Tasks, now: Moment) -> Answer {
        match parsed {
            Parsed::Listing => dressed(self.listing(tasks, now), LISTING),
            Parsed::Refresh(item) => dressed(self.refresh(item, tasks, now), REFRESH),
            Parsed::State(id) => dressed(self.state(&id, tasks, now), STATE),
        }
    }

    fn refusal(&mut self, kind: CallKind, _items: &[Item], code: &str) -> Answer {
        let path = match kind {
            CallKind::Purge => REFRESH,
            CallKind::Status => STATE,
            _ => LISTING,
        };
        dressed(Refusal::by_name(code).answer(path), path)
    }
}

/// The headers of the seed's traces.
fn dressed(answer: Answer, path: &str) -> Answer {
    let mut hasher = DefaultHasher::new();
    answer.body.hash(&mut hasher);
    let etag = format!("\"{:016x}\"", hasher.finish());
    answer
        .header("server", "nginx/1.16.1")
        .header("allow", allow(path))
        .header("x-frame-options", "SAMEORIGIN")
        .header("vary", "Origin, Cookie")
        .header("etag", &etag)
}

fn allow(path: &str) -> &'static str {
    if path == REFRESH { "POST, OPTIONS" } else { "GET, HEAD, OPTIONS" }
}
