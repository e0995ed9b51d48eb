//! What the tests know of each provider, one file each. A provider that is in the registry and not here
//! fails `every_provider_has_a_case`.

mod foresight;
mod http;
mod huawei;
mod qiniu;
mod volume;
mod wangsu;
mod ztgame;

pub use foresight::FORESIGHT;
pub use http::HTTP;
pub use huawei::{HUAWEI, HUAWEI_LEGACY};
pub use qiniu::QINIU;
pub use volume::{Bad, BadWay, ITEMS, Volume, VolumeItems};
pub use wangsu::{WANGSU, WANGSU_AK_SK};
pub use ztgame::ZTGAME;

use crate::{HttpReply, merge, wire};
use purgeline_core::{Code, Descriptor, Item, Kind, PollReport, Resource, Submission};
use purgeline_providers::{CallItem, Provider};
use purgeline_sim::{CallKind, CallRecord, Fault, FaultPlan, FaultRule, Options, Sim};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

/// Calls a macro with the name and the case of each provider, in the order of the registry, and of
/// accounts that sign or answer otherwise. The one list of them.
#[macro_export]
macro_rules! each_provider_case {
    ($callback:ident) => {
        $callback! {
            foresight = $crate::provider_case::FORESIGHT;
            http = $crate::provider_case::HTTP;
            huawei = $crate::provider_case::HUAWEI;
            huawei_legacy_with_iam = $crate::provider_case::HUAWEI_LEGACY;
            qiniu = $crate::provider_case::QINIU;
            wangsu = $crate::provider_case::WANGSU;
            wangsu_with_ak_sk = $crate::provider_case::WANGSU_AK_SK;
            ztgame = $crate::provider_case::ZTGAME;
        }
    };
}

macro_rules! all_cases {
    ($($name:ident = $case:path;)*) => {
        const ALL: &[&ProviderCase] = &[$(&$case),*];
    };
}

each_provider_case!(all_cases);

/// A provider, how its server answers, and how its simulator is brought to give each of its codes.
pub struct ProviderCase {
    /// How failures name it: the provider's name, and what is special about the account.
    pub name: &'static str,
    /// The provider's name in the registry.
    pub registry_name: &'static str,
    /// The target's `settings` that are needed, given the server's base URL.
    pub settings: fn(&str) -> Value,

    // === the client alone, against any server ===
    /// As `settings`, and those that are not needed.
    pub all_settings: fn(&str) -> Value,
    /// Of `all_settings`, those without which nothing can be sent.
    pub needed: &'static [&'static str],
    /// Of `all_settings`, the value that must never be printed.
    pub secret: &'static str,
    /// The ways in which the provider's server can give one of its codes.
    pub refusals: fn(&Code) -> Vec<HttpReply>,
    /// Answers that say neither yes nor no.
    pub nonsense: fn() -> Vec<HttpReply>,
    /// A receipt that looks like one of the provider's.
    pub receipt: &'static str,

    // === the whole queue, against the simulator ===
    /// The simulator's name.
    pub sim: &'static str,
    /// The simulated account, without limits over time. Durations are those of the walk.
    pub account: fn() -> Value,
    /// How a call that purges shows in the simulator's log.
    pub purges: CallKind,
    /// Faults that make the simulator play the provider; for one that has no simulator of its own.
    pub plays: fn() -> Vec<FaultRule>,
    /// The provider's codes, each with how it comes about.
    pub rows: &'static [CodeRow],
    /// Codes of the simulator that no row needs, and why.
    pub unused: &'static [(&'static str, &'static str)],
    /// Much work at its documented limits; `None` where it has none.
    pub volume: Option<Volume>,
}

/// A code that the provider declares, and how it comes about.
pub struct CodeRow {
    /// As declared.
    pub code: &'static str,
    /// In answer to a purge.
    pub purge: &'static [Way],
    /// In answer to a question about a purge.
    pub poll: &'static [Way],
    /// The items of the job.
    pub items: Items,
    /// What follows where the class alone does not say it.
    pub but: But,
}

