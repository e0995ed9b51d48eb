//! From what a provider said to what is written: pure decisions.

use crate::RetryPolicy;
use purgeline_core::{Cause, Class, Outcome, Signal};
use purgeline_queue::Settlement;

/// What an item's outcome means for the queue; `None`: it was accepted and is asked about.
///
/// `attempts` is how often it was sent before. `whole_target` says that the answer spoke of the
/// target and not of the item, so that it does not count against it.
pub(crate) fn settlement(
    outcome: Outcome,
    attempts: u32,
    policy: &RetryPolicy,
    whole_target: bool,
) -> Option<Settlement> {
    match outcome {
        Outcome::Done => Some(Settlement::Done),
        Outcome::Accepted => None,
        Outcome::Failed(cause) => Some(Settlement::Failed(cause)),
        Outcome::Retry { after_ms, cause } => {
            let attempt = attempts + 1;
            let wait = after_ms.unwrap_or_else(|| millis(policy.wait(attempt)));
            Some(if whole_target || matches!(cause.class, Class::QuotaDay | Class::Unauthorised) {
                // What holds the target is written apart: once it is lifted the item may go.
                Settlement::Again { after_ms: after_ms.unwrap_or(0), cause }
            } else if attempt >= policy.max_attempts {
                Settlement::Failed(exhausted(&cause, attempt))
            } else {
                Settlement::Retry { after_ms: wait, cause }
            })
        }
    }
}

/// Whether a signal says that the target as a whole was refused.
pub(crate) fn refuses_target(signals: &[Signal]) -> bool {
    signals
        .iter()
        .any(|signal| matches!(signal, Signal::Throttled { .. } | Signal::Unauthorised { kind: None, .. }))
}

/// The cause of an item that was sent as often as it may be.
pub(crate) fn exhausted(cause: &Cause, attempts: u32) -> Cause {
    let message = format!("{} (given up after {attempts} attempts, max_attempts)", cause.message);
    Cause::new(cause.class, cause.code.clone(), message)
}

pub(crate) fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const POLICY: RetryPolicy =
        RetryPolicy { initial: Duration::from_secs(1), max: Duration::from_secs(60), max_attempts: 3 };

    fn retry(class: Class, after_ms: Option<u64>) -> Outcome {
        Outcome::Retry { after_ms, cause: Cause::new(class, "c", "words") }
    }

    #[test]
    fn a_retry_counts_until_the_attempts_are_used_up() {
        let settle = |attempts| settlement(retry(Class::Soon, None), attempts, &POLICY, false);
        assert!(matches!(settle(0), Some(Settlement::Retry { after_ms: 0..=1000, .. })));
        assert!(matches!(settle(1), Some(Settlement::Retry { after_ms: 0..=2000, .. })));
        let Some(Settlement::Failed(cause)) = settle(2) else { panic!("attempts were used up") };
        assert_eq!(cause.message, "words (given up after 3 attempts, max_attempts)");
    }

    #[test]
    fn what_the_provider_asks_for_is_waited() {
        let settled = settlement(retry(Class::Delay, Some(75_000)), 0, &POLICY, false);
        assert!(matches!(settled, Some(Settlement::Retry { after_ms: 75_000, .. })));
    }

    #[test]
    fn a_refusal_of_the_whole_target_uses_no_attempt() {
        for (class, whole) in [(Class::Delay, true), (Class::QuotaDay, false), (Class::Unauthorised, false)] {
            let settled = settlement(retry(class, None), 99, &POLICY, whole);
            assert!(matches!(settled, Some(Settlement::Again { .. })), "{class}");
        }
    }
}
