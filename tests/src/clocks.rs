use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// The time of the queue, of the worker's provider clients and of the simulator: one time, that
/// moves only when the test turns it.
#[derive(Clone, Debug)]
pub struct Clocks {
    pub queue: purgeline_core::ManualClock,
    pub sim: purgeline_sim::ManualClock,
}

impl Clocks {
    /// `start` is like `2026-01-02T00:30:00Z`.
    #[must_use]
    pub fn at(start: &str) -> Self {
        let start: Timestamp = start.parse().unwrap();
        Self { queue: purgeline_core::ManualClock::new(start), sim: purgeline_sim::ManualClock::at(start) }
    }

    pub fn advance(&self, point: Duration) {
        self.queue.advance(SignedDuration::try_from(point).unwrap());
        self.sim.advance(point);
    }
}
