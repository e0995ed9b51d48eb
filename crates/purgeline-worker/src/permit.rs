use purgeline_core::{Limits, RateUnit};
use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;
use tracing::warn;

/// Batches given back one after the other before one is sent all the same: where everything is
/// slow, a refusal now and then is better than standing still.
const GIVEN_BACK: u32 = 2;

/// The leave to make a call now: to send a batch, or to ask about some. It is counted in the fleet's windows as of the moment that Redis
/// gave it; who sends much later may meet calls at the provider whose permits are younger.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Permit {
    asked: Instant,
}

/// Tells whether this process is still in time for what it was permitted.
#[derive(Debug)]
pub(crate) struct Permits {
    /// Past this age a permit is too old.
    good_for: Duration,
    /// So long after it was asked for, the batch belongs to another worker.
    lease: Duration,
    /// The quickest answer of Redis so far. All answers take that long, so it makes no
    /// difference between calls.
    quickest: Mutex<Duration>,
    given_back: AtomicU32,
}

impl Permits {
    /// Permits for calls that purge.
    pub(crate) fn to_purge(limits: &Limits, lease_ms: u64, headroom_ms: u64) -> Self {
        Self::new(limits.rates.iter().any(|rate| rate.unit != RateUnit::Polls), lease_ms, headroom_ms)
    }

    /// Permits for questions how a batch fares, which have windows of their own.
    pub(crate) fn to_ask(limits: &Limits, lease_ms: u64, headroom_ms: u64) -> Self {
        Self::new(limits.rates.iter().any(|rate| rate.unit == RateUnit::Polls), lease_ms, headroom_ms)
    }

    /// Half of the head room is for delays in this process, the other half for the wire.
    fn new(rated: bool, lease_ms: u64, headroom_ms: u64) -> Self {
        let lease = Duration::from_millis(lease_ms);
        let good_for = if rated { lease.min(Duration::from_millis(headroom_ms) / 2) } else { lease };
        Self { good_for, lease, quickest: Mutex::new(Duration::MAX), given_back: AtomicU32::new(0) }
    }

    /// Redis has answered now who asked for it then.
    pub(crate) fn granted(&self, asked: Instant, now: Instant) -> Permit {
        let mut quickest = self.quickest.lock().unwrap_or_else(PoisonError::into_inner);
        *quickest = now.duration_since(asked).min(*quickest);
        Permit { asked }
    }

    /// Whether the batch may be sent now; if not it is to be given back.
    pub(crate) fn still_good(&self, permit: Permit, now: Instant) -> bool {
        let quickest = *self.quickest.lock().unwrap_or_else(PoisonError::into_inner);
        let since_asked = now.duration_since(permit.asked);
        if since_asked >= self.lease {
            return false;
        }
        let age = since_asked.saturating_sub(quickest);
        if age < self.good_for {
            self.given_back.store(0, Ordering::Relaxed);
            return true;
        }
        if self.given_back.fetch_add(1, Ordering::Relaxed) < GIVEN_BACK {
            return false;
        }
        self.given_back.store(0, Ordering::Relaxed);
        warn!(
            age_ms = age.as_millis(),
            good_for_ms = self.good_for.as_millis(),
            "this machine or Redis is too slow for worker.headroom_ms: sending late, the provider may count too many calls"
        );
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use purgeline_core::{CallLimits, Rate};
    use std::num::{NonZeroU32, NonZeroU64};

    fn limits(unit: Option<RateUnit>) -> Limits {
        let one = NonZeroU32::MIN;
        let call = CallLimits {
            max_items: one,
            max_of_kind: [(purgeline_core::Kind::Url, one)].into(),
            mix_kinds: false,
            max_hosts: None,
            max_bytes: None,
        };
        let rate = |unit| Rate { unit, max: one, window_ms: NonZeroU64::new(1_000).unwrap() };
        Limits {
            call,
            rates: unit.map(rate).into_iter().collect(),
            max_in_flight: one,
            max_tasks: None,
            quotas: Vec::new(),
        }
    }

    fn rated() -> Permits {
        Permits::to_purge(&limits(Some(RateUnit::Calls)), 1_000, 100)
    }

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_permit_is_good_for_half_the_head_room() {
        let (permits, start) = (rated(), Instant::now());
        let permit = permits.granted(start, start);
        assert!(permits.still_good(permit, start + ms(49)));
        assert!(!permits.still_good(permit, start + ms(50)));
    }

    #[test]
    fn what_every_answer_of_redis_takes_does_not_count() {
        let (permits, start) = (rated(), Instant::now());
        let permit = permits.granted(start, start + ms(200));
        assert!(permits.still_good(permit, start + ms(249)));
        assert!(!permits.still_good(permit, start + ms(250)));
    }

    #[test]
    fn where_all_is_slow_every_third_goes_all_the_same_while_its_lease_lasts() {
        let (permits, start) = (rated(), Instant::now());
        let permit = permits.granted(start, start);
        for may_go in [false, false, true, false, false, true] {
            assert_eq!(permits.still_good(permit, start + ms(999)), may_go);
        }
        for _ in 0..4 {
            assert!(!permits.still_good(permit, start + ms(1_000)), "another worker has it");
        }
    }

    #[test]
    fn without_rates_only_the_lease_counts() {
        let (permits, start) = (Permits::to_purge(&limits(None), 1_000, 100), Instant::now());
        let permit = permits.granted(start, start);
        assert!(permits.still_good(permit, start + ms(999)));
        assert!(!permits.still_good(permit, start + ms(1_000)));
    }

    #[test]
    fn questions_and_purges_have_windows_of_their_own() {
        let start = Instant::now();
        for (unit, purge_in_time, question_in_time) in
            [(RateUnit::Items, false, true), (RateUnit::Polls, true, false)]
        {
            let limits = limits(Some(unit));
            let (purges, questions) =
                (Permits::to_purge(&limits, 1_000, 100), Permits::to_ask(&limits, 1_000, 100));
            let late = |permits: &Permits| permits.still_good(permits.granted(start, start), start + ms(500));
            assert_eq!((late(&purges), late(&questions)), (purge_in_time, question_in_time), "{unit:?}");
        }
    }
}
