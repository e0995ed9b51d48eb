//! From what a provider said to what is written: pure decisions.

use crate::RetryPolicy;
use purgeline_core::{
    Cause, Class, Descriptor, Outcome, PollReport, PollSchedule, Signal, Submission, Verdict,
};
use purgeline_queue::{Fate, Record, Settlement};
use std::time::Duration;

/// Whom an outcome speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blame {
    /// The item: if it is sent again, that was an attempt.
    Item,
    /// Another item of the call, along with which this one was refused.
    Neighbour,
    /// The whole target.
    Target,
}

/// How an item stood when it was sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    /// How often it had been sent before.
    pub(crate) attempts: u32,
    /// How long ago it was first asked for.
    pub(crate) age: Duration,
    /// Whom the outcome speaks of.
    pub(crate) blame: Blame,
    /// Nothing is called before so many milliseconds.
    pub(crate) wait_ms: u64,
}

/// What an item's outcome means for the queue; `None`: it was accepted and is asked about.
pub(crate) fn settlement(outcome: Outcome, sent: &Sent, policy: &RetryPolicy) -> Option<Settlement> {
    let (after_ms, cause) = match outcome {
        Outcome::Done => return Some(Settlement::Done),
        Outcome::Accepted => return None,
        Outcome::Failed(cause) => return Some(Settlement::Failed(cause)),
        Outcome::Retry { after_ms, cause } => (after_ms, cause),
    };
    let attempt = sent.attempts + 1;
    let backoff = || after_ms.unwrap_or_else(|| millis(policy.wait(attempt)));
    Some(match sent.blame {
        Blame::Neighbour => Settlement::Again { after_ms: after_ms.unwrap_or(0), cause },
        Blame::Target | Blame::Item if sent.age >= policy.max_age => {
            Settlement::Failed(too_old(&cause, sent.age))
        }
        Blame::Target => Settlement::Again { after_ms: sent.wait_ms.saturating_add(backoff()), cause },
        // What holds the kind is written apart: once it is lifted the item may go.
        Blame::Item if matches!(cause.class, Class::QuotaDay | Class::Unauthorised) => {
            Settlement::Again { after_ms: after_ms.unwrap_or(0), cause }
        }
        Blame::Item if attempt >= policy.max_attempts => Settlement::Failed(exhausted(&cause, attempt)),
        Blame::Item => Settlement::Retry { after_ms: sent.wait_ms.saturating_add(backoff()), cause },
    })
}

/// What becomes of an accepted item about which the provider has said nothing until the deadline:
/// it is sent again, as often as the schedule and the target allow.
pub(crate) fn unanswered(
    record: &Record,
    schedule: &PollSchedule,
    now_ms: i64,
    policy: &RetryPolicy,
) -> Settlement {
    let message = format!("no end was reported within {} s of acceptance", schedule.deadline_ms / 1000);
    let cause = Cause::new(Class::Unknown, "poll-deadline", message);
    let (attempts, age) = (record.attempts + 1, age(record, now_ms));
    match schedule.resubmits {
        Some(most) if record.unanswered >= most => {
            let message = format!("{}, {} times", cause.message, record.unanswered + 1);
            Settlement::Failed(Cause::new(cause.class, cause.code, message))
        }
        _ if attempts >= policy.max_attempts => Settlement::Failed(exhausted(&cause, attempts)),
        _ if age >= policy.max_age => Settlement::Failed(too_old(&cause, age)),
        _ => Settlement::Unanswered { after_ms: 0, cause },
    }
}

/// How long ago an item was first asked for.
pub(crate) fn age(record: &Record, now_ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(now_ms.saturating_sub(record.since_ms)).unwrap_or(0))
}

/// Whether a call was answered, for the target's breaker.
pub(crate) fn fate(submission: &Submission, descriptor: &Descriptor) -> Fate {
    if let Some(refused) = refuses_credentials(&submission.signals) {
        return refused;
    }
    let Verdict::Items(outcomes) = &submission.verdict else { return Fate::Well };
    let outage = |outcome: &Outcome| match outcome {
        Outcome::Retry { cause, .. } if descriptor.is_outage(cause) => Some(cause.clone()),
        _ => None,
    };
    // One item that it took, or refused for itself, shows that it is there.
    match outcomes.iter().map(outage).collect::<Option<Vec<_>>>() {
        Some(causes) => causes.into_iter().next().map_or(Fate::Well, Fate::Down),
        None => Fate::Well,
    }
}

