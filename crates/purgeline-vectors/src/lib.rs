#![doc = include_str!("../README.md")]
#![expect(
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "for tests: a vector that cannot be read stops the test"
)]

use serde_json::Value;
use std::{fs, path::PathBuf};

/// The end of the names of files that hold signatures and no request.
const WORKED_EXAMPLES: &str = "-worked-examples";

/// The recorded request of this name, such as `qiniu-python-refresh-urls`.
#[must_use]
pub fn request(name: &str) -> Value {
    read(name)
}

/// All recorded requests to a provider, in the order of their names.
#[must_use]
pub fn requests(provider: &str) -> Vec<Value> {
    let directory = directory();
    let entries = fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut names: Vec<String> = entries
        .filter_map(|entry| {
            entry.ok()?.file_name().into_string().ok()?.strip_suffix(".json").map(str::to_owned)
        })
        .filter(|name| name.starts_with(&format!("{provider}-")) && !name.ends_with(WORKED_EXAMPLES))
        .collect();
    names.sort();
    assert!(!names.is_empty(), "no requests to {provider} in {}", directory.display());
    names.iter().map(|name| read(name)).collect()
}

/// A provider's signatures at fixed times.
#[must_use]
pub fn worked_examples(provider: &str) -> Value {
    read(&format!("{provider}{WORKED_EXAMPLES}"))
}

fn read(name: &str) -> Value {
    let path = directory().join(format!("{name}.json"));
    let text = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors")
}
