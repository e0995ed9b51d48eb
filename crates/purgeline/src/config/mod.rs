//! The configuration: layers merged, secrets fetched, keys and values checked.

mod error;
mod keys;
mod layers;
mod paths;
mod secrets;
mod show;
#[cfg(test)]
mod tests;
mod typed;
mod validate;

pub(crate) use error::ConfigError;
use error::Problem;
pub(crate) use layers::Layers;
pub(crate) use secrets::Secrets;
pub(crate) use show::Shown;

use purgeline_core::config::Config;
use purgeline_providers::ConfiguredTarget;

/// A configuration that can be used.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    /// What is in force.
    pub(crate) config: Config,
    /// The targets with what their providers declare.
    pub(crate) targets: Vec<ConfiguredTarget>,
    /// What is in force, with where each value comes from, and without the contents of secret files.
    pub(crate) shown: Shown,
}

/// Reads all layers and checks everything that can be checked without Redis and the providers'
/// servers.
///
/// # Errors
/// Names each wrong key, what was expected, and the layer that it stands in where that is known.
pub(crate) fn load(layers: &Layers, secrets: Secrets) -> Result<Loaded, ConfigError> {
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
