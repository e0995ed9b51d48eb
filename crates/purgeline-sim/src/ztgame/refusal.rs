//! The server's refusals, as its public source has them.

use serde_json::json;

use super::settings::{AnswerShape, ZtgameSettings};
use crate::provider::Answer;

/// Why a call is refused.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Refusal {
    NoToken,
    InvalidToken,
    UnknownToken,
    MixedHosts,
    NotYours(String),
    /// Nothing was asked, or no CDN serves it.
    NoCdn,
    /// More than ten. No answer is documented.
    TooMany,
    /// A CDN behind the server refused; others may have accepted.
    Downstream(u16),
    /// `ret` is not 0.
    Failed,
    UnknownTask,
    NotJson,
    NotFound,
    BadMethod,
}

// === impl Refusal ===

impl Refusal {
    /// The names that a fault plan knows them by, and the log.
    pub(super) const NAMES: &'static [&'static str] = &[
        "Unauthorized",
        "invalid token",
        "Could not find token",
        "A single host name can only be submitted at a time",
        "not yours",
        "can not found sp",
        "downstream 400",
        "downstream 403",
        "downstream 500",
        "ret 1",
        "task id can not found",
    ];

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::NoToken => "Unauthorized",
            Self::InvalidToken => "invalid token",
            Self::UnknownToken => "Could not find token",
            Self::MixedHosts => "A single host name can only be submitted at a time",
            Self::NotYours(_) => "not yours",
            Self::NoCdn => "can not found sp",
            Self::TooMany => "too many",
            Self::Downstream(400) => "downstream 400",
            Self::Downstream(403) => "downstream 403",
            Self::Downstream(_) => "downstream 500",
            Self::Failed => "ret 1",
            Self::UnknownTask => "task id can not found",
            Self::NotJson => "http 400",
            Self::NotFound => "http 404",
            Self::BadMethod => "http 405",
        }
    }

    /// The refusal of this name, about a call to this host.
    pub(super) fn by_name(name: &str, host: String) -> Self {
        match name {
            "Unauthorized" => Self::NoToken,
            "invalid token" => Self::InvalidToken,
            "Could not find token" => Self::UnknownToken,
            "A single host name can only be submitted at a time" => Self::MixedHosts,
            "not yours" => Self::NotYours(host),
            "can not found sp" => Self::NoCdn,
            "downstream 400" => Self::Downstream(400),
            "downstream 403" => Self::Downstream(403),
            "ret 1" => Self::Failed,
            "task id can not found" => Self::UnknownTask,
            _ => Self::Downstream(500),
        }
    }

    pub(super) fn answer(&self, settings: &ZtgameSettings) -> Answer {
        let name = self.name();
        let error = |status: u16, text: &str| Answer::json(status, name, &json!({ "error": text }));
        let html = |status: u16, title: &str| {
            let body = format!("<!DOCTYPE HTML>\n<title>{status} {title}</title>\n<h1>{title}</h1>\n");
            Answer::new(status, name, "text/html", body)
        };
        match self {
            Self::NoToken => Answer::new(401, name, "text/html; charset=utf-8", "Unauthorized"),
            Self::InvalidToken | Self::MixedHosts => error(400, name),
            Self::UnknownToken | Self::NoCdn | Self::UnknownTask => error(404, name),
            Self::NotYours(host) => error(403, &format!("{host} is not yours or not ready")),
            Self::TooMany => {
                let most = settings.items_per_call;
                error(400, &format!("no more than {most} can be submitted at a time"))
            }
            Self::Downstream(status) => {
                let body = json!({ "error": "purge failed", "successRate": 50.0 });
                Answer::json(*status, name, &body)
            }
            Self::Failed => {
                let rate = match settings.answer {
                    AnswerShape::Nested => "success_rate",
                    AnswerShape::NestedCamel | AnswerShape::Flat => "successRate",
                };
                let body = json!({ "zt_api": { "msg": "failed", "reqId": "", "ret": 1, rate: 0.0 } });
                Answer::json(200, name, &body)
            }
            Self::NotJson => html(400, "Bad Request"),
            Self::NotFound => html(404, "Not Found"),
            Self::BadMethod => html(405, "Method Not Allowed"),
        }
    }
}
