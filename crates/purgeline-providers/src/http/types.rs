use secrecy::SecretString;
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    num::{NonZeroU32, NonZeroUsize},
};

/// The settings of a target that is one or several caches of your own.
///
/// `path` and the values of `headers` are templates: `{scheme}`, `{host}` (with its port, as
/// the Host header has it), `{path}`, `{path_and_query}`, `{url}`, `{host_regex}` and
/// `{path_regex}` (escaped, so that they match themselves) stand for parts of the item's URL.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSettings {
    /// The caches' own addresses: `http://10.0.0.1:6081`. Every one must confirm.
    pub nodes: Vec<String>,
    /// The method that purges a URL: `PURGE`.
    #[serde(default = "default_method")]
    pub method: String,
    /// What is asked for at a node's address: `{path_and_query}`.
    #[serde(default = "default_path")]
    pub path: String,
    /// The statuses that say that the URL is not cached (any more). nginx answers 404, or 412
    /// in newer versions, for what was not cached; so does Traffic Server with 404.
    #[serde(default = "default_success")]
    pub success: BTreeSet<u16>,
    /// Headers to send. `Host` is the site's, unless it is given here. Values are secret.
    #[serde(default)]
    pub headers: BTreeMap<String, SecretString>,
    /// How a dir is purged. Absent: dirs are refused.
    #[serde(default)]
    pub ban: Option<BanSettings>,
    /// Calls under way at once, for the whole fleet: 4. A call carries up to 50 items.
    #[serde(default = "default_max_in_flight")]
    pub max_in_flight: NonZeroU32,
    /// Requests under way at once within a call: 8.
    #[serde(default = "default_concurrency")]
    pub concurrency: NonZeroUsize,
}

/// How a dir is purged.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BanSettings {
    /// The method: `BAN`.
    pub method: String,
    /// What is asked for at a node's address: `{path}`.
    pub path: String,
    /// The statuses that say that it was done: 200 and 204.
    pub success: BTreeSet<u16>,
    /// Headers to send: `X-Ban-Url: ^{path_regex}`. Values are secret.
    pub headers: BTreeMap<String, SecretString>,
}

impl Default for BanSettings {
    fn default() -> Self {
        Self {
            method: "BAN".to_owned(),
            path: "{path}".to_owned(),
            success: BTreeSet::from([200, 204]),
            headers: BTreeMap::from([("x-ban-url".to_owned(), "^{path_regex}".into())]),
        }
    }
}

fn default_method() -> String {
    "PURGE".to_owned()
}

fn default_path() -> String {
    "{path_and_query}".to_owned()
}

fn default_success() -> BTreeSet<u16> {
    BTreeSet::from([200, 204, 404, 412])
}

const fn default_max_in_flight() -> NonZeroU32 {
    match NonZeroU32::new(4) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

const fn default_concurrency() -> NonZeroUsize {
    match NonZeroUsize::new(8) {
        Some(number) => number,
        None => NonZeroUsize::MIN,
    }
}
