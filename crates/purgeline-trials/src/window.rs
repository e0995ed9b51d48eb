//! Sliding windows over the arrival times in a simulator's log.

use purgeline_sim::CallRecord;
use serde::{Deserialize, Serialize};

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    Calls,
    Items,
}

/// The most that may arrive in any window of a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Limit {
    pub(crate) unit: Unit,
    pub(crate) max: u64,
    pub(crate) window_ms: u64,
}

/// The share of a limit that was used, while there was work for all of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Use {
    pub(crate) percent: f64,
    /// How long that was.
    pub(crate) over_s: f64,
}

/// One arrival: when, in ns, and how much it counts.
type Arrival = (u64, u64);

impl Limit {
    fn arrivals<'a>(&self, calls: impl IntoIterator<Item = &'a CallRecord>) -> Vec<Arrival> {
        let weight = |call: &CallRecord| match self.unit {
            Unit::Calls => 1,
            Unit::Items => call.items.len() as u64,
        };
        calls.into_iter().map(|call| (call.arrived_ns, weight(call))).collect()
    }

    const fn window_ns(&self) -> u64 {
        self.window_ms * 1_000_000
    }

    /// The most that arrived in any window of this length. The window is half open: what arrived
    /// exactly one window ago has left it, as at the providers' simulators.
    pub(crate) fn worst<'a>(&self, calls: impl IntoIterator<Item = &'a CallRecord>) -> u64 {
        worst(&self.arrivals(calls), self.window_ns())
    }

    /// What was used of this limit by calls that worked off a backlog of so many windows' worth,
    /// at least three. Without the first window's worth, in which the workers come up, and the
    /// last, in which nothing is left to do: from the call that comes after the first `max` to the
    /// one that comes after all but the last `max` of the backlog, how long it took and how long it
    /// takes at best. `None` if not so much arrived.
    pub(crate) fn used<'a>(
        &self,
        calls: impl IntoIterator<Item = &'a CallRecord>,
        worth: u64,
    ) -> Option<Use> {
        let arrivals = self.arrivals(calls);
        let after = |count: u64| {
            let mut sum = 0;
            arrivals.iter().find_map(|&(at, weight)| {
                let before = sum;
                sum += weight;
                (before >= count).then_some((at, before))
            })
        };
        let ((from, first), (to, last)) = (after(self.max)?, after((worth - 1) * self.max)?);
        let took_ns = to.checked_sub(from).filter(|took| *took > 0)?;
        #[expect(
            clippy::cast_precision_loss,
            reason = "a share of some thousand calls in some minutes of ns"
        )]
        let (done, took_ns) = ((last - first) as f64 / self.max as f64, took_ns as f64);
        #[expect(clippy::cast_precision_loss, reason = "some minutes in ns")]
        let best_ns = done * self.window_ns() as f64;
        Some(Use { percent: 100.0 * best_ns / took_ns, over_s: took_ns / 1e9 })
    }
}

fn worst(arrivals: &[Arrival], window_ns: u64) -> u64 {
    let (mut oldest, mut sum, mut worst) = (0, 0, 0);
    for &(at, weight) in arrivals {
        sum += weight;
        while at - arrivals[oldest].0 >= window_ns {
            sum -= arrivals[oldest].1;
            oldest += 1;
        }
        worst = worst.max(sum);
    }
    worst
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use purgeline_sim::{CallKind, Item, ItemRecord};
    use rand::{RngExt, SeedableRng, rngs::StdRng};
    use std::collections::BTreeMap;

    pub(crate) fn call(at_ns: u64, items: &[&str]) -> CallRecord {
        CallRecord {
            seq: 0,
            arrived_ns: at_ns,
            arrived_ms: i64::try_from(at_ns / 1_000_000).unwrap(),
            kind: CallKind::Purge,
            endpoint: "POST /purge".into(),
            items: items.iter().map(|name| ItemRecord { item: Item::url(name), accepted: None }).collect(),
            options: BTreeMap::new(),
            limited: false,
            fault: None,
            held: false,
            outcome: None,
        }
    }

    const CALLS: Limit = Limit { unit: Unit::Calls, max: 2, window_ms: 1_000 };
    const ITEMS: Limit = Limit { unit: Unit::Items, max: 3, window_ms: 1_000 };
    const MS: u64 = 1_000_000;

    #[test]
    fn a_window_is_seen_wherever_it_begins() {
        let calls: Vec<_> = [0, 900, 1_100, 1_899, 1_900].map(|at| call(at * MS, &["a", "b"])).into();
        assert_eq!(CALLS.worst(&calls), 3, "900, 1,100 and 1,899; at 1,900 the first has left");
        assert_eq!(ITEMS.worst(&calls), 6);
        assert_eq!(CALLS.worst(&calls[..1]), 1);
        assert_eq!(CALLS.worst([]), 0);
    }

    #[test]
    fn it_is_what_the_definition_says() {
        let mut random = StdRng::seed_from_u64(1);
        for _ in 0..200 {
            let mut at = 0;
            let arrivals: Vec<Arrival> = (0..60)
                .map(|_| {
                    at += random.random_range(0..40);
                    (at, random.random_range(1..5))
                })
                .collect();
            let from = |start: u64| {
                let inside = arrivals.iter().filter(|(at, _)| (start..start + 100).contains(at));
                inside.map(|(_, weight)| weight).sum::<u64>()
            };
            assert_eq!(worst(&arrivals, 100), (0..=at).map(from).max().unwrap());
        }
    }

    #[test]
    fn all_of_a_limit_is_a_hundred_percent_however_the_calls_stand_in_the_window() {
        let even: Vec<_> = (0..20).map(|at| call(at * 500 * MS, &["a"])).collect();
        let bursts: Vec<_> = (0..20).map(|at| call(at / 2 * 1_000 * MS, &["a"])).collect();
        for calls in [even, bursts] {
            let used = CALLS.used(&calls, 10).unwrap();
            assert!((used.percent - 100.0).abs() < 1e-9 && (used.over_s - 8.0).abs() < 1e-9, "{used:?}");
        }
        let slow: Vec<_> = (0..20).map(|at| call(at * 1_000 * MS, &["a"])).collect();
        assert!((CALLS.used(&slow, 10).unwrap().percent - 50.0).abs() < 1e-9);
        assert_eq!(CALLS.used(&slow[..15], 10), None, "the backlog was not worked off");
    }
}