/// Whether a question was answered; `None` if that cannot be told.
pub(crate) fn fate_of_question(report: &PollReport, descriptor: &Descriptor) -> Option<Fate> {
    if let Some(refused) = refuses_credentials(&report.signals) {
        return Some(refused);
    }
    let causes = report.answers.iter().map(|answer| answer.cause.as_ref()).collect::<Option<Vec<_>>>();
    let Some(causes) = causes else { return Some(Fate::Well) };
    let outage = causes.iter().all(|cause| descriptor.is_outage(cause));
    causes.first().filter(|_| outage).map(|cause| Fate::Down((*cause).clone()))
}

/// Whether the credentials were refused, and not for one kind of item alone.
pub(crate) fn refuses_credentials(signals: &[Signal]) -> Option<Fate> {
    signals.iter().find_map(|signal| match signal {
        Signal::Unauthorised { kind: None, cause } => Some(Fate::Unauthorised(cause.clone())),
        _ => None,
    })
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

/// The cause of an item that is not sent again because it was asked for so long ago.
fn too_old(cause: &Cause, age: Duration) -> Cause {
    let message =
        format!("{} (given up {} s after it was asked for, max_age_s)", cause.message, age.as_secs());
    Cause::new(cause.class, cause.code.clone(), message)
}

pub(crate) fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::num::NonZeroU32;

    const POLICY: RetryPolicy = RetryPolicy {
        initial: Duration::from_secs(1),
        max: Duration::from_secs(60),
        max_attempts: 3,
        max_age: Duration::from_secs(7_200),
    };

    fn sent(attempts: u32, blame: Blame) -> Sent {
        Sent { attempts, age: Duration::ZERO, blame, wait_ms: 0 }
    }

    fn retry(class: Class, after_ms: Option<u64>) -> Outcome {
        Outcome::Retry { after_ms, cause: Cause::new(class, "c", "words") }
    }

    #[test]
    fn a_retry_counts_until_the_attempts_are_used_up() {
        let settle = |attempts| settlement(retry(Class::Soon, None), &sent(attempts, Blame::Item), &POLICY);
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
        let settle = |attempts, times, resubmits| {
            unanswered(&record(attempts, times), &schedule(resubmits), 1, &POLICY)
        };
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
        let settled = settlement(retry(Class::Delay, Some(75_000)), &sent(0, Blame::Item), &POLICY);
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
        for (class, blame) in [
            (Class::Delay, Blame::Target),
            (Class::Unknown, Blame::Target),
            (Class::QuotaDay, Blame::Item),
            (Class::Unauthorised, Blame::Item),
        ] {
            let settled = settlement(retry(class, None), &sent(99, blame), &POLICY);
            assert!(matches!(settled, Some(Settlement::Again { .. })), "{class}");
        }
    }

    #[test]
    fn what_is_too_old_is_not_sent_again() {
        let old = Sent { age: POLICY.max_age, ..sent(0, Blame::Target) };
        let Some(Settlement::Failed(cause)) = settlement(retry(Class::Soon, None), &old, &POLICY) else {
            panic!("it is sent again")
        };
        assert_eq!(cause.message, "words (given up 7200 s after it was asked for, max_age_s)");
        let along = Sent { blame: Blame::Neighbour, ..old };
        let settled = settlement(retry(Class::Soon, Some(0)), &along, &POLICY);
        assert!(matches!(settled, Some(Settlement::Again { after_ms: 0, .. })), "it was not tried by itself");
    }

    fn descriptor() -> Descriptor {
        let settings: purgeline_core::config::Settings = serde_json::Map::new().into();
        (purgeline_providers::provider("qiniu").unwrap().descriptor)(&settings).unwrap()
    }

    #[test]
    fn only_a_call_that_failed_altogether_speaks_of_the_target() {
        let down = |code: &str| Outcome::Retry { after_ms: None, cause: Cause::new(Class::Soon, code, "w") };
        let fate_of = |outcomes: Vec<Outcome>| {
            let verdict = Verdict::Items(outcomes);
            fate(&Submission { verdict, receipt: None, signals: Vec::new() }, &descriptor())
        };
        for code in ["connect", "timeout", "no-answer", "http-500", "http-503", "500000"] {
            assert!(matches!(fate_of(vec![down(code), down(code)]), Fate::Down(_)), "{code}");
            assert_eq!(fate_of(vec![down(code), Outcome::Done]), Fate::Well, "{code}");
        }
        assert_eq!(fate_of(vec![down("400036")]), Fate::Well, "it answered");
        let failed = Outcome::Failed(Cause::new(Class::ClientBug, "http-500", "w"));
        assert_eq!(fate_of(vec![failed]), Fate::Well);
        assert_eq!(fate_of(vec![retry(Class::Unauthorised, None)]), Fate::Well, "one kind of item");
        let cause = Cause::new(Class::Unauthorised, "401", "w");
        let refused = Submission::all(1, &Outcome::Done)
            .with_signal(Signal::Unauthorised { kind: None, cause: cause.clone() });
        assert_eq!(fate(&refused, &descriptor()), Fate::Unauthorised(cause));
    }

    #[test]
    fn only_a_question_that_failed_altogether_speaks_of_the_target() {
        let answer = |batch, code: Option<&str>| purgeline_core::PollAnswer {
            batch,
            ended: Vec::new(),
            cause: code.map(|code| Cause::new(Class::Unknown, code, "w")),
        };
        let fate_of =
            |answers| fate_of_question(&PollReport { answers, ..PollReport::default() }, &descriptor());
        let timeout = || answer(0, Some("timeout"));
        assert!(matches!(fate_of(vec![timeout()]), Some(Fate::Down(_))));
        assert_eq!(fate_of(vec![timeout(), answer(1, None)]), Some(Fate::Well));
        assert_eq!(fate_of(vec![timeout(), answer(1, Some("too-many-pages"))]), None);
        assert_eq!(fate_of(Vec::new()), None);
    }

    fn blame() -> impl Strategy<Value = Blame> {
        prop_oneof![Just(Blame::Item), Just(Blame::Neighbour), Just(Blame::Target)]
    }

    proptest! {
        /// Whatever its answers are, an item that fails for itself is sent `max_attempts` times, and
        /// no wait is longer than asked for or configured.
        #[test]
        fn an_item_that_fails_for_itself_comes_to_an_end(
            most in 1..20_u32,
            max_ms in 1..100_000_u64,
            after in prop::collection::vec(prop::option::of(0..1_000_000_u64), 20),
        ) {
            let max = Duration::from_millis(max_ms);
            let policy = RetryPolicy { initial: max / 7 + Duration::from_millis(1), max, max_attempts: most, ..POLICY };
            let mut attempts = 0;
            for after_ms in after {
                attempts += 1;
                match settlement(retry(Class::Soon, after_ms), &sent(attempts - 1, Blame::Item), &policy) {
                    Some(Settlement::Retry { after_ms: wait, .. }) => match after_ms {
                        Some(asked) => prop_assert_eq!(wait, asked),
                        None => prop_assert!(wait <= max_ms),
                    },
                    Some(Settlement::Failed(_)) => break,
                    other => prop_assert!(false, "{:?}", other),
                }
            }
            prop_assert_eq!(attempts, most);
        }

        /// What speaks of the target, or of a neighbour, never counts; nothing goes while the
        /// target is left alone; what is too old fails, whatever is to blame but a neighbour.
        #[test]
        fn only_its_own_failures_and_its_age_end_an_item(
            attempts in 0..100_u32,
            age_s in 0..20_000_u64,
            wait_ms in 0..100_000_u64,
            after_ms in prop::option::of(0..1_000_000_u64),
            blame in blame(),
        ) {
            let sent = Sent { attempts, age: Duration::from_secs(age_s), blame, wait_ms };
            let old = sent.age >= POLICY.max_age;
            match settlement(retry(Class::Unknown, after_ms), &sent, &POLICY) {
                Some(Settlement::Failed(_)) => {
                    prop_assert!(blame != Blame::Neighbour);
                    prop_assert!(old || (blame == Blame::Item && attempts + 1 >= POLICY.max_attempts));
                }
                Some(Settlement::Retry { after_ms, .. }) => {
                    prop_assert!(blame == Blame::Item && !old && after_ms >= wait_ms);
                }
                Some(Settlement::Again { after_ms, .. }) => {
                    prop_assert!(blame != Blame::Item && (after_ms >= wait_ms || blame == Blame::Neighbour));
                    prop_assert!(!old || blame == Blame::Neighbour);
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }
}
