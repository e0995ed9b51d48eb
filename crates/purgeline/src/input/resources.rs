use super::Origin;
use purgeline_core::Resource;
use serde_json::Value;
use std::str::FromStr;

/// A data resource as it was written, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GivenResource {
    /// Its title and parameters.
    pub(crate) resource: Resource,
    /// Where it stands.
    pub(crate) origin: Origin,
}

/// A parameter of resources: `year=2026`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Param {
    name: String,
    value: Value,
}

impl FromStr for Param {
    type Err = String;

    /// The value is JSON where it reads as JSON, else a text: `2026` is a number, `EU` a text, and
    /// `"2026"`, with its quotation marks, a text too.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = text
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or("expected NAME=VALUE, like year=2026")?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
        Ok(Self { name: name.to_owned(), value })
    }
}

/// Resources of these titles, each with all of the parameters.
///
/// # Errors
/// Names a parameter that is given twice.
pub(crate) fn resources(titles: &[String], params: &[Param]) -> Result<Vec<Resource>, String> {
    let mut members = serde_json::Map::new();
    for Param { name, value } in params {
        if members.insert(name.clone(), value.clone()).is_some() {
            return Err(format!("--param {name} is given twice"));
        }
    }
    Ok(titles.iter().map(|title| Resource { title: title.clone(), params: members.clone() }).collect())
}
