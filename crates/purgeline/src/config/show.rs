use config::{Value, ValueKind};
use serde::{Serialize, Serializer};
use std::fmt;

/// The configuration for its reader: secrets masked, each value with its origin.
///
/// Which of a provider's settings are secret only the provider knows, so every text among them
/// is masked. Paths of secret files are not.
#[derive(Clone)]
pub(crate) struct Shown(Value);

const MASK: &str = "***";

impl Shown {
    pub(super) fn new(mut tree: Value) -> Self {
        mask(&mut tree, &mut Vec::new());
        Self(tree)
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

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// As TOML, with the origin of each value in a comment.
impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        write_table(f, &self.0, &[], &mut first)
    }
}

fn write_table(f: &mut fmt::Formatter<'_>, value: &Value, path: &[String], first: &mut bool) -> fmt::Result {
    let ValueKind::Table(table) = &value.kind else { return Ok(()) };
    let mut members: Vec<_> = table.iter().collect();
    members.sort_by_key(|(key, _)| *key);
    let (tables, leaves): (Vec<_>, Vec<_>) =
        members.into_iter().partition(|(_, value)| matches!(value.kind, ValueKind::Table(_)));
    if !leaves.is_empty() || (tables.is_empty() && !path.is_empty()) {
        if !std::mem::take(first) {
            writeln!(f)?;
        }
        writeln!(f, "[{}]", path.join("."))?;
        for (key, value) in leaves {
            let origin = value.origin().unwrap_or("unknown");
            writeln!(f, "{} = {}  # {origin}", toml_key(key), to_toml(value))?;
        }
    }
    for (key, value) in tables {
        let path: Vec<_> = path.iter().cloned().chain([toml_key(key)]).collect();
        write_table(f, value, &path, first)?;
    }
    Ok(())
}

fn toml_key(key: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !key.is_empty() && key.bytes().all(bare) { key.to_owned() } else { format!("{key:?}") }
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

/// The values alone, as one JSON object.
impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        to_toml(&self.0).serialize(serializer)
    }
}
