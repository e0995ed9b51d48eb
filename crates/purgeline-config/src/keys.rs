//! Which keys there are: those that `purgeline.default.toml` documents, nothing else.

use super::{Problem, layers::DEFAULT};
use config::{Value, ValueKind};
use std::collections::BTreeMap;

/// What may stand at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// A value; its type is checked elsewhere.
    Value,
    /// These keys.
    Table(BTreeMap<String, Place>),
    /// A table of any names, all alike.
    Each(Box<Place>),
    /// Whatever the provider takes: it checks that itself.
    Settings,
}

/// A path of [`Place::Each`]'s names.
const ANY: &str = "NAME";

/// A problem for each key that is not documented, with the nearest one that is.
pub(super) fn unknown(tree: &Value) -> Vec<Problem> {
    let documented = Place::documented();
    let mut problems = Vec::new();
    documented.visit(tree, &mut Vec::new(), &mut |path, origin| {
        let key = path.join(".");
        let text = match nearest(path, &documented.paths()) {
            Some(near) => format!("unknown key; did you mean {near}?"),
            None => "unknown key; purgeline.default.toml names them all".to_owned(),
        };
        problems.push(Problem::of_key(key, origin, text));
    });
    problems
}

/// The default file with its commented keys taken as set.
pub(super) fn uncommented() -> String {
    let line = |line: &'static str| match line.strip_prefix('#') {
        Some(rest) if !rest.is_empty() && !rest.starts_with([' ', '#']) => rest,
        _ => line,
    };
    DEFAULT.lines().map(line).collect::<Vec<_>>().join("\n")
}

impl Place {
    fn documented() -> Self {
        // A test holds that it parses.
        let table: toml::Table = toml::from_str(&uncommented()).unwrap_or_default();
        let mut places = Self::of_table(&table);
        if let Self::Table(root) = &mut places
            && let Some(Self::Table(examples)) = root.remove("targets")
        {
            let mut keys = BTreeMap::new();
            for example in examples.into_values() {
                if let Self::Table(example) = example {
                    keys.extend(example);
                }
            }
            if let Some(settings) = keys.get_mut("settings") {
                *settings = Self::Settings;
            }
            root.insert("targets".to_owned(), Self::Each(Box::new(Self::Table(keys))));
        }
        places
    }

    fn of_table(table: &toml::Table) -> Self {
        let place = |value: &toml::Value| match value {
            toml::Value::Table(table) => Self::of_table(table),
            _ => Self::Value,
        };
        Self::Table(table.iter().map(|(key, value)| (key.clone(), place(value))).collect())
    }

    /// Calls `found` with the path and origin of each key that has no place. `redis.url_file`
    /// and the like are places too.
    fn visit(&self, value: &Value, path: &mut Vec<String>, found: &mut impl FnMut(&[String], Option<&str>)) {
        let ValueKind::Table(table) = &value.kind else { return };
        let mut keys: Vec<_> = table.iter().collect();
        keys.sort_by_key(|(key, _)| *key);
        for (key, value) in keys {
            path.push(key.clone());
            match self {
                Self::Table(known) => match known.get(key) {
                    Some(place) => place.visit(value, path, found),
                    None if path.join(".") == "redis.url_file" => {}
                    None => found(path, origin(value)),
                },
                Self::Each(place) => place.visit(value, path, found),
                Self::Value | Self::Settings => {}
            }
            path.pop();
        }
    }

    /// Every path that there is.
    fn paths(&self) -> Vec<Vec<String>> {
        let below = |key: &str, place: &Self| {
            let mut paths = vec![vec![key.to_owned()]];
            for mut path in place.paths() {
                path.insert(0, key.to_owned());
                paths.push(path);
            }
            paths
        };
        match self {
            Self::Table(known) => known.iter().flat_map(|(key, place)| below(key, place)).collect(),
            Self::Each(place) => below(ANY, place),
            Self::Value | Self::Settings => Vec::new(),
        }
    }
}

/// A table of several layers has no origin of its own; that of its first value will do.
pub(super) fn origin(value: &Value) -> Option<&str> {
    match &value.kind {
        ValueKind::Table(table) => table.values().find_map(origin).or_else(|| value.origin()),
        _ => value.origin(),
    }
}

/// The known path that the writer most likely meant, if any is near enough.
fn nearest(wrong: &[String], known: &[Vec<String>]) -> Option<String> {
    let (last, parents) = wrong.split_last()?;
    known
        .iter()
        .filter_map(|path| {
            // In the suggestion a target keeps its name.
            let path: Vec<&str> = path
                .iter()
                .enumerate()
                .map(|(at, part)| match parents.get(at) {
                    Some(given) if part == ANY => given.as_str(),
                    _ => part.as_str(),
                })
                .collect();
            let (known_last, known_parents) = path.split_last()?;
            let slips = slips(last, known_last)?;
            let moved = usize::from(parents != known_parents);
            Some((slips + moved, path.len(), path.join(".")))
        })
        .min()
        .map(|(_, _, path)| path)
}

/// How many slips of the finger lead from one key to the other; `None` if too many to be slips.
/// A key whose unit was left off, or put on, is one slip away.
fn slips(wrong: &str, known: &str) -> Option<usize> {
    if wrong.len() >= 3 && (known.starts_with(wrong) || wrong.starts_with(known)) {
        return Some(usize::from(wrong != known));
    }
    let distance = strsim::damerau_levenshtein(wrong, known);
    (distance <= (wrong.len() / 3).max(1)).then_some(distance)
}
