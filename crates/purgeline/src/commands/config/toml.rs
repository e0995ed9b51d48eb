//! The configuration as TOML.

use purgeline_config::{Shown, ShownValue};
use serde::Serialize;
use std::{collections::BTreeMap, fmt};

/// What is in force, with the origin of each value in a comment.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct AsToml(pub(super) Shown);

impl fmt::Display for AsToml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Shown::Table(root) => write_table(f, root, &[], &mut true),
            Shown::Value(value) => write!(f, "{}", value.value),
        }
    }
}

fn write_table(
    f: &mut fmt::Formatter<'_>,
    table: &BTreeMap<String, Shown>,
    path: &[String],
    first: &mut bool,
) -> fmt::Result {
    let (mut leaves, mut tables) = (Vec::new(), Vec::new());
    for (key, member) in table {
        match member {
            Shown::Table(table) => tables.push((key, table)),
            Shown::Value(value) => leaves.push((key, value)),
        }
    }
    if !leaves.is_empty() || (tables.is_empty() && !path.is_empty()) {
        if !std::mem::take(first) {
            writeln!(f)?;
        }
        writeln!(f, "[{}]", path.join("."))?;
        for (key, ShownValue { value, origin }) in leaves {
            writeln!(f, "{} = {value}  # {origin}", toml_key(key))?;
        }
    }
    for (key, table) in tables {
        let path: Vec<_> = path.iter().cloned().chain([toml_key(key)]).collect();
        write_table(f, table, &path, first)?;
    }
    Ok(())
}

fn toml_key(key: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !key.is_empty() && key.bytes().all(bare) { key.to_owned() } else { format!("{key:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use purgeline_config::{Layers, Secrets, load};

    #[test]
    fn the_configuration_is_shown_as_toml_with_origins() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("purgeline.toml");
        let toml = "redis.url = 'redis://user:swordfish@h:6379/1'\n[targets.\"a.b\"]\nprovider = 'qiniu'\n\
             limits.rates = [{ unit = 'calls', max = 1, window_ms = 1000 }]\n\
             settings = { access_key = 'AK', secret_key = 'swordfish', polls = { first_ms = 5 } }";
        std::fs::write(&file, toml).unwrap();
        let environment = vec![("PURGELINE__WORKER__CONCURRENCY".into(), "2".into())];
        let layers = Layers { file: Some(file), environment, ..Layers::default() };
        let shown = AsToml(load(&layers, Secrets::Read).unwrap().shown);
        let origin = format!("{}/", dir.path().display());
        insta::assert_snapshot!(shown.to_string().replace(&origin, ""));
    }
}
