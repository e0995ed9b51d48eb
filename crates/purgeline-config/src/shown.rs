use config::{Value, ValueKind};
use serde::Serialize;
use std::collections::BTreeMap;

/// The configuration in force for its reader: secrets masked, each value with its origin. As JSON, the
/// values alone.
///
/// Which of a provider's settings are secret only the provider knows, so every text among them
/// is masked. Paths of secret files are not.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Shown {
    /// A table, by key.
    Table(BTreeMap<String, Shown>),
    /// A value.
    Value(ShownValue),
}

/// A value of the configuration.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct ShownValue {
    /// The value, masked where it may be secret.
    pub value: toml::Value,
    /// The layer that set it: a file, an environment variable, `default` or `text`.
    #[serde(skip)]
    pub origin: String,
}

const MASK: &str = "***";

impl Shown {
    pub(super) fn new(mut tree: Value) -> Self {
        mask(&mut tree, &mut Vec::new());
        Self::of(&tree)
    }

    fn of(value: &Value) -> Self {
        match &value.kind {
            ValueKind::Table(table) => {
                Self::Table(table.iter().map(|(key, value)| (key.clone(), Self::of(value))).collect())
            }
            _ => Self::Value(ShownValue {
                value: to_toml(value),
                origin: value.origin().unwrap_or("unknown").to_owned(),
            }),
        }
    }
}

fn mask(value: &mut Value, path: &mut Vec<String>) {
    match &mut value.kind {
        ValueKind::Table(table) => {
            for (key, value) in table.iter_mut() {
                path.push(key.clone());
                mask(value, path);
                path.pop();
            }
        }
        ValueKind::Array(values) => values.iter_mut().for_each(|value| mask(value, path)),
        ValueKind::String(text) => {
            let path: Vec<_> = path.iter().map(String::as_str).collect();
            match path.as_slice() {
                ["redis", "url"] => *text = without_password(text),
                ["targets", _, "settings", .., last] if !last.ends_with("_file") => MASK.clone_into(text),
                _ => {}
            }
        }
        _ => {}
    }
}

/// `redis://user:***@host/`; nothing of a text that is no URL.
fn without_password(text: &str) -> String {
    if let Some(shown) = several_hosts(text) {
        return shown;
    }
    let Ok(mut url) = url::Url::parse(text) else { return MASK.to_owned() };
    if url.password().is_some() && url.set_password(Some(MASK)).is_err() {
        return MASK.to_owned();
    }
    // A unix socket's user and password stand in the query.
    if url.query().is_some_and(|query| query.contains("pass")) {
        let path = url.path().to_owned();
        return format!("{}://{path}?{MASK}", url.scheme());
    }
    url.into()
}

/// The same for an address of several hosts, which is no URL to the `url` crate.
fn several_hosts(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    if !(scheme.ends_with("+sentinel") || scheme.ends_with("+cluster")) {
        return None;
    }
    let (rest, query) = rest.split_once('?').map_or((rest, ""), |(rest, _)| (rest, "?***"));
    let hosts = match rest.rsplit_once('@') {
        Some((user, hosts)) => match user.split_once(':') {
            Some((name, _)) => format!("{name}:{MASK}@{hosts}"),
            None => rest.to_owned(),
        },
        None => rest.to_owned(),
    };
    Some(format!("{scheme}://{hosts}{query}"))
}

fn to_toml(value: &Value) -> toml::Value {
    match &value.kind {
        ValueKind::Boolean(value) => toml::Value::Boolean(*value),
        ValueKind::I64(number) => toml::Value::Integer(*number),
        ValueKind::Float(number) => toml::Value::Float(*number),
        ValueKind::String(text) => toml::Value::String(text.clone()),
        ValueKind::Array(values) => toml::Value::Array(values.iter().map(to_toml).collect()),
        ValueKind::Table(table) => {
            toml::Value::Table(table.iter().map(|(key, value)| (key.clone(), to_toml(value))).collect())
        }
        // TOML has none of these, and every layer is TOML.
        ValueKind::Nil | ValueKind::I128(_) | ValueKind::U64(_) | ValueKind::U128(_) => {
            toml::Value::String(value.kind.to_string())
        }
    }
}
