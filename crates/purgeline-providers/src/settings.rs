use purgeline_core::config::Settings;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// Settings of a target that its provider cannot work with. Never holds a value, since secrets
/// are among them.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("settings.{path}: {problem}")]
pub struct SettingsError {
    /// Which setting.
    pub path: String,
    /// What is wrong with it, and what was expected.
    pub problem: String,
}

/// Reads a target's settings into a provider's own type.
///
/// # Errors
/// Names the first setting that is missing, unknown or of the wrong type.
pub fn read<T: DeserializeOwned>(settings: &Settings) -> Result<T, SettingsError> {
    serde_path_to_error::deserialize(settings.clone().into_value()).map_err(|error| SettingsError {
        path: error.path().to_string(),
        problem: error.into_inner().to_string(),
    })
}
