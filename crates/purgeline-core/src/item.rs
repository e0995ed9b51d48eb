use crate::{Action, UrlError, normalize_url};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{fmt, str::FromStr};
use thiserror::Error;

/// What sort of thing an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// One URL.
    Url,
    /// Everything under a prefix that ends with `/`.
    Dir,
    /// A titled data resource with parameters (Foresight Mobile Platform, seed 000).
    Resource,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Url, Self::Dir, Self::Resource];

    /// The name used in configuration, Redis and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Url => "url",
            Self::Dir => "dir",
            Self::Resource => "resource",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing to purge, normalised: two items that a cache cannot tell apart are equal.
///
/// Its text is what the provider is told: the URL, the dir, or for a resource its canonical
/// JSON (members sorted by name).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Item {
    kind: Kind,
    text: String,
}

/// A resource as a producer names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// The resource's name at the provider.
    pub title: String,
    /// Its parameters, of any JSON type.
    #[serde(default)]
    pub params: Map<String, Value>,
}

/// Why an item cannot be purged anywhere.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ItemError {
    /// The URL is not one.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// A dir without the slash that ends it.
    #[error("a dir ends with \"/\": did you mean {0}/ ?")]
    DirWithoutSlash(String),
    /// A dir with a query.
    #[error("a dir has no query: remove what follows \"?\"")]
    DirWithQuery,
    /// A resource without a name.
    #[error("a resource needs a title")]
    NoTitle,
    /// A parameter that would hide the title.
    #[error("a resource's parameter cannot be named \"resource_title\": that is its title")]
    TitleParam,
    /// Longer than any provider takes.
    #[error("the resource is {0} bytes long as JSON: {max} is the most", max = crate::MAX_URL_BYTES)]
    ResourceTooLong(usize),
}

impl Item {
    /// A URL, normalised.
    ///
    /// # Errors
    /// When the text is no absolute http or https URL; see [`UrlError`].
    pub fn url(text: &str) -> Result<Self, ItemError> {
        Ok(Self { kind: Kind::Url, text: normalize_url(text)?.into() })
    }

    /// Everything under a prefix. A `/*` at the end means the same as `/` and is folded into it
    /// (seed 003 takes both).
    ///
    /// # Errors
    /// When the text is no URL, has a query, or does not end with `/`.
    pub fn dir(text: &str) -> Result<Self, ItemError> {
        let text = text.trim();
        let text = text.strip_suffix('*').filter(|front| front.ends_with('/')).unwrap_or(text);
        let url = normalize_url(text)?;
        if url.query().is_some() {
            return Err(ItemError::DirWithQuery);
        }
        // A bare host is written with its slash by normalisation, and means the whole host.
        let names_a_file = !text.split('#').next().unwrap_or(text).ends_with('/') && url.path() != "/";
        if names_a_file || !url.path().ends_with('/') {
            return Err(ItemError::DirWithoutSlash(url.into()));
        }
        Ok(Self { kind: Kind::Dir, text: url.into() })
    }

    /// A resource, as canonical JSON: `{"resource_title":"Sales","year":2026}`, members sorted.
    ///
    /// # Errors
    /// When the title is missing or a parameter takes its name.
    pub fn resource(resource: &Resource) -> Result<Self, ItemError> {
        if resource.title.is_empty() {
            return Err(ItemError::NoTitle);
        }
        if resource.params.contains_key("resource_title") {
            return Err(ItemError::TitleParam);
        }
        let mut members = resource.params.clone();
        members.insert("resource_title".to_owned(), resource.title.clone().into());
        // serde_json's map is sorted by name, at every depth, unless its preserve_order feature
        // is on; sorting here keeps the text canonical whatever the build says.
        let text = sorted(&Value::Object(members)).to_string();
        if text.len() > crate::MAX_URL_BYTES {
            return Err(ItemError::ResourceTooLong(text.len()));
        }
        Ok(Self { kind: Kind::Resource, text })
    }

