//! Wangsu's content management: `/ccm/purge/ItemIdReceiver`, `/ccm/purge/ItemIdQuery`,
//! `/ccm/purge/limit`, `/ccm/purge/quota`.
//!
//! The source of each rule is seed 004 unless another stands beside it. What the documents leave
//! open is a setting. Requests in XML are answered "parse xml error".

mod auth;
mod query;
mod settings;
mod state;
mod wire;

use std::borrow::Cow;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use settings::{LimitedAnswer, WangsuSettings};

use self::auth::Seen;
use self::state::{Account, Submitted};
use self::wire::{GatewayAnswer, Query, Refusal, Submission, SubmissionAnswer};
use crate::clock::Moment;
use crate::hosts::host_of;
use crate::provider::{Answer, Arrival, Provider, Request, Taken, Verdict};
use crate::record::{CallKind, Item};
use crate::tasks::Tasks;
use crate::windows::SlidingWindow;

/// What the seed's example answer has for a media type.
const MEDIA_TYPE: &str = "charset=utf-8; charset=UTF-8";

/// One simulated account.
#[derive(Debug)]
pub(crate) struct Wangsu {
    settings: WangsuSettings,
    purges: SlidingWindow,
    queries: SlidingWindow,
    seen: Seen,
    account: Account,
    answers: u64,
}

/// A call that may be carried out.
#[derive(Debug)]
pub(crate) enum Parsed {
    Purge(Vec<Item>),
    Query(Query, Option<String>),
    Quota,
}

/// What a request asks for, or why it is refused at arrival.
struct Read {
    items: Vec<Item>,
    options: Vec<(&'static str, String)>,
    asked: Result<Parsed, Refusal>,
}

// === impl Wangsu ===

impl Wangsu {
    pub(crate) fn new(settings: WangsuSettings) -> Self {
        Self {
            purges: SlidingWindow::new(settings.rate.shortened(settings.window_divisor)),
            queries: SlidingWindow::new(settings.query_rate.shortened(settings.window_divisor)),
            seen: Seen::default(),
            account: Account::new(&settings),
            settings,
            answers: 0,
        }
    }

    /// Reads a purge. A call in which too much is asked does not count against the rate.
    fn purge(&mut self, body: Submission, now: Moment) -> Read {
        let settings = &self.settings;
        let known = body.has_known_actions();
        let deletes_dirs = body.deletes_dirs();
        let urls = body.urls.unwrap_or_default();
        let dirs = body.dirs.unwrap_or_default();
        let items: Vec<Item> =
            (urls.iter().map(|u| Item::url(u))).chain(dirs.iter().map(|d| Item::dir(d))).collect();
        let asked = if !known {
            Err(Refusal::ParseJson)
        } else if items.is_empty() {
            Err(Refusal::BothEmpty)
        } else if items.len() > settings.items_per_call {
            Err(Refusal::OutOfLimit)
        } else if !settings.push_allowed || (deletes_dirs && !settings.dir_delete) {
            // For a delete without the entitlement no answer is documented; this is the nearest.
            Err(Refusal::NotAllowed)
        } else if self.purges.admit(now, items.len() as u64) {
            Ok(Parsed::Purge(items.clone()))
        } else {
            Err(self.limited())
        };
        let options = [("urlAction", body.url_action), ("dirAction", body.dir_action)];
        let options = options.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        Read { items, options, asked }
    }

    fn limited(&self) -> Refusal {
        match self.settings.limited {
            LimitedAnswer::Http429 => Refusal::TooManyRequests,
            LimitedAnswer::Message => Refusal::Frequency,
        }
    }

    fn read(&mut self, request: &Request, kind: CallKind, now: Moment) -> Read {
        if request.method != "POST" {
            return Read::bare(Err(Refusal::NotFound));
        }
        if let Err(refusal) = auth::check(request, &self.settings, &mut self.seen, now) {
            return Read::bare(Err(refusal));
        }
        match (kind, request.uri.path()) {
            (CallKind::Purge, _) => match json(request) {
                Ok(body) => self.purge(body, now),
                Err(refusal) => Read::bare(Err(refusal)),
            },
            (CallKind::Status, _) => Read::bare(self.query(request, now)),
            (_, "/ccm/purge/limit" | "/ccm/purge/quota") => Read::bare(Ok(Parsed::Quota)),
            _ => Read::bare(Err(Refusal::NotFound)),
        }
    }

