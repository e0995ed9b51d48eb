//! What a simulator remembers of each call.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What a call is for. A provider's limits and a test's faults look at this, not at paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallKind {
    /// Asks to purge.
    Purge,
    /// Asks to fetch into the cache, where the provider counts that with purges.
    Prefetch,
    /// Asks how a purge went.
    Status,
    /// Asks for a token.
    Token,
    /// Anything else: quota, cache listing, an unknown path.
    Other,
}

/// What kind of thing is purged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    /// One URL.
    Url,
    /// Everything under a prefix.
    Dir,
    /// A titled resource with parameters.
    Resource,
}

/// One thing that a call asks to purge, as it stood in the call.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Item {
    /// URL, dir or resource.
    pub kind: ItemKind,
    /// The URL, or the resource's title and parameters as canonical JSON.
    #[serde(with = "shared_str")]
    pub name: Arc<str>,
}

/// An item of a call, and what became of it in this call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemRecord {
    /// The item.
    #[serde(flatten)]
    pub item: Item,
    /// Whether the call's answer took it. `None` until the call is decided.
    pub accepted: Option<bool>,
}

/// How a call ended at the simulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The whole answer was handed to the connection. Whether a client was still there is not known.
    Answered,
    /// The connection was closed without an answer (a fault).
    Dropped,
    /// Half of the answer was sent, then the connection was closed (a fault).
    CutShort,
}

/// The end of a call: when, how, and with which words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// When the answer was handed to the connection, monotonic, ns since the clock's start.
    pub ended_ns: u64,
    /// The same moment, wall clock, ms.
    pub ended_ms: i64,
    /// How.
    pub end: End,
    /// HTTP status of the answer; absent where there was none.
    pub status: Option<u16>,
    /// The provider's own code for what it decided, as it stands in the answer (`"200"`, `"403024"`, `"CDN.0110"`).
    pub code: Cow<'static, str>,
    /// Task or request id that the provider gave.
    pub receipt: Option<String>,
}

/// One call, from its arrival on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRecord {
    /// Position in the log, from 0, in order of arrival.
    pub seq: u64,
    /// When the last byte of the request had been read, monotonic, ns since the clock's start.
    pub arrived_ns: u64,
    /// The same moment, wall clock, ms.
    pub arrived_ms: i64,
    /// What it is for.
    pub kind: CallKind,
    /// Method and path, ids left out.
    pub endpoint: Cow<'static, str>,
    /// What it asks to purge.
    pub items: Vec<ItemRecord>,
    /// What else it asks, as the provider names it: `urlAction`, `type`, `enterprise_project_id`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<Cow<'static, str>, String>,
    /// Refused because a limit on calls or items in a window was reached.
    pub limited: bool,
    /// The fault that was done to it, if any.
    pub fault: Option<Cow<'static, str>>,
    /// Held at the simulator right now, by the gate or a stall.
    pub held: bool,
    /// Absent while the call is being worked on.
    pub outcome: Option<Outcome>,
}

// === impl Item ===

impl Item {
    /// A URL as the client wrote it.
    #[must_use]
    pub fn url(name: &str) -> Self {
        Self::new(ItemKind::Url, name)
    }

    /// A dir as the client wrote it.
    #[must_use]
    pub fn dir(name: &str) -> Self {
        Self::new(ItemKind::Dir, name)
    }

    /// An item of any kind.
    #[must_use]
    pub fn new(kind: ItemKind, name: &str) -> Self {
        Self { kind, name: name.into() }
    }
}

// === impl CallRecord ===

impl CallRecord {
    /// How many of its items were taken.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.count(Some(true))
    }

    /// How many of its items were refused.
    #[must_use]
    pub fn refused(&self) -> usize {
        self.count(Some(false))
    }

    /// Whether it carries an item of this name.
    #[must_use]
    pub fn carries(&self, name: &str) -> bool {
        self.items.iter().any(|i| &*i.item.name == name)
    }

    /// The provider's code, once the call has ended.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.outcome.as_ref().map(|o| &*o.code)
    }

    fn count(&self, accepted: Option<bool>) -> usize {
        self.items.iter().filter(|i| i.accepted == accepted).count()
    }
}

/// A shared string on the wire is a string.
mod shared_str {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(name: &Arc<str>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(name)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<str>, D::Error> {
        String::deserialize(from).map(Into::into)
    }
}
