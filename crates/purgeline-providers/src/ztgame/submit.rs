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
    let taken = Taken::read(&answer.body).filter(|_| (200..300).contains(&answer.status));
    let Some(taken) = taken else {
        return status::submission(items.len(), answer, now);
    };
    let retry = |class, code: String, message: String| {
        let cause = Cause::new(class, code, message);
        Submission::all(items.len(), &Outcome::Retry { after_ms: None, cause })
    };
    if taken.ret != 0 {
        return retry(Class::Soon, format!("{}{}", codes::RET, taken.ret), taken.message);
    }
    if let Some(rate) = taken.success_rate.filter(|rate| *rate < 100.0) {
        // Which CDN has not taken it is not said: all get it again, which does no harm.
        let message = format!("only {rate} % of the CDNs behind it have taken the purge");
        return retry(Class::Soon, codes::SUCCESS_RATE.to_owned(), message);
    }
    if taken.request.is_empty() {
        let message = "ztgame said success but gave no reqId".to_owned();
        return retry(Class::Unknown, "no-request-id".to_owned(), message);
    }
    Submission { receipt: Some(Receipt(taken.request)), ..Submission::all(items.len(), &Outcome::Accepted) }
}

/// The cause that a documented refusal gives; `None` where the answer is none.
pub(super) fn refusal(answer: &Answer) -> Option<Cause> {
    let Some(refusal) = Refusal::read(&answer.body) else {
        // Plain text, where no token was sent.
        let says_so = answer.status == 401;
        return says_so.then(|| Cause::new(Class::Unauthorised, codes::UNAUTHORIZED, answer.words()));
    };
    let (code, class) = codes::of(&refusal, answer.status)?;
    Some(Cause::new(class, code, refusal.error))
}
