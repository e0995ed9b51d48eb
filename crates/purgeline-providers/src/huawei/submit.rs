//! What the answer to a creation means for each item of the call.

use super::{
    codes,
    quota::Quotas,
    types::{Created, ServiceError},
};
use crate::{
    CallItem, day,
    status::{self, refused},
    transport::Answer,
};
use jiff::{SignedDuration, Timestamp};
use purgeline_core::{Cause, Class, Outcome, Receipt, Signal, Submission, Verdict};
use serde::{Deserialize, Serialize};

/// By how much `X-Sdk-Date` may be off (API signing guide).
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_mins(15);

/// What has to be kept to ask about a task again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ticket {
    /// The task's id.
    pub(super) task: String,
    /// When the provider says that it created it, in ms since 1970.
    pub(super) created_ms: i64,
}

/// Whether the quotas should be read before a refusal is judged.
pub(super) fn wants_quotas(answer: &Answer) -> bool {
    ServiceError::read(&answer.body)
        .is_some_and(|error| [codes::TOO_MANY, codes::UPPER_LIMIT].contains(&error.code.as_str()))
}

/// `quotas` as they were read after a refusal that [wants](wants_quotas) them.
pub(super) fn read(
    items: &[CallItem],
    answer: &Answer,
    quotas: Option<&Quotas>,
    now: Timestamp,
) -> Submission {
    // An error can stand in an answer of status 200, so it is looked for first.
    if let Some(error) = ServiceError::read(&answer.body) {
        return refusal(items, &error, answer, quotas, now);
    }
    match Created::read(&answer.body) {
        Some(created) if (200..300).contains(&answer.status) => {
            Submission { receipt: Some(receipt(created)), ..Submission::all(items.len(), &Outcome::Accepted) }
        }
        _ => status::submission(items.len(), answer, now),
    }
}

fn refusal(
    items: &[CallItem],
    error: &ServiceError,
    answer: &Answer,
    quotas: Option<&Quotas>,
    now: Timestamp,
) -> Submission {
    let cause = cause(error, answer, now);
    let rest_ms = answer.retry_after_ms(now).or(codes::rest_ms(&error.code));
    let left = items.first().and_then(|item| quotas?.left(item.item.kind()));
    match (error.code.as_str(), left) {
        (codes::UPPER_LIMIT, Some(0)) => quota_spent(items, &cause, now),
        // Something is left, so the call is larger than that, or than what this account may ask
        // at once.
        (codes::TOO_MANY, Some(1..)) if items.len() > 1 => bisect(cause),
        (codes::TOO_MANY, _) => quota_spent(items, &cause, now),
        (code, _) if codes::is_of_domain(code) => of_domain(items, &cause, rest_ms),
        _ => refused(items.len(), cause, rest_ms),
    }
}

/// The provider's code and words as a cause.
pub(super) fn cause(error: &ServiceError, answer: &Answer, now: Timestamp) -> Cause {
    let class = codes::class(&error.code, answer.status);
    let mut message = error.message.clone();
    if codes::is_of_token(&error.code)
        && let Some(off) = answer.date().map(|date| now.duration_since(date))
        && off.abs() > CLOCK_TOLERANCE
    {
        let (minutes, way) = (off.abs().as_mins(), if off.is_positive() { "ahead of" } else { "behind" });
        message = format!("{message} (this machine's clock is {minutes} minutes {way} the provider's)");
    }
    Cause::new(class, error.code.clone(), message)
}

/// A domain cannot be refreshed, which domain is not said. If the call has one only, it is that.
fn of_domain(items: &[CallItem], cause: &Cause, wait_ms: Option<u64>) -> Submission {
    let mut hosts = items.iter().map(|item| item.item.host());
    let first = hosts.next();
    if hosts.any(|host| Some(host) != first) {
        return bisect(cause.clone());
    }
    let outcome = match cause.class {
        // It can change: an attempt is spent on each wait, so it is not waited for ever.
        Class::Delay => Outcome::Retry { after_ms: wait_ms, cause: cause.clone() },
        _ => Outcome::Failed(cause.clone()),
    };
    Submission::all(items.len(), &outcome)
}

/// The day's quota of the kind that the call has is spent.
fn quota_spent(items: &[CallItem], cause: &Cause, now: Timestamp) -> Submission {
    let cause = Cause { class: Class::QuotaDay, ..cause.clone() };
    let waits = Outcome::Retry { after_ms: Some(0), cause: cause.clone() };
    let kind = items.first().map(|item| item.item.kind());
    let for_ms = day::ms_to_next(now, day::UTC_PLUS_8);
    Submission::all(items.len(), &waits).with_signal(Signal::QuotaSpent { kind, host: None, for_ms, cause })
}

const fn bisect(cause: Cause) -> Submission {
    Submission { verdict: Verdict::Bisect(cause), receipt: None, signals: Vec::new() }
}

/// The id, with the time of creation where that is told.
fn receipt(created: Created) -> Receipt {
    let Created { id, create_time } = created;
    let ticket = create_time
        .and_then(|created_ms| serde_json::to_string(&Ticket { task: id.clone(), created_ms }).ok());
    Receipt(ticket.unwrap_or(id))
}

impl Ticket {
    /// `None` for a receipt that this version does not know.
    pub(super) fn from_receipt(receipt: &Receipt, submitted_at_ms: i64) -> Option<Self> {
        if receipt.0.starts_with('{') {
            serde_json::from_str(&receipt.0).ok()
        } else {
            Some(Self { task: receipt.0.clone(), created_ms: submitted_at_ms })
        }
    }
}
