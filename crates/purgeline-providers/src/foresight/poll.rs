//! How a refresh fares, and whether it has taken effect.

use super::{
    codes,
    listing::Marks,
    submit::Ticket,
    types::{State, TaskAnswer},
};
use crate::{OpenBatch, status, transport::Answer};
use jiff::Timestamp;
use purgeline_core::{Cause, Class, Outcome, PollAnswer, PollReport};

/// What is known of a refresh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It has ended, so.
    Ended(Outcome),
    /// It succeeded; whether it has taken effect the listing tells.
    Succeeded,
    /// It runs.
    Running,
    /// Nothing: asked again later.
    Nothing(Cause),
}

/// What an answer about a task says of it. A rest that is asked for and refused credentials go to
/// the report.
pub(super) fn read(answer: &Answer, now: Timestamp, report: &mut PollReport) -> Known {
    match answer.status {
        200..300 => {}
        // Celery forgets results after a day, and then says PENDING; another backend may say this.
        404 => return Known::Ended(again(Class::Unknown, "http-404", "the server knows no such task")),
        _ => return Known::Nothing(refused(answer, now, report)),
    }
    let Some(task) = TaskAnswer::read(&answer.body) else {
        return Known::Nothing(status::cause(answer));
    };
    match task.state() {
        State::Succeeded => Known::Succeeded,
        State::Failed(word) => Known::Ended(Outcome::Retry { after_ms: None, cause: codes::failed(&word) }),
        State::Running => Known::Running,
    }
}

/// Why an answer is none; what it says of the target goes to the report.
pub(super) fn refused(answer: &Answer, now: Timestamp, report: &mut PollReport) -> Cause {
    let cause = codes::cause(answer);
    report.signals.extend(status::signal(&cause, codes::rest_ms(answer, now)));
    cause
}

/// Whether a refresh that succeeded has taken effect, by how the caches stand now. `age_ms` is how
/// long ago it was accepted, `patience_ms` how long the caches have to move.
pub(super) fn proof(before: &Marks, after: &Marks, age_ms: i64, patience_ms: u64) -> Known {
    const STILL: &str = "the refresh succeeded, and no listed cache has another version or etag since";
    if after.moved_since(before) {
        Known::Ended(Outcome::Done)
    } else if age_ms > i64::try_from(patience_ms).unwrap_or(i64::MAX) {
        Known::Ended(again(Class::Unknown, "not-moved", STILL))
    } else {
        Known::Nothing(Cause::new(Class::Unknown, "not-moved", STILL))
    }
}

/// Writes what is known of the batch at position `at`, which is of one resource.
pub(super) fn settle(at: usize, batch: &OpenBatch, known: Known, report: &mut PollReport) {
    let (outcome, cause) = match known {
        Known::Ended(outcome) => (Some(outcome), None),
        // Nobody asks for a proof.
        Known::Succeeded => (Some(Outcome::Done), None),
        Known::Running => (None, None),
        Known::Nothing(cause) => (None, Some(cause)),
    };
    let ended = outcome.map(|outcome| batch.waiting().map(|(item, _)| (item, outcome.clone())).collect());
    report.answers.push(PollAnswer { batch: at, ended: ended.unwrap_or_default(), cause });
}

/// # Errors
/// That nothing can be learned of a batch: it is sent again.
pub(super) fn ticket(batch: &OpenBatch) -> Result<Ticket, Known> {
    Ticket::from_receipt(&batch.receipt).ok_or_else(|| {
        let message = "its receipt was written by another version of purgeline";
        Known::Ended(again(Class::Unknown, "unknown-receipt", message))
    })
}

fn again(class: Class, code: &str, message: &str) -> Outcome {
    Outcome::Retry { after_ms: None, cause: Cause::new(class, code, message) }
}
