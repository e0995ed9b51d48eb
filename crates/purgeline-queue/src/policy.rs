use jiff::Timestamp;
use purgeline_core::{
    Descriptor, Kind, Limits, Quota, QuotaDay, Rate, RateUnit,
    config::{TargetConfig, WorkerConfig},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// What the lease script decides by: a target's limits in the form that it reads.
///
/// Made once for each target; the script gets its JSON with each call.
#[derive(Clone, Debug, Serialize)]
pub struct LeasePolicy {
    max_items: u32,
    max_of_kind: BTreeMap<Kind, u32>,
    mix_kinds: bool,
    max_hosts: u32,
    max_bytes: u32,
    max_in_flight: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tasks: Option<u32>,
    rates: Vec<NamedRate>,
    linger_ms: u64,
    lease_ms: u64,
    headroom_ms: u64,
    not_while_open: bool,
    /// Milliseconds and the most items that may wait, as rebound.lua reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    rebound: Option<String>,
    /// Their days are known only when a script is called.
    #[serde(skip)]
    quotas: QuotaPolicy,
}

/// What the scripts know of an account's quotas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuotaPolicy {
    quotas: Vec<Quota>,
    reserve_percent: u8,
}

/// A quota with the days that it may be now.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct DatedQuota {
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<Kind>,
    pub(crate) per_host: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max: Option<u32>,
    pub(crate) configured: bool,
    pub(crate) reserve_percent: u8,
    pub(crate) days: Vec<QuotaDay>,
}

#[derive(Serialize)]
struct DatedPolicy<'a> {
    #[serde(flatten)]
    policy: &'a LeasePolicy,
    quotas: Vec<DatedQuota>,
}

/// What the poll script decides by.
#[derive(Clone, Debug, Serialize)]
pub struct PollPolicy {
    batches: u32,
    lease_ms: u64,
    rates: Vec<NamedRate>,
    headroom_ms: u64,
}

#[derive(Clone, Debug, Serialize)]
struct NamedRate {
    name: String,
    unit: RateUnit,
    max: u32,
    window_ms: u64,
}

impl LeasePolicy {
    /// The policy of a configured target, for workers of this configuration.
    #[must_use]
    pub fn of(descriptor: &Descriptor, target: &TargetConfig, worker: &WorkerConfig) -> Self {
        let limits = &descriptor.limits;
        let mut policy = Self::new(limits, target.linger_ms, worker.lease_ms.get(), worker.headroom_ms)
            .not_while_open(descriptor.rules.not_while_open);
        policy.quotas = QuotaPolicy::of(descriptor, target);
        if let Some(after_ms) = target.rebound_ms {
            policy = policy.rebound(after_ms.get(), target.max_pending_items.get());
        }
        policy
    }

    /// The policy of a target: `linger_ms` is how long a part-full chunk waits for company,
    /// `lease_ms` how long a leased batch belongs to its worker, `headroom_ms` by how much
    /// windows are kept longer than the provider's.
    #[must_use]
    pub fn new(limits: &Limits, linger_ms: u64, lease_ms: u64, headroom_ms: u64) -> Self {
        Self {
            max_items: limits.call.max_items.get(),
            max_of_kind: limits.call.max_of_kind.iter().map(|(&kind, max)| (kind, max.get())).collect(),
            mix_kinds: limits.call.mix_kinds,
            max_hosts: limits.call.max_hosts.map_or(u32::MAX, std::num::NonZeroU32::get),
            max_bytes: limits.call.max_bytes.map_or(0, std::num::NonZeroU32::get),
            max_in_flight: limits.max_in_flight.get(),
            max_tasks: limits.max_tasks.map(std::num::NonZeroU32::get),
            rates: named(&limits.rates, |unit| unit != RateUnit::Polls),
            linger_ms,
            lease_ms,
            headroom_ms,
            not_while_open: false,
            rebound: None,
            quotas: QuotaPolicy::new(limits, 0),
        }
    }

    /// What part of each day's quota, in percent, only urgent items may use. At first none.
    #[must_use]
    pub fn reserve_percent(mut self, percent: u8) -> Self {
        self.quotas.reserve_percent = percent;
        self
    }

    /// The policy as the JSON that the script reads, with the days around a time.
    pub(crate) fn on_day(&self, now: Timestamp) -> String {
        json(&DatedPolicy { policy: self, quotas: self.quotas.on_day(now) })
    }

    /// Whether an item that an open batch holds waits until that has settled.
    #[must_use]
    pub const fn not_while_open(mut self, not: bool) -> Self {
        self.not_while_open = not;
        self
    }

    /// An item that was purged is purged again after so many milliseconds, unless somebody has
    /// asked for it by then or `most_pending` items wait.
    #[must_use]
    pub fn rebound(mut self, after_ms: u64, most_pending: u64) -> Self {
        self.rebound = Some(format!("{after_ms} {most_pending}"));
        self
    }
}

impl QuotaPolicy {
    /// The quotas of a configured target.
    #[must_use]
    pub fn of(descriptor: &Descriptor, target: &TargetConfig) -> Self {
        Self::new(&descriptor.limits, target.limits.quota_reserve_percent.get())
    }

    /// The quotas of a target's limits, of which `reserve_percent` is kept for urgent items.
    #[must_use]
    pub fn new(limits: &Limits, reserve_percent: u8) -> Self {
        Self { quotas: limits.quotas.clone(), reserve_percent }
    }

    pub(crate) fn on_day(&self, now: Timestamp) -> Vec<DatedQuota> {
        let dated = |quota: &Quota| DatedQuota {
            name: quota.name(),
            kind: quota.kind,
            per_host: quota.per_host,
            max: quota.max.map(std::num::NonZeroU32::get),
            configured: quota.configured,
            reserve_percent: self.reserve_percent,
            days: quota.days_around(now),
        };
        self.quotas.iter().map(dated).collect()
    }
}

impl DatedQuota {
    /// The day that it is, by Redis's time; `None` if this machine's clock is days off.
    pub(crate) fn today(&self, now_ms: i64) -> Option<&QuotaDay> {
        self.days.iter().find(|day| (day.from_ms..day.till_ms).contains(&now_ms))
    }
}

impl PollPolicy {
    /// The policy of a configured target, for workers of this configuration; `None` where the
    /// provider cannot be polled.
    #[must_use]
    pub fn of(descriptor: &Descriptor, worker: &WorkerConfig) -> Option<Self> {
        let batches = descriptor.polls?.batches_per_call.get();
        Some(Self::new(&descriptor.limits, batches, worker.lease_ms.get(), worker.headroom_ms))
    }

    /// The policy of a target: at most `batches` a question; `lease_ms` is how long a worker has
    /// for it before another asks instead.
    #[must_use]
    pub fn new(limits: &Limits, batches: u32, lease_ms: u64, headroom_ms: u64) -> Self {
        Self { batches, lease_ms, rates: named(&limits.rates, |unit| unit == RateUnit::Polls), headroom_ms }
    }
}

fn named(rates: &[Rate], wanted: impl Fn(RateUnit) -> bool) -> Vec<NamedRate> {
    rates
        .iter()
        .filter(|rate| wanted(rate.unit))
        .map(|rate| NamedRate {
            name: rate.name(),
            unit: rate.unit,
            max: rate.max.get(),
            window_ms: rate.window_ms.get(),
        })
        .collect()
}

/// A value as the JSON text that a script reads.
pub(crate) fn json(policy: &impl Serialize) -> String {
    // Numbers, strings and maps with string keys always serialise.
    serde_json::to_string(policy).unwrap_or_default()
}
