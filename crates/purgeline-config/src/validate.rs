use super::{ConfigError, Problem, Secrets};
use purgeline_core::{
    MAX_MAX_WAIT_MS, MAX_QUIET_MS, SystemClock, TargetName,
    config::{BreakerConfig, Config, Durability, TargetConfig},
};
use purgeline_providers::ConfiguredTarget;
use purgeline_queue::Topology;
use secrecy::ExposeSecret;
use std::{collections::BTreeMap, sync::Arc};

/// Holds the configuration against what Redis and the providers take.
pub(super) fn validate(config: &Config, secrets: Secrets) -> Result<Vec<ConfiguredTarget>, ConfigError> {
    let mut problems = Vec::new();
    if let Some(url) = &config.redis.url
        && let Err(error) = Topology::parse(url.expose_secret())
    {
        problems.push(Problem::of_key("redis.url", None, error.to_string()));
    }
    if config.redis.url.is_none() && config.redis.durability == Durability::Replicated {
        let text =
            "\"replicated\" needs a Redis with replicas, and a private redis-server has none: set redis.url";
        problems.push(Problem::of_key("redis.durability", None, text));
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
    if let Some((key, text)) = validate_breaker(&config.breaker) {
        return Some(Problem::of_key(format!("targets.{}.breaker.{key}", target.target.name), None, text));
    }
    if config.retry_initial_ms > config.retry_max_ms {
        let key = format!("targets.{}.retry_initial_ms", target.target.name);
        let text = format!("{} is more than retry_max_ms, {}", config.retry_initial_ms, config.retry_max_ms);
        return Some(Problem::of_key(key, None, text));
    }
    if let Some((key, text)) = bad_timing(config) {
        return Some(Problem::of_key(format!("targets.{}.{key}", target.target.name), None, text));
    }
    match secrets {
        Secrets::Read => target.client(Arc::new(SystemClock)).err().map(|error| Problem::of_target(&error)),
        Secrets::Skip => None,
    }
}

/// The first of a target's times that cannot be kept, and why.
fn bad_timing(config: &TargetConfig) -> Option<(&'static str, String)> {
    let rebound_ms = config.rebound_ms.map(std::num::NonZeroU64::get);
    for (key, ms, most, words) in [
        ("quiet_ms", config.quiet_ms, MAX_QUIET_MS, "a day"),
        ("max_wait_ms", config.max_wait_ms, MAX_MAX_WAIT_MS, "a week"),
        ("rebound_ms", rebound_ms, MAX_QUIET_MS, "a day"),
    ] {
        if let Some(ms) = ms.filter(|ms| *ms > most) {
            return Some((key, format!("{ms} is too long: {most}, {words}, is the most")));
        }
    }
    match (config.quiet_ms.unwrap_or_default(), config.max_wait_ms) {
        (0, Some(_)) => Some(("max_wait_ms", "it bounds the wait for quiet: set quiet_ms too".to_owned())),
        (quiet, Some(max)) if max < quiet => {
            Some(("max_wait_ms", format!("{max} is less than quiet_ms, {quiet}")))
        }
        _ => None,
    }
}

fn validate_breaker(breaker: &BreakerConfig) -> Option<(&'static str, String)> {
    let (most_failures, longest) = (BreakerConfig::MAX_FAILURES, BreakerConfig::MAX_PROBE_MS);
    if breaker.failures.get() > most_failures {
        return Some(("failures", format!("{} is more than {most_failures}", breaker.failures)));
    }
    if breaker.max_probe_ms.get() > longest {
        return Some(("max_probe_ms", format!("{} is more than {longest}, an hour", breaker.max_probe_ms)));
    }
    (breaker.probe_ms > breaker.max_probe_ms).then(|| {
        ("probe_ms", format!("{} is more than max_probe_ms, {}", breaker.probe_ms, breaker.max_probe_ms))
    })
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