/// How a simulator is brought to give an answer.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    /// Its own refusal of this name.
    Refuse(&'static str),
    /// This HTTP status and body.
    Status(u16, &'static str),
    /// A task ends as failed, with this detail.
    Fate(&'static str),
    /// The account is so: members of its settings, as JSON.
    Account(&'static str),
    /// It is not given there, and why.
    Never(&'static str),
}

/// The items of a job.
#[derive(Clone, Copy, Debug)]
pub enum Items {
    /// All kinds that the provider takes.
    Mixed,
    /// URLs, or what it takes in their place.
    Urls,
    Dirs,
    /// URLs and a single dir, which the answer is about.
    OneDir,
}

/// What is special about a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum But {
    Nothing,
    /// To a purge: the provider works on an earlier request; when that has ended the items go.
    UnderWay,
    /// To a question: the provider knows nothing of the purge, so its items are sent again.
    SentAgain,
    /// A token is renewed and the call made again, before anything is held.
    Renewed,
}

impl CodeRow {
    #[must_use]
    pub const fn new(code: &'static str, purge: &'static [Way], poll: &'static [Way]) -> Self {
        Self { code, purge, poll, items: Items::Mixed, but: But::Nothing }
    }

    #[must_use]
    pub const fn of(self, items: Items) -> Self {
        Self { items, ..self }
    }

    #[must_use]
    pub const fn but(self, but: But) -> Self {
        Self { but, ..self }
    }

    /// Whether a cause has this code. An HTTP status is written `http-…` where the body has none.
    #[must_use]
    pub fn is_code(&self, code: &str) -> bool {
        code == self.code || code.strip_prefix("http-") == Some(self.code)
    }
}

impl Way {
    #[must_use]
    pub fn fault(self) -> Option<Fault> {
        match self {
            Self::Refuse(code) => Some(Fault::refuse(code)),
            Self::Status(status, body) => {
                Some(Fault::Status { status, body: body.to_owned(), retry_after_s: None })
            }
            Self::Fate(_) | Self::Account(_) | Self::Never(_) => None,
        }
    }
}

impl ProviderCase {
    /// All cases.
    #[must_use]
    pub const fn all() -> &'static [&'static Self] {
        ALL
    }

    /// One case for each provider, in the order of the registry.
    #[must_use]
    pub fn providers() -> Vec<&'static Self> {
        let mut cases: Vec<_> = ALL.to_vec();
        cases.dedup_by_key(|case| case.registry_name);
        cases
    }

    /// What the provider declares, with the settings that are needed.
    #[must_use]
    pub fn descriptor(&self) -> Descriptor {
        self.descriptor_with((self.settings)("http://127.0.0.1:9"))
    }

    /// What the provider declares, with all settings.
    #[must_use]
    pub fn full_descriptor(&self) -> Descriptor {
        self.descriptor_with((self.all_settings)("http://127.0.0.1:9"))
    }

    fn descriptor_with(&self, settings: Value) -> Descriptor {
        let entry = purgeline_providers::provider(self.registry_name).unwrap();
        (entry.descriptor)(&wire::settings(settings)).unwrap()
    }

    // === the client alone ===

    /// A client with all settings, of a server at this address.
    #[must_use]
    pub fn client(&self, address: &str, timeout: Duration) -> Arc<dyn Provider> {
        wire::client(self.registry_name, (self.all_settings)(address), timeout)
    }

    /// A call of few items, of the kind that the provider takes.
    #[must_use]
    pub fn few(&self) -> Vec<CallItem> {
        if self.takes(Kind::Resource) {
            return vec![wire::resource("Sales", &json!({"year": 2026}))];
        }
        ["a", "b", "c"].map(|path| wire::url(&format!("http://www.example.com/{path}"))).to_vec()
    }

    /// Submits a few items to a server at this address.
    pub async fn submits(&self, address: &str) -> Submission {
        wire::submit(&*self.client(address, crate::PATIENCE), &self.few()).await
    }

    /// Asks how a batch fares; `None` of a provider whose calls are the end.
    pub async fn polls(&self, client: &dyn Provider, items: &[CallItem]) -> Option<PollReport> {
        self.full_descriptor().polls?;
        Some(client.poll(&[wire::open(self.receipt, items)]).await)
    }

    /// The provider's simulator. Its tasks run until the test ends them.
    pub async fn start_sim(&self) -> Sim {
        let mut account = (self.account)();
        merge(&mut account, json!({ "processing_ms": 3_600_000 }));
        let sim = purgeline_sim::start(self.sim, Options::default(), account).await.unwrap();
        sim.set_faults(FaultPlan { seed: 0, rules: (self.plays)() }).unwrap();
        sim
    }

    // === the whole queue ===

    #[must_use]
    pub fn takes(&self, kind: Kind) -> bool {
        self.descriptor().limits.call.max_of_kind.contains_key(&kind)
    }

    /// The kind that jobs have most of.
    #[must_use]
    pub fn main_kind(&self) -> Kind {
        if self.takes(Kind::Resource) { Kind::Resource } else { Kind::Url }
    }

    /// Whether a logged call purges, and carries this item.
    #[must_use]
    pub fn carries(&self, call: &CallRecord, item: &Item) -> bool {
        match self.purges {
            // An HTTP cache is asked for a path.
            CallKind::Other => item.text().ends_with(call.endpoint.split_once(' ').unwrap_or_default().1),
            kind => call.kind == kind && call.carries(item.text()),
        }
    }

    #[must_use]
    pub fn items(&self, items: Items) -> Vec<Item> {
        let main = (0..6).map(|n| item(self.main_kind(), "www", n));
        let dirs = |n| (0..n).filter(|_| self.takes(Kind::Dir)).map(|n| item(Kind::Dir, "www", n));
        match items {
            Items::Mixed => main.chain(dirs(2)).collect(),
            Items::Urls => main.collect(),
            Items::Dirs => dirs(3).collect(),
            Items::OneDir => main.chain(dirs(1)).collect(),
        }
    }
}

/// An item at a host below example.com.
#[must_use]
pub fn item(kind: Kind, host: &str, n: usize) -> Item {
    match kind {
        Kind::Url => Item::url(&format!("https://{host}.example.com/{n}.html")).unwrap(),
        Kind::Dir => Item::dir(&format!("https://{host}.example.com/dir-{n}/")).unwrap(),
        Kind::Resource => {
            let params = json!({ "n": n }).as_object().unwrap().clone();
            Item::resource(&Resource { title: host.to_owned(), params }).unwrap()
        }
    }
}

/// Answers without a word of the provider's: nothing, or somebody else's page.
fn silence() -> [HttpReply; 3] {
    let page = "<html><title>Log in</title></html>";
    [
        HttpReply::status(200),
        HttpReply::status(204),
        HttpReply::status(200).with("content-type", "text/html").saying(page),
    ]
}

/// A limit over time that is lifted.
fn lifted() -> Value {
    json!({ "calls": null, "items": null, "window_ms": 1_000 })
}

/// The simulator is the provider's own.
fn itself() -> Vec<FaultRule> {
    Vec::new()
}
