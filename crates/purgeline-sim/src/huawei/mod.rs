//! Huawei Cloud CDN: `/v1.0/cdn/refreshtasks` (seed 001), `/v1.0/cdn/content/refresh-tasks`,
//! `/v1.0/cdn/historytasks`, `/v1.0/cdn/quota`, and IAM's `/v3/auth/tokens`.
//!
//! Sources beside the seed: support.huaweicloud.com/api-cdn and the official SDK, named where a
//! rule stands. What the documents leave open is a setting.

mod auth;
mod codes;
mod history;
mod settings;
mod state;
mod wire;

use std::borrow::Cow;

use axum::body::Bytes;
use axum::extract::Query;
use serde::de::DeserializeOwned;

pub use settings::{ErrorShape, HuaweiSettings};

use self::auth::Tokens;
use self::codes::Code;
use self::state::{Account, Creation};
use self::wire::{Api, CurrentSubmission, DetailQuery, LegacySubmission, ListQuery, Mode, RefreshTask};
use crate::clock::Moment;
use crate::provider::{Answer, Arrival, Provider, Request, Verdict};
use crate::record::{CallKind, Item};
use crate::tasks::Tasks;
use crate::windows::SlidingWindow;

/// One simulated account.
#[derive(Debug)]
pub(crate) struct Huawei {
    settings: HuaweiSettings,
    creations: SlidingWindow,
    queries: SlidingWindow,
    tokens: Tokens,
    account: Account,
    answers: u64,
}

/// A call that may be carried out.
#[derive(Debug)]
pub(crate) enum Parsed {
    Token(Bytes),
    Create(Creation),
    Detail(String, DetailQuery),
    List(ListQuery),
    Quota,
}

/// What a request asks for, or why it is refused at arrival.
struct Read {
    items: Vec<Item>,
    options: Vec<(&'static str, String)>,
    asked: Result<Parsed, Code>,
}

/// What a path is for.
enum Route<'a> {
    /// IAM's, which wants no token.
    Token,
    Cdn(Call<'a>),
}

enum Call<'a> {
    Create(Api),
    Detail(&'a str),
    List,
    Quota,
}

// === impl Huawei ===

impl Huawei {
    pub(crate) fn new(settings: HuaweiSettings) -> Self {
        Self {
            creations: SlidingWindow::new(settings.rate),
            queries: SlidingWindow::new(settings.query_rate),
            tokens: Tokens::default(),
            account: Account::new(&settings),
            settings,
            answers: 0,
        }
    }

    fn read(&mut self, request: &Request, route: &Route<'_>, now: Moment) -> Read {
        let Route::Cdn(call) = route else {
            return Read::bare(Ok(Parsed::Token(request.body.clone())));
        };
        if let Err(code) = auth::check(request, &self.settings, &self.tokens, now) {
            return Read::bare(Err(code));
        }
        let project = match call {
            // The quotas are the account's (support.huaweicloud.com/api-cdn/ShowQuota).
            Call::Quota => Ok(None),
            _ => query::<Project>(request).and_then(|p| self.project(p.enterprise_project_id)),
        };
        let project = match project {
            Ok(project) => project.map(|id| ("enterprise_project_id", id)),
            Err(code) => return Read::bare(Err(code)),
        };
        let asked = match call {
            Call::Quota => Ok(Parsed::Quota),
            Call::List => query(request).map(Parsed::List),
            Call::Detail(id) => self.detail(request, id, now),
            Call::Create(api) => return self.create(request, *api, project, now),
        };
        Read { items: Vec::new(), options: project.into_iter().collect(), asked }
    }

    /// A sub-user must name the enterprise project; whoever names one must mean one that there is.
    fn project(&self, named: Option<String>) -> Result<Option<String>, Code> {
        let known = |id: &str| {
            id == "all" || self.settings.projects.as_ref().is_none_or(|all| all.iter().any(|p| p == id))
        };
        match named {
            None if self.settings.sub_user => Err(Code::NO_PROJECT),
            Some(id) if !known(&id) => Err(Code::NO_PROJECT),
            named => Ok(named),
        }
    }

    fn detail(&mut self, request: &Request, id: &str, now: Moment) -> Result<Parsed, Code> {
        let query = query(request)?;
        if !self.queries.admit(now, 0) {
            return Err(Code::THROTTLED);
        }
        Ok(Parsed::Detail(id.into(), query))
    }

    /// Reads a creation. One in which too much is asked does not count against the rate.
    fn create(
        &mut self,
        request: &Request,
        api: Api,
        project: Option<(&'static str, String)>,
        now: Moment,
    ) -> Read {
        let task = match api {
            Api::Legacy => json(request).map(|LegacySubmission { task }| task),
            Api::Current => json(request).map(|CurrentSubmission { task }| task),
        };
        let task = match task {
            Ok(task) => task,
            Err(code) => return Read::bare(Err(code)),
        };
        let items = Creation::items(&task);
        let asked = Creation::read(&self.settings, api, &items).and_then(|creation| {
            let admitted = self.creations.admit(now, items.len() as u64);
            if admitted { Ok(Parsed::Create(creation)) } else { Err(Code::THROTTLED) }
        });
        let options = project.into_iter().chain(options(&task)).collect();
        Read { items, options, asked }
    }

    fn refuse(&mut self, code: Code) -> Answer {
        let answer = code.answer(self.settings.error_shape, &format!("sim-{:016x}", self.answers + 1));
        self.stamp(answer)
    }

    fn stamp(&mut self, answer: Answer) -> Answer {
        self.answers += 1;
        answer.header("x-request-id", &format!("sim-{:016x}", self.answers))
    }
}

impl Provider for Huawei {
    type Parsed = Parsed;