    fn query(&mut self, request: &Request, now: Moment) -> Result<Parsed, Refusal> {
        let query = json(request)?;
        if !self.queries.admit(now, 0) {
            return Err(self.limited());
        }
        Ok(Parsed::Query(query, request.header("x-time-zone").map(str::to_owned)))
    }

    fn refuse(&mut self, refusal: &Refusal) -> Answer {
        let message = refusal.message();
        let answer = match refusal.gateway_status() {
            Some(status) => {
                let body = GatewayAnswer { code: refusal.name(), message };
                Answer::json(status, refusal.name(), &body)
            }
            None => answer(refusal.name(), &SubmissionAnswer { code: 0, message, item_id: None }),
        };
        self.stamp(answer)
    }

    fn submitted(&mut self, submitted: Submitted) -> Answer {
        let Submitted { taken, id, refusal } = submitted;
        let (code, name, message) = match &refusal {
            None => (1, "handle success", "handle success".to_owned()),
            Some(refusal) => (0, refusal.name(), refusal.message()),
        };
        let told = id.as_ref().filter(|_| refusal.is_none() || self.settings.partial_item_id);
        let body = SubmissionAnswer { code, message, item_id: told.map(ToString::to_string) };
        let mut answer = answer(name, &body).taking(Taken::Some(taken));
        if let Some(id) = &id {
            answer = answer.receipt(id);
        }
        self.stamp(answer)
    }

    fn stamp(&mut self, answer: Answer) -> Answer {
        self.answers += 1;
        answer.header("x-cnc-request-id", &format!("sim-{:016x}", self.answers))
    }
}

impl Provider for Wangsu {
    type Parsed = Parsed;

    const NAME: &'static str = "wangsu";

    const CODES: &'static [&'static str] = Refusal::NAMES;

    fn arrive(&mut self, request: &Request, now: Moment) -> Arrival<Parsed> {
        let path = request.uri.path();
        let (kind, endpoint) = match path {
            "/ccm/purge/ItemIdReceiver" => (CallKind::Purge, "POST /ccm/purge/ItemIdReceiver"),
            "/ccm/purge/ItemIdQuery" => (CallKind::Status, "POST /ccm/purge/ItemIdQuery"),
            _ => (CallKind::Other, ""),
        };
        let endpoint = match endpoint {
            "" => Cow::Owned(format!("{} {path}", request.method)),
            known => Cow::Borrowed(known),
        };
        let Read { items, options, asked } = self.read(request, kind, now);
        let verdict = match asked {
            Ok(parsed) => Verdict::Go(parsed),
            Err(refusal @ (Refusal::TooManyRequests | Refusal::Frequency)) => {
                Verdict::Limited(self.refuse(&refusal))
            }
            Err(refusal) => Verdict::Refuse(self.refuse(&refusal)),
        };
        Arrival { kind, endpoint, items, options, verdict }
    }

    fn process(&mut self, parsed: Parsed, tasks: &mut Tasks, now: Moment) -> Answer {
        match parsed {
            Parsed::Purge(items) => {
                let submitted = self.account.submit(&self.settings, &items, tasks, now);
                self.submitted(submitted)
            }
            Parsed::Query(query, zone) => {
                match query::query(&self.settings, query, zone.as_deref(), tasks, now) {
                    Ok(body) => {
                        let answer = answer("handle success", &body);
                        self.stamp(answer)
                    }
                    Err(refusal) => self.refuse(&refusal),
                }
            }
            Parsed::Quota => {
                let answer = answer("success", &self.account.quota(now));
                self.stamp(answer)
            }
        }
    }

    fn refusal(&mut self, _kind: CallKind, items: &[Item], code: &str) -> Answer {
        let mut channels: Vec<String> = items.iter().filter_map(|i| host_of(&i.name)).collect();
        channels.sort();
        channels.dedup();
        let items = items.iter().map(|i| i.name.to_string()).collect();
        self.refuse(&Refusal::by_name(code, channels, items))
    }
}

// === impl Read ===

impl Read {
    fn bare(asked: Result<Parsed, Refusal>) -> Self {
        Self { items: Vec::new(), options: Vec::new(), asked }
    }
}

fn json<T: DeserializeOwned>(request: &Request) -> Result<T, Refusal> {
    if request.is_media_type("application/xml") || request.is_media_type("text/xml") {
        return Err(Refusal::ParseXml);
    }
    serde_json::from_slice(&request.body).map_err(|_| Refusal::ParseJson)
}

fn answer(code: &'static str, body: &impl Serialize) -> Answer {
    Answer::json_as(200, code, MEDIA_TYPE, body)
}
