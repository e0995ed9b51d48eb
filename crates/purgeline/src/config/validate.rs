use super::{ConfigError, Problem, Secrets};
use purgeline_core::{SystemClock, TargetName, config::Config};
use purgeline_providers::ConfiguredTarget;
use redis::IntoConnectionInfo;
use secrecy::ExposeSecret;
use std::{collections::BTreeMap, sync::Arc};

/// Holds the configuration against what Redis and the providers take.
pub(super) fn validate(config: &Config, secrets: Secrets) -> Result<Vec<ConfiguredTarget>, ConfigError> {
    let mut problems = Vec::new();
    if let Some(url) = &config.redis.url
        && url.expose_secret().into_connection_info().is_err()
    {
        // The reason may quote the URL, which may hold a password.
        let text = "not a Redis address: expected redis://HOST[:PORT][/DB], rediss://… or unix:///PATH";
        problems.push(Problem::of_key("redis.url", None, text));
    }
    if config.redis.timeout_ms == 0 {
        problems.push(Problem::of_key("redis.timeout_ms", None, "expected 1 or more"));
    }
    let mut targets = Vec::new();
    for (name, target) in &config.targets {
        // Every name in the map is one that the configuration has.
        let Some(identity) = config.target(name) else { continue };
        match ConfiguredTarget::resolve(identity, target) {
            Ok(target) => {
                problems.extend(validate_target(&target, secrets));
                targets.push(target);
            }
            Err(error) => problems.push(Problem::of_target(&error)),
        }
    }
    problems.extend(mixed_accounts(config));
    ConfigError::unless_empty(problems)?;
    Ok(targets)
}

fn validate_target(target: &ConfiguredTarget, secrets: Secrets) -> Option<Problem> {
    let config = &target.config;
    if config.retry_initial_ms > config.retry_max_ms {
        let key = format!("targets.{}.retry_initial_ms", target.target.name);
        let text = format!("{} is more than retry_max_ms, {}", config.retry_initial_ms, config.retry_max_ms);
        return Some(Problem::of_key(key, None, text));
    }
    match secrets {
        Secrets::Read => target.client(Arc::new(SystemClock)).err().map(|error| Problem::of_target(&error)),
        Secrets::Skip => None,
    }
}

/// An account is one account at one provider: its limits are counted together.
fn mixed_accounts(config: &Config) -> Vec<Problem> {
    let mut first_of: BTreeMap<&TargetName, (&TargetName, &str)> = BTreeMap::new();
    let mut problems = Vec::new();
    for (name, target) in &config.targets {
        let account = target.account.as_ref().unwrap_or(name);
        let (first, provider) = first_of.entry(account).or_insert((name, &target.provider));
        if *provider != target.provider {
            let text = format!(
                "account \"{account}\" is already that of target {first}, at provider {provider}: \
                 targets share an account only at the same provider"
            );
            problems.push(Problem::of_key(format!("targets.{name}.account"), None, text));
        }
    }
    problems
}
