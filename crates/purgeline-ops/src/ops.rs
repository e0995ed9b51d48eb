use crate::{DeadLetters, Items, Jobs, OpsError, Targets, UnknownTarget, Watch, Workers, doctor::Doctor};
use purgeline_core::{Target, TargetName, config::RedisConfig};
use purgeline_providers::ConfiguredTarget;
use purgeline_queue::{Queue, QuotaPolicy, Retention};
use std::sync::Arc;

/// The queue and the configured targets, as an operator sees them. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Ops {
    pub(crate) queue: Queue,
    pub(crate) targets: Arc<[ConfiguredTarget]>,
    pub(crate) retention: Retention,
}

impl Ops {
    /// Operations on this queue and these targets. What a change ends is kept for `retention`.
    pub fn new(queue: Queue, targets: impl Into<Arc<[ConfiguredTarget]>>, retention: Retention) -> Self {
        Self { queue, targets: targets.into(), retention }
    }

    /// How items fare.
    #[must_use]
    pub const fn items(&self) -> Items<'_> {
        Items::new(self)
    }

    /// How jobs fare; cancels one.
    #[must_use]
    pub const fn jobs(&self) -> Jobs<'_> {
        Jobs::new(self)
    }

    /// What failed for good; retries or drops it.
    #[must_use]
    pub const fn dead_letters(&self) -> DeadLetters<'_> {
        DeadLetters::new(self)
    }

    /// How targets stand; pauses and resumes them.
    #[must_use]
    pub const fn targets(&self) -> Targets<'_> {
        Targets::new(self)
    }

    /// Which workers are alive.
    #[must_use]
    pub const fn workers(&self) -> Workers<'_> {
        Workers::new(self)
    }

    /// All targets, the workers and the last `events` events, in one snapshot after another.
    #[must_use]
    pub fn watch(&self, events: usize) -> Watch {
        Watch::new(self, events)
    }

    /// Checks of the Redis that `redis` configures, of the workers, the targets and the records.
    #[must_use]
    pub const fn doctor<'a>(&'a self, redis: &'a RedisConfig) -> Doctor<'a> {
        Doctor::new(self, redis)
    }

    /// A configured target by name.
    pub(crate) fn target(&self, name: &TargetName) -> Result<&ConfiguredTarget, UnknownTarget> {
        find_target(&self.targets, name)
    }

    /// The target of that name, or all if there is no name.
    pub(crate) fn one_or_all(&self, name: Option<&TargetName>) -> Result<&[ConfiguredTarget], UnknownTarget> {
        match name {
            Some(name) => self.target(name).map(std::slice::from_ref),
            None => Ok(&self.targets),
        }
    }

    /// The targets as the queue knows them.
    pub(crate) fn identities(&self) -> Vec<Target> {
        self.targets.iter().map(|target| target.target.clone()).collect()
    }

    /// The time by Redis's clock, in milliseconds since 1970.
    pub(crate) async fn now_ms(&self) -> Result<i64, OpsError> {
        Ok(self.queue.now_ms().await?)
    }
}

/// A target by name.
///
/// # Errors
/// When there is none of that name; names those that there are.
pub fn find_target<'a>(
    targets: &'a [ConfiguredTarget],
    name: &TargetName,
) -> Result<&'a ConfiguredTarget, UnknownTarget> {
    targets.iter().find(|target| target.target.name == *name).ok_or_else(|| UnknownTarget {
        name: name.clone(),
        configured: targets.iter().map(|target| target.target.name.clone()).collect(),
    })
}

/// The quotas of a target's days, with the part that is reserved for urgent items.
pub(crate) fn quota_policy(target: &ConfiguredTarget) -> QuotaPolicy {
    QuotaPolicy::of(&target.descriptor, &target.config)
}
