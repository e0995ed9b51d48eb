#![doc = include_str!("../README.md")]

mod error;
mod keys;
mod layers;
mod paths;
mod secrets;
mod shown;
#[cfg(test)]
mod tests;
mod typed;
mod validate;

pub use error::ConfigError;
use error::Problem;
pub use layers::Layers;
pub use secrets::Secrets;
pub use shown::{Shown, ShownValue};

use purgeline_core::config::Config;
use purgeline_providers::ConfiguredTarget;

/// A configuration that can be used.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What is in force.
    pub config: Config,
    /// The targets with what their providers declare.
    pub targets: Vec<ConfiguredTarget>,
    /// What is in force, with where each value comes from, and without the contents of secret files.
    pub shown: Shown,
}

/// Reads all layers and checks everything that can be checked without Redis and the providers'
/// servers.
///
/// # Errors
/// Names each wrong key, what was expected, and the layer that it stands in where that is known.
pub fn load(layers: &Layers, secrets: Secrets) -> Result<Loaded, ConfigError> {
    let merged = layers.merge()?;
    ConfigError::unless_empty(keys::unknown(&merged.cache))?;
    let mut root: serde_json::Value = merged
        .cache
        .clone()
        .try_deserialize()
        .map_err(|_| Problem::of_source("configuration", "holds a number that is out of range"))?;
    ConfigError::unless_empty(secrets::resolve(&mut root, secrets))?;
    let mut config = typed::read(root, &merged.cache)?;
    if config.redis.url.is_none() {
        config.redis.data_dir = paths::absolute(&config.redis.data_dir)
            .map_err(|text| Problem::of_key("redis.data_dir", None, text))?;
    }
    let targets = validate::validate(&config, secrets)?;
    Ok(Loaded { config, targets, shown: Shown::new(merged.cache) })
}
