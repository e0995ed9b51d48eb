//! Checks of what can go wrong outside of purgeline, and of every record in Redis.

mod check;
mod functions;
mod primary;
mod redis;
mod targets;
mod topology;
mod workers;

pub use check::{Check, Level};

use crate::{Ops, OpsError};
use purgeline_core::config::RedisConfig;
use purgeline_queue::Mend;
use serde::Serialize;
use topology::CLUSTER;

/// Checks; see [`Ops::doctor`].
#[derive(Clone, Copy, Debug)]
pub struct Doctor<'a> {
    ops: &'a Ops,
    redis: &'a RedisConfig,
}

/// How far an examination goes. Each may run while workers do, and as often as you like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// Redis, the workers and the targets.
    Surface,
    /// Also every record in Redis: nothing is lost, all is counted once.
    Records,
    /// The records are repaired first.
    Repair,
}

/// What an examination found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Examination {
    /// No check came out bad.
    pub healthy: bool,
    /// What was mended before the checks, or could not be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub repairs: Vec<Mend>,
    /// The checks, in the order in which they were made.
    pub checks: Vec<Check>,
    /// Redis answered. If it did not, nothing in it was looked at.
    #[serde(skip)]
    pub redis_answers: bool,
}

impl<'a> Doctor<'a> {
    pub(crate) const fn new(ops: &'a Ops, redis: &'a RedisConfig) -> Self {
        Self { ops, redis }
    }

    /// Makes the checks. A Redis that cannot be reached is a check that comes out bad.
    ///
    /// # Errors
    /// When Redis answers at first and cannot be asked later.
    pub async fn examine(&self, depth: Depth) -> Result<Examination, OpsError> {
        let Self { ops, redis } = self;
        let mut checks = vec![configuration(ops.targets.len())];
        if let Err(error) = ops.queue.ping().await {
            let remedy = "see redis.url; is it started, reachable, and are the credentials right?";
            checks.push(Check::bad("redis", error.to_string(), remedy));
            return Ok(Examination { redis_answers: false, ..Examination::new(checks, Vec::new()) });
        }
        checks.extend(redis::checks(&ops.queue, redis).await?);
        if checks.iter().any(|check| check.name == CLUSTER && check.level == Level::Bad) {
            // Half a cluster does not say how the queue stands.
            return Ok(Examination::new(checks, Vec::new()));
        }
        checks.push(workers::check(ops).await?);
        for target in &*ops.targets {
            checks.extend(targets::checks(&ops.queue, target).await?);
        }
        let mut repairs = Vec::new();
        if depth >= Depth::Repair {
            repairs = targets::repair(ops).await?;
            repairs.extend(functions::repair(&ops.queue).await?);
        }
        checks.push(functions::check(&ops.queue).await);
        if depth >= Depth::Records {
            checks.extend(targets::deep(&ops.queue, &ops.identities()).await?);
        }
        Ok(Examination::new(checks, repairs))
    }

    /// What a worker should warn of when it starts: a Redis that may forget what it was given.
    /// Nothing while Redis is away.
    pub async fn concerns(&self) -> Vec<Check> {
        let checks = redis::checks(&self.ops.queue, self.redis).await.unwrap_or_default();
        checks.into_iter().filter(|check| check.level != Level::Good).collect()
    }
}

fn configuration(targets: usize) -> Check {
    match targets {
        0 => Check::warning("configuration", "no targets", "add one under [targets.NAME]"),
        some => Check::good("configuration", format!("{some} targets")),
    }
}

impl Examination {
    fn new(checks: Vec<Check>, repairs: Vec<Mend>) -> Self {
        let healthy = checks.iter().all(|check| check.level != Level::Bad);
        Self { healthy, repairs, checks, redis_answers: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_check_makes_examination_unhealthy() {
        let (good, warning) = (Check::good("a", "x"), Check::warning("b", "y", "do z"));
        assert!(Examination::new(vec![good.clone(), warning.clone()], Vec::new()).healthy);
        let bad = Check::bad("c", "y", "do z");
        assert_eq!(bad.to_string(), "c: y - do z");
        assert!(!Examination::new(vec![good, warning, bad], Vec::new()).healthy);
    }

    #[test]
    fn configuration_without_targets_is_a_warning() {
        assert_eq!(configuration(0).level, Level::Warning);
        assert_eq!(configuration(2), Check::good("configuration", "2 targets"));
    }
}