    const NAME: &'static str = "huawei";

    const CODES: &'static [&'static str] = Code::NAMES;

    fn arrive(&mut self, request: &Request, now: Moment) -> Arrival<Parsed> {
        let path = request.uri.path();
        let Some((route, kind, endpoint)) = route(request.method.as_str(), path) else {
            return Arrival {
                kind: CallKind::Other,
                endpoint: Cow::Owned(format!("{} {path}", request.method)),
                items: Vec::new(),
                options: Vec::new(),
                verdict: Verdict::Refuse(self.refuse(Code::NO_API)),
            };
        };
        let Read { items, options, asked } = self.read(request, &route, now);
        let verdict = match asked {
            Ok(parsed) => Verdict::Go(parsed),
            Err(Code::THROTTLED) => Verdict::Limited(self.refuse(Code::THROTTLED)),
            Err(code) => Verdict::Refuse(self.refuse(code)),
        };
        Arrival { kind, endpoint: Cow::Borrowed(endpoint), items, options, verdict }
    }

    fn process(&mut self, parsed: Parsed, tasks: &mut Tasks, now: Moment) -> Answer {
        let Self { settings, account, tokens, .. } = self;
        let answer = match parsed {
            Parsed::Token(body) => Ok(tokens.give(&body, settings, now)),
            Parsed::Create(creation) => account.create(settings, &creation, tasks, now),
            Parsed::Detail(id, query) => {
                history::detail(settings, &id, &query, tasks, now).map(|body| Answer::json(200, "200", &body))
            }
            Parsed::List(query) => {
                history::list(&query, tasks, now).map(|body| Answer::json(200, "200", &body))
            }
            Parsed::Quota => Ok(Answer::json(200, "200", &account.quotas(settings, now))),
        };
        match answer {
            Ok(answer) => self.stamp(answer),
            Err(code) => self.refuse(code),
        }
    }

    fn refusal(&mut self, _kind: CallKind, _items: &[Item], code: &str) -> Answer {
        self.refuse(Code::by_name(code).unwrap_or(Code::INTERNAL))
    }
}

// === impl Read ===

impl Read {
    fn bare(asked: Result<Parsed, Code>) -> Self {
        Self { items: Vec::new(), options: Vec::new(), asked }
    }
}

// === requests ===

#[derive(serde::Deserialize)]
struct Project {
    #[serde(default)]
    enterprise_project_id: Option<String>,
}

fn route<'a>(method: &str, path: &'a str) -> Option<(Route<'a>, CallKind, &'static str)> {
    let (call, kind, endpoint) = match (method, path) {
        ("POST", "/v3/auth/tokens") => {
            return Some((Route::Token, CallKind::Token, "POST /v3/auth/tokens"));
        }
        ("POST", "/v1.0/cdn/refreshtasks") => {
            (Call::Create(Api::Legacy), CallKind::Purge, "POST /v1.0/cdn/refreshtasks")
        }
        ("POST", "/v1.0/cdn/content/refresh-tasks") => {
            (Call::Create(Api::Current), CallKind::Purge, "POST /v1.0/cdn/content/refresh-tasks")
        }
        ("GET", "/v1.0/cdn/quota") => (Call::Quota, CallKind::Other, "GET /v1.0/cdn/quota"),
        ("GET", "/v1.0/cdn/historytasks") => (Call::List, CallKind::Status, "GET /v1.0/cdn/historytasks"),
        ("GET", path) => {
            let id = path.strip_prefix("/v1.0/cdn/historytasks/")?.strip_suffix("/detail")?;
            (Call::Detail(id), CallKind::Status, "GET /v1.0/cdn/historytasks/{id}/detail")
        }
        _ => return None,
    };
    Some((Route::Cdn(call), kind, endpoint))
}

fn options(task: &RefreshTask) -> Vec<(&'static str, String)> {
    let mode = task.mode.map(|mode| match mode {
        Mode::All => "all",
        Mode::DetectModifyRefresh => "detect_modify_refresh",
    });
    let encode = task.zh_url_encode.map(|encode| ("zh_url_encode", encode.to_string()));
    mode.map(|mode| ("mode", mode.to_owned())).into_iter().chain(encode).collect()
}

fn json<T: DeserializeOwned>(request: &Request) -> Result<T, Code> {
    serde_json::from_slice(&request.body).map_err(|_| Code::MALFORMED)
}

fn query<T: DeserializeOwned>(request: &Request) -> Result<T, Code> {
    Query::try_from_uri(&request.uri).map(|Query(query)| query).map_err(|_| Code::MALFORMED)
}
