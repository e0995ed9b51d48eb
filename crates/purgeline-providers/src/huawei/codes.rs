//! What Huawei Cloud's codes mean. `CDN.…` are the service's, and stand in answers of HTTP status
//! 200 as well (support.huaweicloud.com/api-cdn, error codes); `APIGW.…` are the gateway's (API
//! signing guide, error codes); the last three tell why a URL of a task failed
//! (ShowHistoryTaskDetails).

use purgeline_core::{Class, Code};

/// More than is allowed, of what is not said.
pub(super) const UPPER_LIMIT: &str = "CDN.0005";
/// More URLs than may be refreshed: the quota of the day, or the bound of a call.
pub(super) const TOO_MANY: &str = "CDN.0110";
/// There is no such task, or it is older than what is kept.
pub(super) const NOT_FOUND: &str = "CDN.0003";
/// Neither a good token nor a good signature.
pub(super) const UNAUTHENTICATED: &str = "CDN.0002";
/// The same, said by the gateway.
pub(super) const BAD_IAM: &str = "APIGW.0301";
/// The signature is wrong, or its date is more than 15 minutes off.
pub(super) const BAD_SIGNATURE: &str = "APIGW.0303";
/// A token that has ended.
pub(super) const TOKEN_ENDED: &str = "APIGW.0307";

/// All documented codes.
pub(super) const CODES: &[Code] = &[
    code("CDN.0000", "internal error", Class::Soon),
    code("CDN.0001", "a parameter is malformed or missing", Class::ItemDead),
    code(UNAUTHENTICATED, "not authenticated", Class::Unauthorised),
    // Of a task that is asked about it means that its items are sent again.
    code(NOT_FOUND, "no such object", Class::ItemDead),
    code("CDN.0004", "no permission", Class::Unauthorised),
    code(UPPER_LIMIT, "an upper limit is exceeded", Class::Delay),
    code("CDN.0020", "no permission for the enterprise project", Class::Unauthorised),
    code("CDN.0021", "fine-grained permissions deny it", Class::Unauthorised),
    code("CDN.0105", "no such domain", Class::ItemDead),
    code("CDN.0106", "the domain's state does not allow it", Class::Delay),
    code("CDN.0108", "the domain is not this account's", Class::ItemDead),
    code(TOO_MANY, "more URLs than may be refreshed", Class::QuotaDay),
    code("CDN.0114", "CDN is not activated", Class::Unauthorised),
    code("CDN.0115", "the domain is banned", Class::ItemDead),
    code("CDN.0116", "the domain is locked", Class::ItemDead),
    code("CDN.0127", "the domain's format is wrong", Class::ItemDead),
    code("CDN.0145", "the domain must be enabled", Class::Delay),
    code("CDN.0201", "the domain in the URL is wrong", Class::ItemDead),
    code("APIGW.0101", "no such API: the address is wrong", Class::Unauthorised),
    code("APIGW.0201", "the service did not answer the gateway in time", Class::Unknown),
    code(BAD_IAM, "wrong signature or token", Class::Unauthorised),
    code(BAD_SIGNATURE, "wrong signature, or a clock more than 15 minutes off", Class::Unauthorised),
    code(TOKEN_ENDED, "the token must be renewed", Class::Unauthorised),
    code("APIGW.0308", "too many calls", Class::Delay),
    code("ORIGIN_ERROR", "the origin made the refresh fail", Class::Soon),
    code("INNER_ERROR", "the CDN made the refresh fail", Class::Soon),
    code("UNKNOWN_ERROR", "the refresh failed, it is not known why", Class::Soon),
];

/// Codes that speak of a URL's domain, so of every URL of that domain.
const OF_DOMAIN: [&str; 8] =
    ["CDN.0105", "CDN.0106", "CDN.0108", "CDN.0115", "CDN.0116", "CDN.0127", "CDN.0145", "CDN.0201"];

const fn code(code: &'static str, meaning: &'static str, class: Class) -> Code {
    Code { code, meaning, class }
}

/// What a code means. One that is not documented is judged by its HTTP status; under a status of
/// success it is one more refusal of something in the request, so the call is bisected.
pub(super) fn class(code: &str, http_status: u16) -> Class {
    match CODES.iter().find(|known| known.code == code) {
        Some(known) => known.class,
        None if http_status < 300 => Class::ClientBug,
        None => crate::status::class(http_status),
    }
}

/// Whether it speaks of the domain, and so concerns all URLs of the domain alike.
pub(super) fn is_of_domain(code: &str) -> bool {
    OF_DOMAIN.contains(&code)
}

/// Whether a new token may help.
pub(super) fn is_of_token(code: &str) -> bool {
    [UNAUTHENTICATED, BAD_IAM, BAD_SIGNATURE, TOKEN_ENDED].contains(&code)
}

/// How long to wait after a refusal, in ms, if the answer does not say. The figures are this
/// project's.
pub(super) fn rest_ms(code: &str) -> Option<u64> {
    match code {
        UPPER_LIMIT => Some(60_000),
        // A domain is being configured for some minutes.
        "CDN.0106" | "CDN.0145" => Some(600_000),
        // The gateway counts by the second.
        "APIGW.0308" => Some(2_000),
        _ => None,
    }
}
