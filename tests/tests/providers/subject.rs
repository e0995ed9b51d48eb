//! A provider as these tests need it.

use crate::volume::Volume;
use purgeline_core::{Descriptor, Item, Kind, Resource, config::Settings};
use purgeline_sim::{CallKind, CallRecord, Fault, FaultRule};
use serde_json::{Value, json};

/// A provider, its simulator, and how each of its codes is provoked.
pub(crate) struct Subject {
    /// How failures name it: the provider's name, and what is special about the account.
    pub(crate) name: &'static str,
    /// The provider's name in the registry.
    pub(crate) provider: &'static str,
    /// The simulator's name.
    pub(crate) sim: &'static str,
    /// The simulated account, without limits over time. Durations are those of the walk.
    pub(crate) account: fn() -> Value,
    /// The target's `settings`, given the simulator's base URL.
    pub(crate) settings: fn(&str) -> Value,
    /// How a call that purges shows in the simulator's log.
    pub(crate) purges: CallKind,
    /// Faults that make the simulator play the provider; for one that has no simulator of its own.
    pub(crate) plays: fn() -> Vec<FaultRule>,
    /// The provider's codes, each with how it comes about.
    pub(crate) rows: &'static [Row],
    /// Codes of the simulator that no row needs, and why.
    pub(crate) unused: &'static [(&'static str, &'static str)],
    /// Much work at its documented limits; `None` where it has none.
    pub(crate) volume: Option<Volume>,
}

/// A code that the provider declares, and how it comes about.
pub(crate) struct Row {
    /// As declared.
    pub(crate) code: &'static str,
    /// In answer to a purge.
    pub(crate) purge: &'static [Way],
    /// In answer to a question about a purge.
    pub(crate) poll: &'static [Way],
    /// The items of the job.
    pub(crate) items: Items,
    /// What follows where the class alone does not say it.
    pub(crate) but: But,
}

/// How a simulator is brought to give an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
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
pub(crate) enum Items {
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
pub(crate) enum But {
    Nothing,
    /// To a purge: the provider works on an earlier request; when that has ended the items go.
    UnderWay,
    /// To a question: the provider knows nothing of the purge, so its items are sent again.
    SentAgain,
    /// A token is renewed and the call made again, before anything is held.
    Renewed,
}

impl Row {
    pub(crate) const fn new(code: &'static str, purge: &'static [Way], poll: &'static [Way]) -> Self {
        Self { code, purge, poll, items: Items::Mixed, but: But::Nothing }
    }

    pub(crate) const fn of(self, items: Items) -> Self {
        Self { items, ..self }
    }

    pub(crate) const fn but(self, but: But) -> Self {
        Self { but, ..self }
    }

    /// Whether a cause has this code. An HTTP status is written `http-…` where the body has none.
    pub(crate) fn is_code(&self, code: &str) -> bool {
        code == self.code || code.strip_prefix("http-") == Some(self.code)
    }
}

impl Way {
    pub(crate) fn fault(self) -> Option<Fault> {
        match self {
            Self::Refuse(code) => Some(Fault::refuse(code)),
            Self::Status(status, body) => {
                Some(Fault::Status { status, body: body.to_owned(), retry_after_s: None })
            }
            Self::Fate(_) | Self::Account(_) | Self::Never(_) => None,
        }
    }
}

impl Subject {
    /// What the provider declares, with these settings.
    pub(crate) fn descriptor(&self) -> Descriptor {
        let Value::Object(settings) = (self.settings)("http://127.0.0.1:9") else {
            panic!("settings are an object")
        };
        let entry = purgeline_providers::provider(self.provider).unwrap();
        (entry.descriptor)(&Settings::from(settings)).unwrap()
    }

    pub(crate) fn takes(&self, kind: Kind) -> bool {
        self.descriptor().limits.call.max_of_kind.contains_key(&kind)
    }

    /// The kind that jobs have most of.
    pub(crate) fn main_kind(&self) -> Kind {
        if self.takes(Kind::Resource) { Kind::Resource } else { Kind::Url }
    }

    /// Whether a logged call purges, and carries this item.
    pub(crate) fn carries(&self, call: &CallRecord, item: &Item) -> bool {
        match self.purges {
            // An HTTP cache is asked for a path.
            CallKind::Other => item.text().ends_with(call.endpoint.split_once(' ').unwrap_or_default().1),
            kind => call.kind == kind && call.carries(item.text()),
        }
    }

    pub(crate) fn items(&self, items: Items) -> Vec<Item> {
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
pub(crate) fn item(kind: Kind, host: &str, n: usize) -> Item {
    match kind {
        Kind::Url => Item::url(&format!("https://{host}.example.com/{n}.html")).unwrap(),
        Kind::Dir => Item::dir(&format!("https://{host}.example.com/dir-{n}/")).unwrap(),
        Kind::Resource => {
            let params = json!({ "n": n }).as_object().unwrap().clone();
            Item::resource(&Resource { title: host.to_owned(), params }).unwrap()
        }
    }
}
