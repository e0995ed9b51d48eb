//! All targets, the workers and the last events, in one snapshot after another.

use crate::{Ops, OpsError, ops::quota_policy, workers::works_for};
use purgeline_providers::ConfiguredTarget;
use purgeline_queue::{Hold, Queue, QuotaUse, RateUse, Snapshot, TargetSnapshot, Watched};

/// Looks at everything again and again; see [`Ops::watch`].
#[derive(Clone, Debug)]
pub struct Watch {
    queue: Queue,
    targets: Vec<Watched>,
    events: usize,
}

/// What keeps a target from sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetState<'a> {
    /// It is held; the first of its holds.
    Held(&'a Hold),
    /// No worker works for it.
    NoWorker,
    /// Nothing.
    Works,
}

impl Watch {
    pub(crate) fn new(ops: &Ops, events: usize) -> Self {
        Self { queue: ops.queue.clone(), targets: ops.targets.iter().map(watched).collect(), events }
    }

    /// How everything stands now.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn look(&self) -> Result<Snapshot, OpsError> {
        Ok(self.queue.inspect().watch(&self.targets, self.events).await?)
    }
}

fn watched(configured: &ConfiguredTarget) -> Watched {
    Watched {
        target: configured.target.clone(),
        rates: configured.descriptor.limits.rates.clone(),
        quotas: quota_policy(configured),
    }
}

impl<'a> TargetState<'a> {
    /// That of a target of a snapshot.
    #[must_use]
    pub fn of(snapshot: &'a Snapshot, target: &'a TargetSnapshot) -> Self {
        match target.stats.holds.first() {
            Some(hold) => Self::Held(hold),
            None if works_for(&snapshot.workers, &target.target) => Self::Works,
            None => Self::NoWorker,
        }
    }
}

/// The limit that is nearest to being used up; the first of equals.
#[must_use]
pub fn tightest_rate(rates: &[RateUse]) -> Option<&RateUse> {
    // Compared crosswise, since shares are no whole numbers.
    rates.iter().reduce(
        |nearest, rate| {
            if rate.used * nearest.max > nearest.used * rate.max { rate } else { nearest }
        },
    )
}

/// The day's quota that is nearest to being spent, and what it has left; the first of equals.
#[must_use]
pub fn scarcest_quota(quotas: &[QuotaUse]) -> Option<(&QuotaUse, u64)> {
    let bounded = quotas.iter().filter_map(|quota| Some((quota, quota.left?, quota.max?)));
    let nearest = bounded.reduce(|nearest, quota| {
        let (shares_of_nearest, shares) = (nearest.1 * quota.2, quota.1 * nearest.2);
        if shares < shares_of_nearest { quota } else { nearest }
    });
    nearest.map(|(quota, left, _)| (quota, left))
}

#[cfg(test)]
mod tests {
    use super::*;
    use purgeline_queue::{TargetStats, WorkerInfo};

    #[test]
    fn hold_comes_before_missing_worker_in_target_state() {
        let worker = WorkerInfo {
            name: "host-a-1".into(),
            version: "0.1.0".into(),
            library: String::new(),
            pid: 1,
            targets: vec!["www".parse().unwrap()],
            since_ms: 0,
            seen_ms: 0,
        };
        let snapshot = Snapshot { workers: vec![worker], ..Snapshot::default() };
        let hold =
            Hold { name: "paused".into(), until_ms: None, since_ms: 0, by: None, why: "by-hand".into() };
        let target = |name: &str, holds: &[&Hold]| TargetSnapshot {
            target: name.to_owned(),
            stats: TargetStats {
                holds: holds.iter().map(|hold| (*hold).clone()).collect(),
                ..TargetStats::default()
            },
            rates: Vec::new(),
            quotas: Vec::new(),
        };
        for (name, holds, state) in [
            ("www", vec![], TargetState::Works),
            ("static", vec![], TargetState::NoWorker),
            ("www", vec![&hold], TargetState::Held(&hold)),
            ("static", vec![&hold], TargetState::Held(&hold)),
        ] {
            assert_eq!(TargetState::of(&snapshot, &target(name, &holds)), state, "{name}");
        }
    }

    #[test]
    fn tightest_rate_has_the_biggest_share_used() {
        let rate = |name: &str, used, max| RateUse {
            rate: name.to_owned(),
            used,
            max,
            window_ms: 1000,
            frees_ms: None,
        };
        let rates = [rate("calls", 20, 80), rate("items", 200, 240), rate("equal", 100, 120)];
        assert_eq!(tightest_rate(&rates).map(|rate| rate.rate.as_str()), Some("items"));
        assert_eq!(tightest_rate(&[]), None);
    }

    #[test]
    fn scarcest_quota_has_the_smallest_share_left() {
        let quota = |name: &str, left: Option<u64>, max: Option<u64>| QuotaUse {
            name: name.to_owned(),
            kind: None,
            host: None,
            day: "2026-11-22".to_owned(),
            turns_ms: 0,
            max,
            reserve: 0,
            spent: 0,
            left,
            told_ms: None,
            rate: None,
            ends_ms: None,
        };
        let quotas = [
            quota("dirs", Some(900), Some(1_000)),
            quota("urls", Some(5_000), Some(200_000)),
            quota("unbounded", None, None),
        ];
        let scarcest = scarcest_quota(&quotas).map(|(quota, left)| (quota.name.as_str(), left));
        assert_eq!(scarcest, Some(("urls", 5_000)));
        assert_eq!(scarcest_quota(&quotas[2..]), None);
    }
}
