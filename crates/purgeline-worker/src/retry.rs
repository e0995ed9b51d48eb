use backoff::{ExponentialBackoff, ExponentialBackoffBuilder, backoff::Backoff};
use std::time::Duration;

/// When an item is sent again: exponential, with full jitter, capped.
///
/// The one place that uses the `backoff` crate, for its arithmetic alone: nothing ever sleeps
/// here, the due time is written to Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The longest first wait.
    pub initial: Duration,
    /// The longest wait.
    pub max: Duration,
    /// Sends of an item before it fails for good.
    pub max_attempts: u32,
    /// How long after it was first asked for an item is sent again.
    pub max_age: Duration,
}

impl RetryPolicy {
    /// The wait after an item's attempt number `attempt` (from 1) has failed: anywhere from zero
    /// to twice the middle of an interval that doubles with each attempt, at most
    /// [`max`](Self::max).
    #[must_use]
    pub fn wait(&self, attempt: u32) -> Duration {
        let mut intervals: ExponentialBackoff = ExponentialBackoffBuilder::new()
            // Half the interval with a factor of 1 is full jitter: 0 to the whole of it.
            .with_initial_interval(self.initial / 2)
            .with_max_interval(self.max / 2)
            .with_multiplier(2.0)
            .with_randomization_factor(1.0)
            .with_max_elapsed_time(None)
            .build();
        let mut wait = Duration::ZERO;
        // Past some twenty doublings any interval has met its cap.
        for _ in 0..attempt.clamp(1, 32) {
            wait = intervals.next_backoff().unwrap_or(self.max);
        }
        wait.min(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy = RetryPolicy {
        initial: Duration::from_secs(1),
        max: Duration::from_secs(60),
        max_attempts: 8,
        max_age: Duration::from_secs(3_600),
    };

    #[test]
    fn waits_double_up_to_the_cap_with_full_jitter() {
        for (attempt, longest) in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (40, 60)] {
            let waits: Vec<_> = (0..500).map(|_| POLICY.wait(attempt)).collect();
            let longest = Duration::from_secs(longest);
            assert!(waits.iter().all(|wait| *wait <= longest), "attempt {attempt}");
            // Of 500 draws some lie in each tenth; missing one has a chance below 1e-22.
            assert!(waits.iter().any(|wait| *wait < longest / 10), "attempt {attempt}");
            assert!(waits.iter().any(|wait| *wait > longest * 9 / 10), "attempt {attempt}");
        }
    }
}
