//! Qiniu's fusion CDN: `/v2/tune/refresh`, `/v2/tune/prefetch`, `/v2/tune/refresh/list`.
//!
//! The source of each rule is seed 003 unless another stands beside it. What the documents leave
//! open is a setting.

mod auth;
mod list;
mod refusal;
mod settings;
mod state;
mod wire;

use std::borrow::Cow;

use serde::de::DeserializeOwned;

pub use settings::{BadItems, HttpStatus, QiniuSettings};

use self::state::Account;
use self::wire::{Code, ListQuery, Submission};
use crate::clock::Moment;
use crate::provider::{Answer, Arrival, Provider, Request, Verdict};
use crate::record::{CallKind, Item};
use crate::tasks::Tasks;
use crate::windows::SlidingWindow;

/// One simulated account.
#[derive(Debug)]
pub(crate) struct Qiniu {
    settings: QiniuSettings,
    window: SlidingWindow,
    account: Account,
    answers: u64,
}

/// A call that may be carried out.
#[derive(Debug)]
pub(crate) enum Parsed {
    Refresh(Vec<Item>),
    Prefetch(Vec<Item>),
    List(ListQuery),
}

/// The body of a call.
enum Read {
    Submission(Submission),
    List(ListQuery),
}

// === impl Qiniu ===

impl Qiniu {
    pub(crate) fn new(settings: QiniuSettings) -> Self {
        Self {
            window: SlidingWindow::new(settings.rate),
            account: Account::new(&settings),
            settings,
            answers: 0,
        }
    }

    /// Reads a refresh or a prefetch. The order of checks: count of items, rate.
    fn submission(&mut self, kind: CallKind, body: Submission, now: Moment) -> (Vec<Item>, Verdict<Parsed>) {
        let (urls, dirs) = (body.urls.unwrap_or_default(), body.dirs.unwrap_or_default());
        let too_many = urls.len() > self.settings.urls_per_call || dirs.len() > self.settings.dirs_per_call;
        let stray_dirs = kind == CallKind::Prefetch && !dirs.is_empty();
        let items: Vec<Item> =
            (urls.iter().map(|u| Item::url(u))).chain(dirs.iter().map(|d| Item::dir(d))).collect();
        // No document names the code for too many items in a call; this is the one for a call
        // that is wrong as such.
        let verdict = if too_many || stray_dirs || items.is_empty() {
            let refused = refusal::refusal(&self.settings, Code::INVALID_INPUT);
            Verdict::Refuse(self.stamp(refused))
        } else if !self.window.admit(now, items.len() as u64) {
            let refused = refusal::refusal(&self.settings, Code::USER_RATE);
            Verdict::Limited(self.stamp(refused))
        } else if kind == CallKind::Prefetch {
            Verdict::Go(Parsed::Prefetch(items.clone()))
        } else {
            Verdict::Go(Parsed::Refresh(items.clone()))
        };
        (items, verdict)
    }

    /// `X-Reqid`: the python SDK takes an answer without it for no answer.
    fn stamp(&mut self, answer: Answer) -> Answer {
        self.answers += 1;
        answer.header("x-reqid", &format!("sim{:013x}", self.answers))
    }
}

impl Provider for Qiniu {
    type Parsed = Parsed;

    const NAME: &'static str = "qiniu";

    const CODES: &'static [&'static str] = Code::NAMES;

    fn arrive(&mut self, request: &Request, now: Moment) -> Arrival<Parsed> {
        let path = request.uri.path();
        let (kind, endpoint) = match path {
            "/v2/tune/refresh" => (CallKind::Purge, "POST /v2/tune/refresh"),
            "/v2/tune/prefetch" => (CallKind::Prefetch, "POST /v2/tune/prefetch"),
            "/v2/tune/refresh/list" => (CallKind::Status, "POST /v2/tune/refresh/list"),
            _ => (CallKind::Other, ""),
        };
        let checked = if kind == CallKind::Other {
            Err(Code::NOT_FOUND)
        } else if request.method != "POST" {
            Err(Code::BAD_METHOD)
        } else {
            auth::check(request, &self.settings.access_key, &self.settings.secret_key)
        };
        let read = checked.and_then(|()| match kind {
            CallKind::Status => json(request).map(Read::List),
            _ => json(request).map(Read::Submission),
        });
        let (items, verdict) = match read {
            Err(code) => {
                let refused = refusal::refusal(&self.settings, code);
                (Vec::new(), Verdict::Refuse(self.stamp(refused)))
            }
            Ok(Read::Submission(body)) => self.submission(kind, body, now),
            Ok(Read::List(query)) => (Vec::new(), Verdict::Go(Parsed::List(query))),
        };
        let endpoint = match endpoint {
            "" => Cow::Owned(format!("{} {path}", request.method)),
            known => Cow::Borrowed(known),
        };
        Arrival { kind, endpoint, items, options: Vec::new(), verdict }
    }

    fn process(&mut self, parsed: Parsed, tasks: &mut Tasks, now: Moment) -> Answer {
        let Self { settings, account, .. } = self;
        let answer = match parsed {
            Parsed::Refresh(items) => account.refresh(settings, &items, tasks, now),
            Parsed::Prefetch(items) => account.prefetch(settings, &items, now),
            Parsed::List(query) => list::list(settings, query, tasks, now),
        };
        self.stamp(answer)
    }

    fn refusal(&mut self, _kind: CallKind, _items: &[Item], code: &str) -> Answer {
        let code = Code::by_name(code).unwrap_or(Code::INTERNAL);
        let refused = refusal::refusal(&self.settings, code);
        self.stamp(refused)
    }
}

// === answers ===

fn json<T: DeserializeOwned>(request: &Request) -> Result<T, Code> {
    if !request.is_media_type("application/json") {
        return Err(Code::INVALID_INPUT);
    }
    serde_json::from_slice(&request.body).map_err(|_| Code::INVALID_INPUT)
}
