//! What ztgame's answers mean. It has words instead of codes; here they stand with `-` for each
//! space. All are from the public source of the server that seed 002 documents
//! (github.com/cash2one/ztcdn), but `ret-…` and `success-rate`, which are the seed's.

use super::types::Refusal;
use purgeline_core::{Class, Code};

/// No token came with the call.
pub(super) const UNAUTHORIZED: &str = "Unauthorized";
/// There is no such task.
pub(super) const UNKNOWN_TASK: &str = "task-id-can-not-found";
/// Some of the CDNs behind the server have not taken the purge.
pub(super) const SUCCESS_RATE: &str = "success-rate";
/// What stands before the HTTP status of a CDN that refused.
pub(super) const OF_CDN: &str = "downstream-";
/// What stands before a `ret` that is not 0.
pub(super) const RET: &str = "ret-";

const INVALID_TOKEN: &str = "invalid-token";
const FOREIGN_TOKEN: &str = "Could-not-find-token";
const NOT_YOURS: &str = "not-yours";
const NO_CDN: &str = "can-not-found-sp";

/// All documented answers but success.
pub(super) const CODES: &[Code] = &[
    code(UNAUTHORIZED, "no token was sent", Class::Unauthorised),
    code(INVALID_TOKEN, "the token is wrong or has ended", Class::Unauthorised),
    code(FOREIGN_TOKEN, "the token is not known", Class::Unauthorised),
    code(
        "A-single-host-name-can-only-be-submitted-at-a-time",
        "items of several hosts in one call",
        Class::ClientBug,
    ),
    code(NOT_YOURS, "the host is not this account's, or not ready", Class::ItemDead),
    code(NO_CDN, "no CDN serves the host", Class::ItemDead),
    code("downstream-400", "a CDN behind the server refused (any 4xx)", Class::ItemDead),
    code("downstream-403", "a CDN behind the server refused", Class::ItemDead),
    code("downstream-500", "a CDN behind the server failed (any 5xx)", Class::Soon),
    code("ret-1", "the purge failed (any ret but 0)", Class::Soon),
    code(SUCCESS_RATE, "only a part of the CDNs took the purge", Class::Soon),
    code("failure", "the task failed", Class::Soon),
    code("error", "the task failed when a CDN was given it", Class::Soon),
    code("delete", "the task was deleted", Class::Soon),
    code(UNKNOWN_TASK, "no such task", Class::Unknown),
];

const fn code(code: &'static str, meaning: &'static str, class: Class) -> Code {
    Code { code, meaning, class }
}

/// The code of a refusal, and its class; `None` for words that are not documented, which the HTTP
/// status explains.
pub(super) fn of(refusal: &Refusal, http_status: u16) -> Option<(String, Class)> {
    if refusal.of_cdn {
        // Its own refusals of our rate or for want of time are no refusals of an item.
        let class = match http_status {
            408 | 425 | 429 => Class::Soon,
            400..=499 => Class::ItemDead,
            _ => Class::Soon,
        };
        return Some((format!("{OF_CDN}{http_status}"), class));
    }
    let known = CODES.iter().find(|known| {
        let words = known.code.replace('-', " ");
        match known.code {
            // It begins with the host.
            NOT_YOURS => refusal.error.contains("is not yours or not ready"),
            _ => refusal.error.trim().eq_ignore_ascii_case(&words),
        }
    })?;
    Some((known.code.to_owned(), known.class))
}

/// Whether a new token may help.
pub(super) fn is_of_token(code: &str) -> bool {
    [UNAUTHORIZED, INVALID_TOKEN, FOREIGN_TOKEN].contains(&code)
}

/// Whether it speaks of the host, and so concerns all items of the call alike.
pub(super) fn is_of_host(code: &str) -> bool {
    [NOT_YOURS, NO_CDN].contains(&code)
}
