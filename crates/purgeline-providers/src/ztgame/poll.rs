//! How a task fares: `GET /cdn_api/req_status/<reqId>` (the server's public source). The whole task
//! has one status; its list of items is cut at 80 characters, so it is not read.

use super::{codes, submit, types::task_status};
use crate::{OpenBatch, status, transport::Answer};
use jiff::Timestamp;
use purgeline_core::{Cause, Class, Outcome, PollAnswer, PollReport};

/// What the answer about the batch at position `at` means.
pub(super) fn read(at: usize, batch: &OpenBatch, answer: &Answer, now: Timestamp, report: &mut PollReport) {
    let status = task_status(&answer.body).filter(|_| (200..300).contains(&answer.status));
    let mut told = PollAnswer { batch: at, ended: Vec::new(), cause: None };
    match status.as_deref() {
        Some("success") => told.ended = all(batch, &Outcome::Done),
        Some(ending @ ("failure" | "error" | "delete")) => {
            let message = format!("ztgame says \"{ending}\" of the task, not of which item or why");
            report.bisect.push((at, Cause::new(Class::Soon, ending, message)));
        }
        // "run", "wait", "init", "prepare", "unknow" and what is not documented: the deadline
        // ends it.
        Some(_) => {}
        None => match submit::refusal(answer).unwrap_or_else(|| status::cause(answer)) {
            // Purges are idempotent: send again.
            cause if cause.code == codes::UNKNOWN_TASK => {
                told.ended = all(batch, &Outcome::Retry { after_ms: None, cause });
            }
            cause => {
                report.signals.extend(status::signal(&cause, answer.retry_after_ms(now)));
                told.cause = Some(cause);
            }
        },
    }
    report.answers.push(told);
}

fn all(batch: &OpenBatch, outcome: &Outcome) -> Vec<(usize, Outcome)> {
    batch.waiting().map(|(item, _)| (item, outcome.clone())).collect()
}
