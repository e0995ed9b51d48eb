use super::{Problem, keys};
use config::{Value, ValueKind};
use purgeline_core::config::{Config, Settings};

/// Reads the merged tree into the types. Errors name the key and what was expected, never the
/// value that came.
pub(super) fn read(root: serde_json::Value, tree: &Value) -> Result<Config, Problem> {
    let members = match root {
        serde_json::Value::Object(members) => members,
        _ => serde_json::Map::new(),
    };
    // The reader of providers' settings is one that never repeats a value.
    purgeline_providers::read_settings(&Settings::from(members)).map_err(|error| {
        let origin = keys::origin(lookup(tree, &error.path));
        Problem::of_key(&error.path, origin, plain(&error.problem))
    })
}

/// The value at a path like `targets.www.example.com.limits.rates[0].max`, or the nearest one
/// above it that is no part of a list. Names may hold dots, so the longest key that fits is taken.
fn lookup<'a>(value: &'a Value, path: &str) -> &'a Value {
    let path = path.trim_start_matches('.');
    match &value.kind {
        ValueKind::Table(table) => {
            let below = table
                .iter()
                .filter(|(key, _)| {
                    path.strip_prefix(key.as_str())
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
                })
                .max_by_key(|(key, _)| key.len());
            match below {
                Some((key, below)) => lookup(below, &path[key.len()..]),
                None => value,
            }
        }
        _ => value,
    }
}

/// Rust's words for what was expected, in the words of whoever writes the file.
fn plain(problem: &str) -> String {
    const WORDS: [(&str, &str); 9] = [
        ("expected a nonzero u64", "expected a whole number, 1 or more"),
        ("expected a nonzero u32", "expected a whole number from 1 to 4294967295"),
        ("expected u64", "expected a whole number, 0 or more"),
        ("expected u32", "expected a whole number from 0 to 4294967295"),
        ("expected a boolean", "expected true or false"),
        ("expected a sequence", "expected a list"),
        ("expected a string", "expected text"),
        ("expected a map", "expected a table"),
        ("expected struct ", "expected a table, "),
    ];
    match WORDS.iter().find(|(rust, _)| problem.starts_with(rust)) {
        Some((rust, words)) => format!("{words}{}", &problem[rust.len()..]),
        None => problem.to_owned(),
    }
}
