//! What an HTTP status means where a provider's own codes say nothing.

use crate::transport::Answer;
use jiff::Timestamp;
use purgeline_core::{Cause, Class, Outcome, Signal, Submission, Verdict};

/// How long a target rests that answered 429 or 503 without saying for how long, in ms.
const REST_MS: u64 = 5_000;

/// The class of a status that is no success.
pub(crate) const fn class(status: u16) -> Class {
    match status {
        // The address, the method or the rights are wrong: somebody must mend the settings.
        300..=399 | 401 | 403 | 404 | 405 | 407 | 410 | 501 => Class::Unauthorised,
        408 | 425 | 502 | 504 => Class::Unknown,
        429 | 503 => Class::Delay,
        400..=499 => Class::ClientBug,
        500..=599 => Class::Soon,
        // A success that does not say what it should.
        _ => Class::Unknown,
    }
}

/// The cause that an answer without a code of the provider's gives.
pub(crate) fn cause(answer: &Answer) -> Cause {
    Cause::new(class(answer.status), format!("http-{}", answer.status), answer.words())
}

/// What came of `count` items of a call whose answer holds no code of the provider's.
pub(crate) fn submission(count: usize, answer: &Answer, now: Timestamp) -> Submission {
    refused(count, cause(answer), answer.retry_after_ms(now))
}

/// What came of `count` items of a call that was refused as a whole: by the class of the cause
/// alone. `rest_ms` is how long the target is asked to rest, where it is said.
pub(crate) fn refused(count: usize, cause: Cause, rest_ms: Option<u64>) -> Submission {
    let signal = signal(&cause, rest_ms);
    let after_ms = match &signal {
        Some(Signal::Throttled { for_ms, .. }) => Some(*for_ms),
        // They wait in their lanes while the target is held.
        Some(_) => Some(0),
        None => None,
    };
    let verdict = match cause.class {
        // One item of many may be what the provider cannot stomach: nothing good fails for it.
        Class::ItemDead | Class::ClientBug if count > 1 => Verdict::Bisect(cause),
        Class::ItemDead | Class::ClientBug => Verdict::Items(vec![Outcome::Failed(cause); count]),
        Class::Soon | Class::Unknown | Class::Delay | Class::Unauthorised | Class::QuotaDay => {
            Verdict::Items(vec![Outcome::Retry { after_ms, cause }; count])
        }
    };
    Submission { verdict, receipt: None, signals: signal.into_iter().collect() }
}

/// What a refusal means for the whole target, by its class alone.
pub(crate) fn signal(cause: &Cause, rest_ms: Option<u64>) -> Option<Signal> {
    match cause.class {
        Class::Delay => Some(Signal::Throttled { for_ms: rest_ms.unwrap_or(REST_MS), cause: cause.clone() }),
        Class::Unauthorised => Some(Signal::Unauthorised { kind: None, cause: cause.clone() }),
        Class::Soon | Class::ItemDead | Class::QuotaDay | Class::Unknown | Class::ClientBug => None,
    }
}
