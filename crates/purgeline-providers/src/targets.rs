use crate::{BuildContext, Entry, Provider, REGISTRY, SettingsError, provider};
use purgeline_core::{
    Action, Clock, Descriptor, HostPattern, Item, Lane, LimitError, Priority, Quota, Target, TargetName,
    config::TargetConfig,
};
use std::{sync::Arc, time::Duration};
use thiserror::Error;

/// A configured target together with what its provider declares, checked against each other.
#[derive(Clone, Debug)]
pub struct ConfiguredTarget {
    /// How the queue knows it.
    pub target: Target,
    /// As it is configured.
    pub config: TargetConfig,
    /// What its provider takes, with the limits narrowed to those configured.
    pub descriptor: Descriptor,
    entry: &'static Entry,
}

/// A target that cannot work as it is configured.
#[derive(Clone, Debug, Error)]
#[error("targets.{target}.{problem}")]
pub struct TargetError {
    /// The target.
    pub target: TargetName,
    /// What is wrong with it.
    pub problem: TargetProblem,
}

/// What is wrong with a target.
#[derive(Clone, Debug, Error)]
pub enum TargetProblem {
    /// No such provider.
    #[error("provider: \"{given}\" is not known{}; there are {}", nearest(given), names())]
    Provider {
        /// The name that was given.
        given: String,
    },
    /// Its provider cannot work with its settings.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// It asks for more than its provider allows.
    #[error(transparent)]
    Limits(#[from] LimitError),
}

fn names() -> String {
    REGISTRY.iter().map(|entry| entry.name).collect::<Vec<_>>().join(", ")
}

fn nearest(given: &str) -> String {
    REGISTRY
        .iter()
        .map(|entry| (strsim::damerau_levenshtein(given, entry.name), entry.name))
        .min()
        .filter(|(distance, _)| *distance <= 3)
        .map(|(_, name)| format!(", did you mean \"{name}\"?"))
        .unwrap_or_default()
}

impl ConfiguredTarget {
    /// Checks one target of a configuration against its provider.
    ///
    /// # Errors
    /// Names the first setting or limit that cannot be.
    pub fn resolve(target: Target, config: &TargetConfig) -> Result<Self, TargetError> {
        let error = |problem: TargetProblem| TargetError { target: target.name.clone(), problem };
        let entry = provider(&config.provider)
            .ok_or_else(|| error(TargetProblem::Provider { given: config.provider.clone() }))?;
        let mut descriptor = (entry.descriptor)(&config.settings).map_err(|problem| error(problem.into()))?;
        descriptor.limits = descriptor
            .limits
            .narrowed(&config.limits, entry.name)
            .map_err(|problem| error(problem.into()))?;
        Ok(Self { config: config.clone(), descriptor, entry, target })
    }

    /// A client of its provider.
    ///
    /// # Errors
    /// When a setting that only a client needs is missing or wrong: credentials.
    pub fn client(&self, clock: Arc<dyn Clock>) -> Result<Arc<dyn Provider>, TargetError> {
        let context = BuildContext {
            settings: self.config.settings.clone(),
            timeout: Duration::from_millis(
                self.config.timeout_ms.unwrap_or(self.descriptor.timeout_ms).get(),
            ),
            clock,
        };
        (self.entry.build)(&context)
            .map_err(|problem| TargetError { target: self.target.name.clone(), problem: problem.into() })
    }

    /// Whether it serves the item's host. A resource has no host: whoever takes resources serves
    /// it.
    #[must_use]
    pub fn serves(&self, item: &Item) -> bool {
        match item.host() {
            Some(host) => self.config.hosts.iter().any(|pattern: &HostPattern| pattern.matches(host)),
            None => self.descriptor.limits.call.max_of_kind.contains_key(&item.kind()),
        }
    }

    /// The action to do here for a wished one, and the lane that an item waits in.
    #[must_use]
    pub fn lane(&self, item: &Item, wished: Action, priority: Priority) -> (Action, Lane) {
        let action = self.descriptor.fold_action(item.kind(), wished);
        let limits = &self.descriptor.limits;
        // What one host must wait for stops no other.
        let has_quota = |of: &Quota| of.per_host && of.kind.is_none_or(|kind| kind == item.kind());
        let bounds_hosts = limits.call.max_hosts.is_some() || limits.quotas.iter().any(has_quota);
        let host = item.host().filter(|_| bounds_hosts).map(str::to_owned);
        (action, Lane { priority, kind: item.kind(), action, host })
    }
}
