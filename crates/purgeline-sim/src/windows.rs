//! Limits over time, kept exactly: sliding windows and daily quotas.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::{Moment, nanos};

/// How much may arrive in any window of a length. `None` lifts that part of the limit.
///
/// The window is half open, `(t - window, t]`: what arrived exactly one window ago has left it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Calls in the window.
    pub calls: Option<u64>,
    /// Items in the window.
    #[serde(default)]
    pub items: Option<u64>,
    /// Length of the window, milliseconds, at least 1.
    pub window_ms: u64,
}

/// Enforces a [`Rate`]. A refused call takes nothing from the window.
#[derive(Debug)]
pub(crate) struct SlidingWindow {
    rate: Rate,
    window_ns: u64,
    arrivals: VecDeque<(u64, u64)>,
    items: u64,
}

/// A quota that starts anew at midnight of a fixed offset from UTC.
#[derive(Debug)]
pub(crate) struct DayQuota {
    limit: u64,
    utc_offset: Duration,
    day: i64,
    used: u64,
}

// === impl Rate ===

impl Rate {
    /// No limit at all.
    pub const LIFTED: Self = Self { calls: None, items: None, window_ms: 1_000 };

    /// The same limit in a window that is `divisor` times shorter, so that a test does not wait
    /// for minutes. At least 1 ms remains.
    #[must_use]
    pub fn shortened(self, divisor: u32) -> Self {
        Self { window_ms: (self.window_ms / u64::from(divisor.max(1))).max(1), ..self }
    }
}

// === impl SlidingWindow ===

impl SlidingWindow {
    pub(crate) fn new(rate: Rate) -> Self {
        Self {
            rate,
            window_ns: nanos(Duration::from_millis(rate.window_ms.max(1))),
            arrivals: VecDeque::new(),
            items: 0,
        }
    }

    /// Takes a call with `items` items at `now`, or says no. Times must not go backwards.
    pub(crate) fn admit(&mut self, now: Moment, items: u64) -> bool {
        while let Some(&(ns, n)) = self.arrivals.front()
            && now.ns - ns >= self.window_ns
        {
            self.items -= n;
            self.arrivals.pop_front();
        }
        let calls = self.arrivals.len() as u64 + 1;
        let total = self.items + items;
        let fits =
            self.rate.calls.is_none_or(|max| calls <= max) && self.rate.items.is_none_or(|max| total <= max);
        let lifted = self.rate.calls.is_none() && self.rate.items.is_none();
        if fits && !lifted {
            self.arrivals.push_back((now.ns, items));
            self.items = total;
        }
        fits
    }
}

// === impl DayQuota ===

impl DayQuota {
    /// All five providers count days in UTC+8, or are taken to.
    pub(crate) const UTC_PLUS_8: Duration = Duration::from_secs(8 * 3600);

    pub(crate) fn new(limit: u64) -> Self {
        Self { limit, utc_offset: Self::UTC_PLUS_8, day: i64::MIN, used: 0 }
    }

    pub(crate) fn limit(&self) -> u64 {
        self.limit
    }

    /// What is left of the day.
    pub(crate) fn surplus(&mut self, now: Moment) -> u64 {
        let day = local_day(now.wall_ms, self.utc_offset);
        if day != self.day {
            self.day = day;
            self.used = 0;
        }
        self.limit.saturating_sub(self.used)
    }

    /// Takes `n` from the day. The caller has checked the surplus.
    pub(crate) fn spend(&mut self, n: u64) {
        self.used += n;
    }
}

/// The number of the day since 1970-01-01, as a calendar `offset` ahead of UTC counts it.
pub(crate) fn local_day(wall_ms: i64, offset: Duration) -> i64 {
    let offset_ms = i64::try_from(offset.as_millis()).unwrap_or(0);
    (wall_ms + offset_ms).div_euclid(86_400_000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at_ms(ms: u64) -> Moment {
        Moment { ns: ms * 1_000_000, wall_ms: i64::try_from(ms).unwrap() }
    }

    #[test]
    fn an_arrival_leaves_after_exactly_one_window() {
        let mut window = SlidingWindow::new(Rate { calls: Some(1), items: None, window_ms: 1_000 });
        assert!(window.admit(at_ms(0), 1));
        assert!(!window.admit(at_ms(999), 1));
        assert!(window.admit(at_ms(1_000), 1));
    }

    #[test]
    fn the_day_turns_at_utc_plus_8() {
        let mut quota = DayQuota::new(10);
        let before = "2026-01-01T15:59:59Z".parse::<jiff::Timestamp>().unwrap();
        let after = "2026-01-01T16:00:00Z".parse::<jiff::Timestamp>().unwrap();
        let at = |t: jiff::Timestamp| Moment { ns: 0, wall_ms: t.as_millisecond() };
        assert_eq!(quota.surplus(at(before)), 10);
        quota.spend(10);
        assert_eq!(quota.surplus(at(before)), 0);
        assert_eq!(quota.surplus(at(after)), 10);
    }

    proptest! {
        /// Beside the plain definition: look at every earlier admitted arrival.
        #[test]
        fn admits_what_the_definition_admits(
            steps in prop::collection::vec((0_u64..40, 1_u64..8), 1..200),
            max_calls in 1_u64..10,
            max_items in 1_u64..30,
        ) {
            let rate = Rate { calls: Some(max_calls), items: Some(max_items), window_ms: 100 };
            let mut window = SlidingWindow::new(rate);
            let mut admitted: Vec<(u64, u64)> = Vec::new();
            let mut now = 0;
            for (step, items) in steps {
                now += step;
                let inside = || admitted.iter().filter(|(t, _)| now - t < 100);
                let expected = (inside().count() as u64) < max_calls
                    && inside().map(|(_, n)| n).sum::<u64>() + items <= max_items;
                prop_assert_eq!(window.admit(at_ms(now), items), expected);
                if expected {
                    admitted.push((now, items));
                }
            }
        }
    }
}
