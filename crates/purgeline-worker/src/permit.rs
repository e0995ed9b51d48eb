use purgeline_core::{Limits, RateUnit};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// Permits that come too late one after the other before the fleet's head room is widened: the
/// first may be an accident.
const ACCIDENTS: u32 = 2;

/// The leave to make a call now: to send a batch, or to ask about some. It is counted in the
/// fleet's windows as of the moment that Redis gave it; who sends much later may meet calls at the
/// provider whose permits are younger.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Permit {
    asked: Instant,
    good_for: Duration,
}

/// Whether a permit may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InTime {
    Yes,
    /// It came too late, and is to be given back.
    No,
    /// The same, and that is the rule here: with this head room, in milliseconds, it would have been
    /// in time.
    Never {
        headroom_ms: u64,
    },
}

/// Tells whether this process is still in time for what it was permitted. A late permit is never
/// used: where everything is slow the fleet's head room grows, and its calls become fewer.
#[derive(Debug)]
pub(crate) struct Permits {
    /// Whether there are windows to keep.
    rated: bool,
    /// So long after it was asked for, the batch belongs to another worker.
    lease: Duration,
    /// What of the head room is for the way to the provider: half of the configured one.
    wire: Duration,
    late: Mutex<Late>,
}

/// Permits that came too late, one after the other.
#[derive(Clone, Copy, Debug, Default)]
struct Late {
    count: u32,
    /// The least age at which one of them would have been used.
    least: Duration,
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

    fn new(rated: bool, lease_ms: u64, headroom_ms: u64) -> Self {
        let lease = Duration::from_millis(lease_ms);
        Self { rated, lease, wire: Duration::from_millis(headroom_ms) / 2, late: Mutex::default() }
    }

    /// One that was asked for then, and is good by this head room: what is not for the way to the
    /// provider is for the way from Redis and for this process.
    pub(crate) fn granted(&self, asked: Instant, headroom_ms: u64) -> Permit {
        let here = Duration::from_millis(headroom_ms).saturating_sub(self.wire);
        Permit { asked, good_for: if self.rated { here.min(self.lease) } else { self.lease } }
    }

    /// Whether the call may be made now.
    pub(crate) fn in_time(&self, permit: Permit, now: Instant) -> InTime {
        let age = now.duration_since(permit.asked);
        if age >= self.lease {
            return InTime::No;
        }
        // Nothing that panics is done under the lock.
        let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        if age < permit.good_for {
            *late = Late::default();
            return InTime::Yes;
        }
        late.least = if late.count == 0 { age } else { age.min(late.least) };
        late.count += 1;
        if late.count <= ACCIDENTS {
            return InTime::No;
        }
        let Late { least, .. } = std::mem::take(&mut *late);
        // The next ones may need somewhat more.
        let needed = (least.saturating_mul(3) / 2).saturating_add(self.wire).min(self.lease);
        // Rounded up: a head room of less than a millisecond would be none, and nothing would ever go.
        InTime::Never { headroom_ms: u64::try_from(needed.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX) }
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
        let permit = permits.granted(start, 100);
        assert_eq!(permits.in_time(permit, start + ms(49)), InTime::Yes);
        assert_eq!(permits.in_time(permit, start + ms(50)), InTime::No);
    }

    #[test]
    fn where_all_come_too_late_the_head_room_is_to_grow_and_none_is_used() {
        let (permits, start) = (rated(), Instant::now());
        let permit = permits.granted(start, 100);
        for _ in 0..2 {
            let ages = [80, 60, 70].map(|age| permits.in_time(permit, start + ms(age)));
            assert_eq!(ages, [InTime::No, InTime::No, InTime::Never { headroom_ms: 140 }]);
        }
        // By that head room it would have gone.
        assert_eq!(permits.in_time(permits.granted(start, 140), start + ms(80)), InTime::Yes);
        // No head room is longer than a lease.
        let ages = [700, 800, 900].map(|age| permits.in_time(permit, start + ms(age)));
        assert_eq!(ages[2], InTime::Never { headroom_ms: 1_000 });
        for _ in 0..4 {
            assert_eq!(permits.in_time(permit, start + ms(1_000)), InTime::No, "another worker has it");
        }
    }

    #[test]
    fn the_head_room_that_is_asked_for_is_enough_however_small() {
        for (headroom_ms, age) in [(0, 1), (0, 400), (1, 600), (1, 999), (40, 20_001)] {
            let permits = Permits::to_purge(&limits(Some(RateUnit::Calls)), 1_000, headroom_ms);
            let (start, age) = (Instant::now(), Duration::from_micros(age));
            let permit = permits.granted(start, headroom_ms);
            let [.., InTime::Never { headroom_ms }] = [0; 3].map(|_| permits.in_time(permit, start + age))
            else {
                panic!("late three times in a row")
            };
            assert_eq!(permits.in_time(permits.granted(start, headroom_ms), start + age), InTime::Yes);
        }
    }

    #[test]
    fn one_in_time_makes_those_before_it_accidents() {
        let (permits, start) = (rated(), Instant::now());
        let permit = permits.granted(start, 100);
        let ages = [50, 50, 0, 50, 50].map(|age| permits.in_time(permit, start + ms(age)));
        assert_eq!(ages, [InTime::No, InTime::No, InTime::Yes, InTime::No, InTime::No]);
    }

    #[test]
    fn without_rates_only_the_lease_counts() {
        let (permits, start) = (Permits::to_purge(&limits(None), 1_000, 100), Instant::now());
        let permit = permits.granted(start, 100);
        assert_eq!(permits.in_time(permit, start + ms(999)), InTime::Yes);
        assert_eq!(permits.in_time(permit, start + ms(1_000)), InTime::No);
    }

    #[test]
    fn questions_and_purges_have_windows_of_their_own() {
        let start = Instant::now();
        for (unit, purge, question) in
            [(RateUnit::Items, InTime::No, InTime::Yes), (RateUnit::Polls, InTime::Yes, InTime::No)]
        {
            let limits = limits(Some(unit));
            let (purges, questions) =
                (Permits::to_purge(&limits, 1_000, 100), Permits::to_ask(&limits, 1_000, 100));
            let late = |permits: &Permits| permits.in_time(permits.granted(start, 100), start + ms(500));
            assert_eq!((late(&purges), late(&questions)), (purge, question), "{unit:?}");
        }
    }
}
