//! What Qiniu's codes mean. They stand in the body; the HTTP status may say 200 beside any of
//! them (seed 003 heads the table "HTTP status", which 400031 cannot be).

use purgeline_core::{Class, Code};

/// Success (seed 003): the items were taken, but for those that it names as invalid.
pub(super) const SUCCESS: u32 = 200;
/// Today's quota of URLs is spent (seed 003).
pub(super) const URL_QUOTA: u32 = 400_034;
/// Today's quota of dirs is spent (developer.qiniu.com/fusion/13361).
pub(super) const DIR_QUOTA: u32 = 400_035;
/// No such request (seed 003).
pub(super) const UNKNOWN_REQUEST: u32 = 400_036;
/// An item is being refreshed already (seed 003).
pub(super) const UNDER_WAY: u32 = 400_037;
/// Dirs may not be refreshed: the permission is off until asked for (seed 003).
pub(super) const NO_DIRS: u32 = 400_038;
/// All users' calls together are too many (seed 003).
pub(super) const SERVER_RATE: u32 = 403_022;

/// All documented codes but success: seed 003, and where marked developer.qiniu.com/fusion/13361.
pub(super) const CODES: &[Code] = &[
    code("400", "bad request", Class::ClientBug),        // 13361
    code("401", "bad credentials", Class::Unauthorised), // 13361
    code("403", "forbidden", Class::Unauthorised),       // 13361
    code("404", "no such address", Class::Unauthorised), // 13361
    code("405", "no such method", Class::Unauthorised),  // 13361
    code("429", "too many requests", Class::Delay),      // 13361
    code("500", "server error", Class::Soon),            // 13361
    code("503", "unavailable", Class::Delay),            // 13361
    code("400000", "invalid input", Class::ClientBug),   // seed 003, query
    code("400031", "invalid url", Class::ItemDead),
    code("400032", "invalid host", Class::ItemDead),
    code("400034", "daily refresh limit exceeded", Class::QuotaDay),
    code("400035", "daily directory refresh limit exceeded", Class::QuotaDay), // 13361
    code("400036", "invalid request id", Class::Unknown),
    code("400037", "url is being refreshed already", Class::Delay),
    code("400038", "no permission to refresh directories", Class::Unauthorised),
    code("401001", "bad signature", Class::Unauthorised), // 13361
    code("401002", "bad Authorization header", Class::Unauthorised), // 13361
    code("403022", "all users' calls together are too many", Class::Delay),
    code("403024", "this user's calls are too many", Class::Delay),
    code("500000", "internal error", Class::Soon),
    code("500005", "query data error", Class::Soon), // seed 003, query
];

const fn code(code: &'static str, meaning: &'static str, class: Class) -> Code {
    Code { code, meaning, class }
}

/// What a code means; one that is not documented, by the HTTP status that its first three digits
/// are.
pub(super) fn class(code: u32) -> Class {
    let text = code.to_string();
    match CODES.iter().find(|known| known.code == text) {
        Some(known) => known.class,
        None => {
            let status = text.get(..3).and_then(|status| status.parse().ok()).unwrap_or(0);
            crate::status::class(status)
        }
    }
}

/// How long the target rests after a refusal for its rate, in ms, if the answer does not say.
/// The figures are this project's: a second is the window of both limits (seed 003), and what
/// all users do together passes more slowly.
pub(super) const fn rest_ms(code: u32) -> u64 {
    match code {
        SERVER_RATE => 15_000,
        _ => 2_000,
    }
}
