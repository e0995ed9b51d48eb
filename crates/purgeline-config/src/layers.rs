use super::{ConfigError, Problem};
use config::{Config, Map, Source, Value, ValueKind};
use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

/// The documentation of every key, and the defaults.
pub(super) const DEFAULT: &str = include_str!("../purgeline.default.toml");

/// The name of the lowest layer.
pub(super) const DEFAULT_ORIGIN: &str = "default";

/// The name of the layer that is a text.
const TEXT_ORIGIN: &str = "text";

const SYSTEM_FILE: &str = "/etc/purgeline/purgeline.toml";
const PREFIX: &str = "PURGELINE__";

/// Where the configuration is read from, the lowest layer first. Below them all is the default.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// The machine's file; skipped if it is not there.
    pub system: Option<PathBuf>,
    /// The file that the user named; an error if it is not there.
    pub file: Option<PathBuf>,
    /// Environment variables; those without the prefix are ignored.
    pub environment: Vec<(OsString, OsString)>,
    /// A TOML text, above all others.
    pub text: Option<String>,
}

/// One layer, with where each of its values comes from.
#[derive(Clone, Debug)]
struct Layer(Map<String, Value>);

impl Layers {
    /// The layers of this process.
    #[must_use]
    pub fn of_process(file: Option<PathBuf>) -> Self {
        Self {
            system: Some(SYSTEM_FILE.into()),
            file,
            environment: std::env::vars_os().collect(),
            text: None,
        }
    }

    /// The default, and a TOML text above it; neither files nor the environment. For tests, trials and
    /// demonstrations.
    #[must_use]
    pub fn of_text(toml: impl Into<String>) -> Self {
        Self { text: Some(toml.into()), ..Self::default() }
    }

    /// All layers as one tree whose values know where they come from.
    pub(super) fn merge(&self) -> Result<Config, ConfigError> {
        let mut builder = Config::builder().add_source(from_text(DEFAULT, DEFAULT_ORIGIN)?);
        if let Some(path) = &self.system
            && let Some(layer) = from_file(path, true)?
        {
            builder = builder.add_source(layer);
        }
        if let Some(path) = &self.file
            && let Some(layer) = from_file(path, false)?
        {
            builder = builder.add_source(layer);
        }
        for (name, value) in &self.environment {
            if let Some(layer) = from_variable(name, value)? {
                builder = builder.add_source(layer);
            }
        }
        if let Some(text) = &self.text {
            builder = builder.add_source(from_text(text, TEXT_ORIGIN)?);
        }
        // Our sources are trees already; nothing is left that could fail.
        Ok(builder.build().map_err(|error| Problem::of_source("configuration", error.to_string()))?)
    }
}

fn from_file(path: &Path, may_be_absent: bool) -> Result<Option<Layer>, Problem> {
    let origin = path.display().to_string();
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if may_be_absent && error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Problem::of_source(origin, format!("cannot be read: {error}"))),
    };
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = line_of(error.as_bytes(), error.utf8_error().valid_up_to());
        Problem::of_source(format!("{origin}, line {line}"), "not UTF-8: save the file as UTF-8")
    })?;
    from_text(&text, &origin).map(Some)
}

fn from_text(text: &str, origin: &str) -> Result<Layer, Problem> {
    let table: toml::Table = toml::from_str(text).map_err(|error: toml::de::Error| {
        let line = line_of(text.as_bytes(), error.span().map_or(0, |span| span.start));
        // Only the message: the error's own text quotes the line, which may hold a secret.
        Problem::of_source(format!("{origin}, line {line}"), format!("not TOML: {}", error.message()))
    })?;
    Ok(Layer(to_map(&origin.to_owned(), table)))
}

/// `PURGELINE__REDIS__URL` as a tree of one leaf, `redis.url`.
fn from_variable(name: &OsString, value: &OsString) -> Result<Option<Layer>, Problem> {
    let Some((name, path)) = name.to_str().and_then(|name| Some((name, name.strip_prefix(PREFIX)?))) else {
        return Ok(None);
    };
    let origin = name.to_owned();
    let text = value.to_str().ok_or_else(|| Problem::of_source(name, "its value is not UTF-8"))?;
    let parts: Vec<_> = path.split("__").map(str::to_ascii_lowercase).collect();
    if parts.iter().any(String::is_empty) {
        let text = "not a key: expected PURGELINE__ and the key's path with __ between its parts";
        return Err(Problem::of_source(name, text));
    }
    let mut value = to_value(&origin, typed(text));
    for part in parts.iter().skip(1).rev() {
        value = Value::new(Some(&origin), Map::from_iter([(part.clone(), value)]));
    }
    Ok(parts.first().map(|root| Layer(Map::from_iter([(root.clone(), value)]))))
}

/// A text that reads as a TOML boolean, number, list, table or quoted text is that; everything
/// else, dates too, is text.
fn typed(text: &str) -> toml::Value {
    let document = format!("value = {text}");
    let value = toml::from_str::<toml::Table>(&document).ok().and_then(|mut table| {
        // A line break in the text could have brought more keys.
        if table.len() == 1 { table.remove("value") } else { None }
    });
    match value {
        None | Some(toml::Value::Datetime(_)) => toml::Value::String(text.to_owned()),
        Some(value) => value,
    }
}

fn to_map(origin: &String, table: toml::Table) -> Map<String, Value> {
    table.into_iter().map(|(key, value)| (key, to_value(origin, value))).collect()
}

fn to_value(origin: &String, value: toml::Value) -> Value {
    let kind = match value {
        toml::Value::String(text) => ValueKind::String(text),
        toml::Value::Integer(number) => ValueKind::I64(number),
        toml::Value::Float(number) => ValueKind::Float(number),
        toml::Value::Boolean(value) => ValueKind::Boolean(value),
        toml::Value::Datetime(time) => ValueKind::String(time.to_string()),
        toml::Value::Array(values) => {
            ValueKind::Array(values.into_iter().map(|value| to_value(origin, value)).collect())
        }
        toml::Value::Table(table) => ValueKind::Table(to_map(origin, table)),
    };
    Value::new(Some(origin), kind)
}

/// The number of the line that byte `at` is on.
fn line_of(text: &[u8], at: usize) -> usize {
    text.iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, config::ConfigError> {
        Ok(self.0.clone())
    }
}
