//! Secrets that are kept in files: `secret_key_file` beside, and instead of, `secret_key`.

use super::Problem;
use serde_json::{Map, Value};
use std::{fs::File, io::Read, path::PathBuf};

/// Whether the targets' secret files are read. Those who only enqueue or look need none, and
/// may not be allowed to read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// Each named file must be readable.
    Read,
    /// As if neither the secret nor its file were configured.
    Skip,
}

const SUFFIX: &str = "_file";

/// A secret is a key or a token, not a book.
const MAX_BYTES: u64 = 65_536;

/// Replaces each `x_file` by `x`, the file's text, in the redis table and in the targets'
/// settings. Returns what is wrong.
pub(super) fn resolve(root: &mut Value, targets: Secrets) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(Value::Object(redis)) = root.get_mut("redis") {
        // Its only text that may be secret; `redis` has no other keys that end in _file.
        in_table(redis, "redis", Secrets::Read, &mut problems);
    }
    if let Some(Value::Object(all)) = root.get_mut("targets") {
        for (name, target) in all {
            if let Some(Value::Object(settings)) = target.get_mut("settings") {
                in_table(settings, &format!("targets.{name}.settings"), targets, &mut problems);
            }
        }
    }
    problems
}

fn in_table(table: &mut Map<String, Value>, path: &str, secrets: Secrets, problems: &mut Vec<Problem>) {
    for (key, value) in table.iter_mut() {
        if let Value::Object(inner) = value {
            in_table(inner, &format!("{path}.{key}"), secrets, problems);
        }
    }
    let names: Vec<_> = table.keys().filter(|key| is_file_key(key)).cloned().collect();
    for name in names {
        let problem = |text: String| Problem::of_key(format!("{path}.{name}"), None, text);
        let file = table.remove(&name);
        let secret = name.trim_end_matches(SUFFIX);
        if table.contains_key(secret) {
            problems.push(problem(format!("{path}.{secret} is set too: set one of the two")));
            continue;
        }
        match (secrets, file) {
            (Secrets::Skip, _) => {}
            (Secrets::Read, Some(Value::String(file))) => match read(&file) {
                Ok(text) => {
                    table.insert(secret.to_owned(), Value::String(text));
                }
                Err(text) => problems.push(problem(text)),
            },
            (Secrets::Read, _) => problems.push(problem("expected the path of a file".to_owned())),
        }
    }
}

fn is_file_key(key: &str) -> bool {
    key.len() > SUFFIX.len() && key.ends_with(SUFFIX)
}

/// The file's text without the line break at its end; or what is wrong with the file.
fn read(file: &str) -> Result<String, String> {
    let path = super::paths::absolute(&PathBuf::from(file))?;
    let mut bytes = Vec::new();
    File::open(&path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("{} is longer than the {MAX_BYTES} bytes of a secret", path.display()));
    }
    let text = String::from_utf8(bytes).map_err(|_| format!("{} is not UTF-8", path.display()))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err(format!("{} is empty", path.display()));
    }
    Ok(text.to_owned())
}
