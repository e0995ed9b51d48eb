//! From what a provider said to what is written: pure decisions.

use crate::RetryPolicy;
use purgeline_core::{Cause, Class, Outcome, PollSchedule, Signal};
use purgeline_queue::{Record, Settlement};

/// What an item's outcome means for the queue; `None`: it was accepted and is asked about.
///
/// `attempts` is how often it was sent before. `blameless` says that the answer spoke of the target,
/// or of another item of the call, so that it does not count against this one.
pub(crate) fn settlement(
    outcome: Outcome,
    attempts: u32,
    policy: &RetryPolicy,
    blameless: bool,
) -> Option<Settlement> {
    match outcome {
        Outcome::Done => Some(Settlement::Done),
        Outcome::Accepted => None,
        Outcome::Failed(cause) => Some(Settlement::Failed(cause)),
        Outcome::Retry { after_ms, cause } => {
            let attempt = attempts + 1;
            let wait = after_ms.unwrap_or_else(|| millis(policy.wait(attempt)));
            Some(if blameless || matches!(cause.class, Class::QuotaDay | Class::Unauthorised) {
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

/// What becomes of an accepted item about which the provider has said nothing until the deadline:
/// it is sent again, as often as the schedule and the target allow.
pub(crate) fn unanswered(record: &Record, schedule: &PollSchedule, policy: &RetryPolicy) -> Settlement {
    let message = format!("no end was reported within {} s of acceptance", schedule.deadline_ms / 1000);
    let cause = Cause::new(Class::Unknown, "poll-deadline", message);
    let attempts = record.attempts + 1;
    match schedule.resubmits {
        Some(most) if record.unanswered >= most => {
            let message = format!("{}, {} times", cause.message, record.unanswered + 1);
            Settlement::Failed(Cause::new(cause.class, cause.code, message))
        }
        _ if attempts >= policy.max_attempts => Settlement::Failed(exhausted(&cause, attempts)),
        _ => Settlement::Unanswered { after_ms: 0, cause },
    }
}

/// Whether a signal says that the target as a whole was refused.
pub(crate) fn refuses_target(signals: &[Signal]) -> bool {
    signals
        .iter()
        .any(|signal| matches!(signal, Signal::Throttled { .. } | Signal::Unauthorised { kind: None, .. }))
}

/// Whether an item is to be sent again at once: it was refused only along with its call.
pub(crate) fn goes_at_once(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Retry { after_ms: Some(0), cause } if cause.class == Class::Soon)
}

/// Whether some item of a call met another fate than to go at once again. It then is why the
/// others were refused, and is in no further call with them: so this cannot go on for ever.
pub(crate) fn others_decide(outcomes: &[Outcome]) -> bool {
    !outcomes.iter().all(goes_at_once)
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
    use std::{num::NonZeroU32, time::Duration};

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
    fn what_never_ends_is_sent_again_as_often_as_the_schedule_says() {
        let schedule = |resubmits| PollSchedule {
            first_ms: 1,
            then_ms: 1,
            max_ms: 1,
            deadline_ms: 1_800_000,
            batches_per_call: NonZeroU32::MIN,
            resubmits,
        };
        let record = |attempts, unanswered| {
            let text = format!(
                "lane=normal/url since=1 attempts={attempts}/{unanswered} due=0 cause=- spill=0 jobs="
            );
            Record::parse("k", &text).unwrap()
        };
        let settle =
            |attempts, times, resubmits| unanswered(&record(attempts, times), &schedule(resubmits), &POLICY);
        assert!(matches!(settle(0, 0, Some(1)), Settlement::Unanswered { after_ms: 0, .. }));
        // What failed otherwise does not count here.
        assert!(matches!(settle(1, 0, Some(1)), Settlement::Unanswered { .. }));
        let Settlement::Failed(cause) = settle(1, 1, Some(1)) else { panic!("it goes round and round") };
        assert_eq!(
            cause.to_string(),
            "poll-deadline: no end was reported within 1800 s of acceptance, 2 times"
        );
        assert!(matches!(settle(0, 0, Some(0)), Settlement::Failed(_)));
        assert!(matches!(settle(1, 1, None), Settlement::Unanswered { .. }));
        let Settlement::Failed(cause) = settle(2, 2, None) else { panic!("attempts were used up") };
        assert!(cause.message.ends_with("(given up after 3 attempts, max_attempts)"), "{cause}");
    }

    #[test]
    fn what_the_provider_asks_for_is_waited() {
        let settled = settlement(retry(Class::Delay, Some(75_000)), 0, &POLICY, false);
        assert!(matches!(settled, Some(Settlement::Retry { after_ms: 75_000, .. })));
    }

    #[test]
    fn who_was_refused_along_with_another_is_told_from_who_was_refused() {
        let along = retry(Class::Soon, Some(0));
        let culprit = Outcome::Failed(Cause::new(Class::ItemDead, "c", "words"));
        assert!(goes_at_once(&along) && others_decide(&[along.clone(), culprit]));
        assert!(!others_decide(&[along.clone(), along]), "all alike: nobody else is to blame");
        assert!(!goes_at_once(&retry(Class::Unknown, Some(0))) && !goes_at_once(&retry(Class::Soon, None)));
    }

    #[test]
    fn a_refusal_of_the_whole_target_uses_no_attempt() {
        for (class, whole) in [(Class::Delay, true), (Class::QuotaDay, false), (Class::Unauthorised, false)] {
            let settled = settlement(retry(class, None), 99, &POLICY, whole);
            assert!(matches!(settled, Some(Settlement::Again { .. })), "{class}");
        }
    }
}
