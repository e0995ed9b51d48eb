//! What answers mean. The seed documents no error: HTTP statuses by the conventions of Django REST
//! framework, whose headers its traces show, and the states of Celery, whose words it uses.

use crate::{status, transport::Answer};
use purgeline_core::{Cause, Class, Code};

/// All of it assumed.
pub(super) const CODES: &[Code] = &[
    code("FAILURE", "the refresh failed", Class::Soon),
    code("REVOKED", "the refresh was called off", Class::Soon),
    code("http-400", "the title or a parameter is wrong", Class::ItemDead),
    code("http-401", "the token is wrong, or has expired", Class::Unauthorised),
    code("http-403", "the token's user may not", Class::Unauthorised),
    code("http-404", "no such resource; no such task", Class::ItemDead),
    code("http-405", "no such method here: base_url is wrong", Class::Unauthorised),
    code("http-415", "no JSON taken here: base_url is wrong", Class::Unauthorised),
    code("http-429", "too many requests", Class::Delay),
    code("http-500", "server error", Class::Soon),
    code("http-502", "the server behind nginx failed", Class::Unknown),
    code("http-503", "unavailable", Class::Delay),
    code("http-504", "the server behind nginx did not answer", Class::Unknown),
];

/// How long the target rests after 429, in ms, if the answer does not say.
pub(super) const REST_MS: u64 = 60_000;

const fn code(code: &'static str, meaning: &'static str, class: Class) -> Code {
    Code { code, meaning, class }
}

/// The cause that an answer gives that is no success.
pub(super) fn cause(answer: &Answer) -> Cause {
    let cause = status::cause(answer);
    let class = CODES.iter().find(|code| code.code == cause.code).map_or(cause.class, |code| code.class);
    match answer.status {
        401 => Cause::new(class, cause.code, format!("{}; set a new settings.token", cause.message)),
        _ => Cause { class, ..cause },
    }
}

/// How long the target is asked to rest, in ms.
pub(super) fn rest_ms(answer: &Answer, now: jiff::Timestamp) -> Option<u64> {
    answer.retry_after_ms(now).or((answer.status == 429).then_some(REST_MS))
}

/// A task that ended otherwise than well.
pub(super) fn failed(word: &str) -> Cause {
    let class = CODES.iter().find(|code| code.code == word).map_or(Class::Soon, |code| code.class);
    Cause::new(class, word, "the server says that the refresh ended so, not why")
}
