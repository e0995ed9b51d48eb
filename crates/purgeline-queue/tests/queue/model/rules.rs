//! The limits under which a case runs.

use crate::bed::count;
use purgeline_core::{CallLimits, Kind, Limits, Quota, Rate, RateUnit};
use purgeline_queue::{BreakerPolicy, LeasePolicy, PollPolicy};
use std::collections::BTreeMap;

use super::step::LEASE_MS;

/// How long a part-full chunk waits for company, in ms.
pub(crate) const LINGER_MS: i64 = 100;
/// How long a worker has to ask about a batch, in ms.
pub(crate) const POLL_LEASE_MS: u64 = 500;
/// When the breaker opens, and how often it tries.
pub(crate) const BREAKER: BreakerPolicy = BreakerPolicy { failures: 2, probe_ms: 95, max_probe_ms: 300 };
/// Batches of one question.
pub(crate) const POLLED: usize = 2;
/// What part of a quota only urgent items may use.
pub(crate) const RESERVE_PERCENT: usize = 25;
/// How much longer windows are kept, in ms.
pub(crate) const HEADROOM_MS: u64 = 10;

/// With so many that wait nothing rebounds: more than there are names and times.
const MOST_REBOUND: u64 = 100_000;

pub(crate) struct Rules {
    pub(crate) limits: Limits,
    /// A call has one host.
    pub(crate) by_host: bool,
    /// Lanes are apart by host.
    pub(crate) lanes_by_host: bool,
    /// The provider refuses what it still works on.
    pub(crate) one_at_a_time: bool,
    /// What was purged is purged once more after so many ms.
    pub(crate) rebound_ms: Option<i64>,
    pub(crate) policy: LeasePolicy,
    pub(crate) poll_policy: PollPolicy,
}

impl Rules {
    fn new(limits: Limits, by_host: bool) -> Self {
        let lease_ms = u64::try_from(LEASE_MS).unwrap();
        let linger_ms = u64::try_from(LINGER_MS).unwrap();
        let polled = u32::try_from(POLLED).unwrap();
        Self {
            policy: LeasePolicy::new(&limits, linger_ms, lease_ms, HEADROOM_MS),
            poll_policy: PollPolicy::new(&limits, polled, POLL_LEASE_MS, HEADROOM_MS),
            limits,
            by_host,
            lanes_by_host: by_host,
            one_at_a_time: false,
            rebound_ms: None,
        }
    }

    /// The provider refuses what it still works on.
    pub(crate) fn one_at_a_time() -> Self {
        let rules = Self::plain().rebounding(130);
        Self { policy: rules.policy.not_while_open(true), one_at_a_time: true, ..rules }
    }

    /// One kind a call.
    pub(crate) fn plain() -> Self {
        let of_kind = [(Kind::Url, count(3)), (Kind::Dir, count(2)), (Kind::Resource, count(1))];
        let call = CallLimits {
            max_items: count(3),
            max_of_kind: BTreeMap::from(of_kind),
            mix_kinds: false,
            max_hosts: None,
            max_bytes: None,
        };
        Self::new(
            Limits { call, rates: Vec::new(), max_in_flight: count(3), max_tasks: None, quotas: Vec::new() },
            false,
        )
    }

    /// All kinds in a call, one host.
    pub(crate) fn mixed() -> Self {
        let mut limits = Self::plain().limits;
        limits.call.mix_kinds = true;
        limits.call.max_items = count(4);
        limits.call.max_hosts = Some(count(1));
        limits.max_in_flight = count(2);
        Self::new(limits, true).rebounding(90)
    }

    fn rebounding(self, ms: u32) -> Self {
        Self { policy: self.policy.rebound(ms.into(), MOST_REBOUND), rebound_ms: Some(ms.into()), ..self }
    }

    /// Windows over calls, items and dirs.
    pub(crate) fn rated() -> Self {
        let mut limits = Self::plain().limits;
        limits.call.mix_kinds = true;
        limits.rates = [(RateUnit::Calls, 3, 300), (RateUnit::Items, 5, 400), (RateUnit::Dirs, 1, 700)]
            .map(|(unit, max, window_ms)| Rate {
                unit,
                max: count(max),
                window_ms: u64::try_into(window_ms).unwrap(),
            })
            .to_vec();
        Self::new(limits, false)
    }

    /// Quotas of the day, of which a quarter is kept for urgent items, and few tasks at the provider.
    pub(crate) fn quotas() -> Self {
        let mut limits = Self::plain().limits;
        let quota = |kind, max, per_host| Quota {
            kind,
            max: Some(count(max)),
            day_utc_offset_hours: 8,
            per_host,
            configured: false,
        };
        limits.quotas = vec![
            quota(Some(Kind::Url), 8, false),
            quota(Some(Kind::Dir), 4, false),
            quota(Some(Kind::Dir), 3, true),
            quota(None, 10, false),
        ];
        limits.max_tasks = Some(count(5));
        let rules = Self::new(limits, false);
        let policy = rules.policy.reserve_percent(u8::try_from(RESERVE_PERCENT).unwrap());
        Self { policy, lanes_by_host: true, ..rules }
    }

    pub(crate) fn max_tasks(&self) -> usize {
        self.limits.max_tasks.map_or(usize::MAX, |max| max.get() as usize)
    }

    pub(crate) fn max_in_flight(&self) -> usize {
        self.limits.max_in_flight.get() as usize
    }

    /// How long it may take until something moves again, in ms.
    pub(crate) fn patience_ms(&self) -> i64 {
        if self.limits.quotas.is_empty() { 350 } else { 20_000_000 }
    }

    /// What a window counts of a call.
    pub(crate) fn counted(unit: RateUnit, kinds: &BTreeMap<Kind, usize>) -> usize {
        let of = |kind| kinds.get(&kind).copied().unwrap_or_default();
        match unit {
            RateUnit::Calls => 1,
            RateUnit::Items => kinds.values().sum(),
            RateUnit::Urls => of(Kind::Url),
            RateUnit::Dirs => of(Kind::Dir),
            RateUnit::Polls => 0,
        }
    }
}
