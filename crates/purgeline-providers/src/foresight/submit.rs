//! What the answer to a refresh means.

use super::{
    codes,
    listing::Marks,
    types::{State, TaskAnswer},
};
use crate::{status, transport::Answer};
use jiff::Timestamp;
use purgeline_core::{Cause, Class, Outcome, Receipt, Submission, Verdict};
use serde::{Deserialize, Serialize};

/// What has to be kept to ask about a refresh again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ticket {
    /// The task; `None` if it has succeeded already and only the proof is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) task: Option<String>,
    /// How the caches stood before, where their movement is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) before: Option<Marks>,
}

/// `before` is how the caches stood before the call, where their movement is asked for.
pub(super) fn read(answer: &Answer, before: Option<Marks>, now: Timestamp) -> Submission {
    if !(200..300).contains(&answer.status) {
        return status::refused(1, codes::cause(answer), codes::rest_ms(answer, now));
    }
    let Some(task) = TaskAnswer::read(&answer.body) else {
        return status::refused(1, status::cause(answer), None);
    };
    match (task.state(), before) {
        (State::Succeeded, None) => Submission::all(1, &Outcome::Done),
        (State::Succeeded, before) => accepted(Ticket { task: None, before }),
        (State::Failed(word), _) => retry(codes::failed(&word)),
        (State::Running, before) => match task.id() {
            Some(id) => accepted(Ticket { task: Some(id.to_owned()), before }),
            None => retry(Cause::new(
                Class::Unknown,
                "no-task-id",
                "the server took the refresh and gave no task_id to ask by",
            )),
        },
    }
}

/// The listing that the proof needs cannot be had: nothing was sent. It is never the item's fault.
pub(super) fn without_listing(cause: Cause, rest_ms: Option<u64>) -> Submission {
    let class = match cause.class {
        Class::ItemDead | Class::ClientBug => Class::Unauthorised,
        class => class,
    };
    let message = format!("verify_listing: {}", cause.message);
    status::refused(1, Cause::new(class, cause.code, message), rest_ms)
}

fn accepted(ticket: Ticket) -> Submission {
    Submission {
        verdict: Verdict::Items(vec![Outcome::Accepted]),
        receipt: Some(ticket.into_receipt()),
        signals: Vec::new(),
    }
}

fn retry(cause: Cause) -> Submission {
    Submission::all(1, &Outcome::Retry { after_ms: None, cause })
}

impl Ticket {
    pub(super) fn into_receipt(self) -> Receipt {
        // Texts always serialise.
        Receipt(serde_json::to_string(&self).unwrap_or_default())
    }

    /// `None` for a receipt that this version does not know.
    pub(super) fn from_receipt(receipt: &Receipt) -> Option<Self> {
        serde_json::from_str(&receipt.0).ok()
    }
}
