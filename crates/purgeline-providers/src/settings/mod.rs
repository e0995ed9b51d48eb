//! Reading a target's settings into a provider's own type, with errors that never hold a value.

mod json;
mod polls;

pub use polls::PollSettings;

use purgeline_core::config::Settings;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use thiserror::Error;
use url::Url;

/// Settings of a target that its provider cannot work with. Never holds a value, since secrets
/// are among them.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("settings{}{path}: {problem}", if path.is_empty() { "" } else { "." })]
pub struct SettingsError {
    /// Which setting, with its place: `polls.first_ms`. Empty: the settings as a whole.
    pub path: String,
    /// What is wrong with it, and what was expected.
    pub problem: String,
}

impl SettingsError {
    pub(crate) fn new(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { path: path.into(), problem: problem.into() }
    }
}

/// Reads settings into a provider's own type.
///
/// # Errors
/// Names the first setting that is missing, unknown (with the nearest known name) or of the
/// wrong type (with the type that was expected).
pub fn read<T: DeserializeOwned>(settings: &Settings) -> Result<T, SettingsError> {
    let value = settings.clone().into_value();
    serde_path_to_error::deserialize(json::Json(&value)).map_err(|error| {
        let path = error.path().to_string();
        let problem = error.into_inner();
        match problem.missing() {
            // The path ends at the table that lacks it; "." is the settings as a whole.
            Some(field) if path == "." => SettingsError::new(field, problem.to_string()),
            Some(field) => SettingsError::new(format!("{path}.{field}"), problem.to_string()),
            None if path == "." => SettingsError::new("", problem.to_string()),
            None => SettingsError::new(path, problem.to_string()),
        }
    })
}

/// A setting that a client needs and a mere reader of limits does not: producers can do without
/// secrets.
pub(crate) fn required<'a>(
    path: &str,
    value: Option<&'a SecretString>,
) -> Result<&'a SecretString, SettingsError> {
    value
        .filter(|value| !value.expose_secret().trim().is_empty())
        .ok_or_else(|| SettingsError::new(path, "missing: calls cannot be signed without it"))
}

/// An address to which paths are appended: `https://fusion.qiniuapi.com`, with no slash at its
/// end and nothing else after the path.
///
/// # Errors
/// When it is none, or holds a user name or password (which would be shown in causes).
pub(crate) fn base_url(path: &str, text: &str) -> Result<Url, SettingsError> {
    let problem = |problem: &str| SettingsError::new(path, problem);
    let url = Url::parse(text.trim())
        .map_err(|error| problem(&format!("not an address ({error}); expected https://HOST[:PORT]")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(problem("expected an address that begins with http:// or https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(problem("holds a user name or password; put credentials in settings of their own"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(problem("has a query or fragment; expected https://HOST[:PORT][/PATH]"));
    }
    Ok(url)
}

/// An address with a path appended to its own.
pub(crate) fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    url
}

#[cfg(test)]
mod tests;