    /// An item whose text is already normalised: for reading back what was stored, and for
    /// provider tests that need a text as it stands.
    #[must_use]
    pub fn from_normalized(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    /// What sort of thing this is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// What the provider is told: the URL, the dir, or the resource's canonical JSON.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The host of a URL or dir, with its port where the URL has one; `None` for a resource.
    #[must_use]
    pub fn authority(&self) -> Option<&str> {
        if self.kind == Kind::Resource {
            return None;
        }
        let after = self.text.split_once("://")?.1;
        after.split(['/', '?']).next()
    }

    /// The host of a URL or dir without its port; `None` for a resource.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        let authority = self.authority()?;
        // An IPv6 host keeps its brackets, which may hold colons.
        match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => Some(host),
            _ => Some(authority),
        }
    }

    /// The name under which this item is known in Redis: `url:https://www.example.com/a`, and
    /// with an action other than the default `url+delete:https://www.example.com/a`.
    #[must_use]
    pub fn name(&self, action: Action) -> String {
        match action {
            Action::Default => format!("{}:{}", self.kind, self.text),
            _ => format!("{}+{action}:{}", self.kind, self.text),
        }
    }

    /// Reads a [name](Self::name) back; `None` if it is none.
    #[must_use]
    pub fn from_name(name: &str) -> Option<(Self, Action)> {
        let (head, text) = name.split_once(':')?;
        let (kind, action) = match head.split_once('+') {
            Some((kind, action)) => (kind, action.parse().ok()?),
            None => (head, Action::Default),
        };
        let kind = Kind::from_str(kind).ok()?;
        Some((Self::from_normalized(kind, text), action))
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.text)
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| format!("\"{text}\" is not a kind: use \"url\", \"dir\" or \"resource\""))
    }
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut names: Vec<_> = members.keys().collect();
            names.sort();
            names.into_iter().map(|name| (name.clone(), sorted(&members[name]))).collect()
        }
        Value::Array(values) => values.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_dir_ends_with_a_slash() {
        assert_eq!(Item::dir("https://h/a/").unwrap().text(), "https://h/a/");
        assert_eq!(Item::dir("https://h/a/*").unwrap().text(), "https://h/a/");
        assert_eq!(Item::dir("https://H").unwrap().text(), "https://h/");
        assert_eq!(Item::dir("https://h/a"), Err(ItemError::DirWithoutSlash("https://h/a".into())));
        assert_eq!(Item::dir("https://h/a*").unwrap_err(), ItemError::DirWithoutSlash("https://h/a*".into()));
        assert_eq!(Item::dir("https://h/a/?b/"), Err(ItemError::DirWithQuery));
    }

    #[test]
    fn a_resource_is_its_canonical_json() {
        let params = json!({"year": 2026, "area": {"b": 1, "a": [2]}}).as_object().unwrap().clone();
        let item = Item::resource(&Resource { title: "Sales".into(), params }).unwrap();
        assert_eq!(item.text(), r#"{"area":{"a":[2],"b":1},"resource_title":"Sales","year":2026}"#);
        let params = json!({"resource_title": 1}).as_object().unwrap().clone();
        assert_eq!(Item::resource(&Resource { title: "S".into(), params }), Err(ItemError::TitleParam));
    }

    #[test]
    fn a_name_reads_back() {
        for action in Action::ALL {
            let item = Item::url("https://h:8080/a:b").unwrap();
            assert_eq!(Item::from_name(&item.name(action)), Some((item, action)));
        }
        assert_eq!(Item::url("https://h/a").unwrap().name(Action::Default), "url:https://h/a");
        assert_eq!(Item::from_name("nonsense"), None);
        assert_eq!(Item::from_name("url+melt:https://h/"), None);
    }

    #[test]
    fn the_host_is_found() {
        let host = |text| Item::url(text).unwrap().host().map(str::to_owned);
        assert_eq!(host("https://h.example:8080/a"), Some("h.example".into()));
        assert_eq!(host("http://[::1]:81/a"), Some("[::1]".into()));
        assert_eq!(host("http://h?q"), Some("h".into()));
    }
}
