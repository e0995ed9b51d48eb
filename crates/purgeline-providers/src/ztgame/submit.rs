//! What the answer to a purge means for each item of the call.

use super::{
    codes,
    types::{Refusal, Taken},
};
use crate::{
    CallItem,
    status::{self, refused},
    transport::Answer,
};
use jiff::Timestamp;
use purgeline_core::{Cause, Class, Outcome, Receipt, Submission};

pub(super) fn read(items: &[CallItem], answer: &Answer, now: Timestamp) -> Submission {
    if let Some(cause) = refusal(answer) {
        if codes::is_of_host(&cause.code) {
            return Submission::all(items.len(), &Outcome::Failed(cause));
        }
        return refused(items.len(), cause, answer.retry_after_ms(now));
    }
    match taken(answer) {
        None => status::submission(items.len(), answer, now),
        Some(taken) if taken.request.is_empty() => {
            let message = "ztgame said success but gave no reqId";
            let cause = Cause::new(Class::Unknown, "no-request-id", message);
            Submission::all(items.len(), &Outcome::Retry { after_ms: None, cause })
        }
        Some(taken) => Submission {
            receipt: Some(Receipt(taken.request)),
            ..Submission::all(items.len(), &Outcome::Accepted)
        },
    }
}

/// The cause that a documented refusal gives; `None` where the answer is none.
pub(super) fn refusal(answer: &Answer) -> Option<Cause> {
    if let Some(refusal) = Refusal::read(&answer.body) {
        let (code, class) = codes::of(&refusal, answer.status)?;
        return Some(Cause::new(class, code, refusal.error));
    }
    if answer.status == 401 {
        // Plain text.
        return Some(Cause::new(Class::Unauthorised, codes::UNAUTHORIZED, answer.words()));
    }
    let taken = taken(answer)?;
    if taken.ret != 0 {
        return Some(Cause::new(Class::Soon, format!("{}{}", codes::RET, taken.ret), taken.message));
    }
    // Which CDN has not taken it is not said: all get it again, which does no harm.
    let rate = taken.success_rate.filter(|rate| *rate < 100.0)?;
    let message = format!("only {rate} % of the CDNs behind it have taken the purge");
    Some(Cause::new(Class::Soon, codes::SUCCESS_RATE, message))
}

fn taken(answer: &Answer) -> Option<Taken> {
    Taken::read(&answer.body).filter(|_| (200..300).contains(&answer.status))
}
