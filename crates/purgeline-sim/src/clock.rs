//! The time a simulator lives in: the machine's, or one that a test turns by hand.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

/// One reading of a clock: both times of the same moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Moment {
    /// Monotonic, nanoseconds since the clock was made.
    pub ns: u64,
    /// Wall clock, milliseconds since 1970-01-01 00:00:00 UTC.
    pub wall_ms: i64,
}

/// Where a simulator takes its time from.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Moment;

    /// Ends when the monotonic time has reached `ns`.
    fn sleep_until(&self, ns: u64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

/// A clock that stands still until a test moves it. Clones are the same clock.
///
/// ```
/// # use std::time::Duration;
/// use purgeline_sim::{Clock, ManualClock};
///
/// let clock = ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap());
/// clock.advance(Duration::from_secs(2));
/// assert_eq!(clock.now().ns, 2_000_000_000);
/// assert_eq!(clock.now().wall_ms, 1_767_225_602_000);
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock {
    now: Arc<watch::Sender<Moment>>,
}

// === impl Moment ===

impl Moment {
    /// The wall time at the monotonic time `ns`, as seen from this moment.
    #[must_use]
    pub fn wall_ms_at(&self, ns: u64) -> i64 {
        let ms = |d: u64| i64::try_from(d / 1_000_000).unwrap_or(i64::MAX);
        if ns >= self.ns {
            self.wall_ms.saturating_add(ms(ns - self.ns))
        } else {
            self.wall_ms.saturating_sub(ms(self.ns - ns))
        }
    }
}

// === impl SystemClock ===

impl SystemClock {
    /// A clock whose monotonic time starts now.
    #[must_use]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Moment {
            ns: nanos(self.start.elapsed()),
            wall_ms: i64::try_from(wall.as_millis()).unwrap_or(i64::MAX),
        }
    }

    fn sleep_until(&self, ns: u64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let deadline = self.start + Duration::from_nanos(ns);
        Box::pin(tokio::time::sleep_until(deadline.into()))
    }
}

// === impl ManualClock ===

impl ManualClock {
    /// A clock that stands at `wall`, its monotonic time at zero.
    #[must_use]
    pub fn at(wall: jiff::Timestamp) -> Self {
        let now = Moment { ns: 0, wall_ms: wall.as_millisecond() };
        Self { now: Arc::new(watch::Sender::new(now)) }
    }

    /// Moves both times forward, and wakes who slept until then.
    pub fn advance(&self, by: Duration) {
        self.now.send_modify(|now| {
            let ns = now.ns.saturating_add(nanos(by));
            now.wall_ms = now.wall_ms_at(ns);
            now.ns = ns;
        });
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Moment {
        *self.now.borrow()
    }

    fn sleep_until(&self, ns: u64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut now = self.now.subscribe();
        Box::pin(async move {
            // An error means that the clock is gone; then nobody waits for it either.
            let _ = now.wait_for(|now| now.ns >= ns).await;
        })
    }
}

/// A duration in nanoseconds, at most 584 years of them.
pub(crate) fn nanos(d: Duration) -> u64 {
    u64::try_from(d.as_nanos()).unwrap_or(u64::MAX)
}
