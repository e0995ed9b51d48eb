//! The server's refusals. None is documented; these are the conventions of the framework that its
//! headers point to (Django REST Framework).

use serde_json::{Value, json};

use crate::provider::Answer;

/// The media type of the seed's traces.
pub(super) const JSON: &str = "application/json; charset=utf-8";

/// Why a call is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    NoCredentials,
    BadToken,
    Forbidden,
    NotJson,
    NoTitle,
    NoTaskId,
    NotFound,
    /// The path lacks its final slash: the answer leads there, and a client that follows it asks
    /// with GET and without the body.
    NoSlash,
    BadMethod,
    MediaType,
    Throttled,
    Internal,
}

// === impl Refusal ===

impl Refusal {
    const ALL: [Self; 11] = [
        Self::NoCredentials,
        Self::BadToken,
        Self::Forbidden,
        Self::NotJson,
        Self::NoTitle,
        Self::NoTaskId,
        Self::NotFound,
        Self::BadMethod,
        Self::MediaType,
        Self::Throttled,
        Self::Internal,
    ];

    /// The names that a fault plan knows them by, and the log.
    pub(super) const NAMES: &'static [&'static str] = &[
        "not_authenticated",
        "authentication_failed",
        "permission_denied",
        "parse_error",
        "required",
        "task_id",
        "not_found",
        "method_not_allowed",
        "unsupported_media_type",
        "throttled",
        "error",
    ];

    pub(super) fn by_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|r| r.name() == name).unwrap_or(Self::Internal)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::NoCredentials => "not_authenticated",
            Self::BadToken => "authentication_failed",
            Self::Forbidden => "permission_denied",
            Self::NotJson => "parse_error",
            Self::NoTitle => "required",
            Self::NoTaskId => "task_id",
            Self::NotFound => "not_found",
            Self::NoSlash => "redirect",
            Self::BadMethod => "method_not_allowed",
            Self::MediaType => "unsupported_media_type",
            Self::Throttled => "throttled",
            Self::Internal => "error",
        }
    }

    pub(super) fn answer(self, path: &str) -> Answer {
        let detail = |text: &str| json!({ "detail": text });
        let (status, body): (u16, Value) = match self {
            Self::NoCredentials => (401, detail("Authentication credentials were not provided.")),
            Self::BadToken => (401, detail("Invalid token.")),
            Self::Forbidden => (403, detail("You do not have permission to perform this action.")),
            Self::NotJson => (400, detail("JSON parse error - Expecting value: line 1 column 1 (char 0)")),
            Self::NoTitle => (400, json!({ "resource_title": ["This field is required."] })),
            Self::NoTaskId => (400, json!({ "task_id": ["This field is required."] })),
            Self::NotFound => (404, detail("Not found.")),
            Self::BadMethod => (405, detail("Method not allowed.")),
            Self::MediaType => (415, detail("Unsupported media type in request.")),
            Self::Throttled => (429, detail("Request was throttled. Expected available in 1 second.")),
            Self::NoSlash => {
                let answer = Answer::new(301, self.name(), "text/html; charset=utf-8", "");
                return answer.header("location", &format!("{path}/"));
            }
            Self::Internal => {
                let body = "<h1>Server Error (500)</h1>";
                return Answer::new(500, self.name(), "text/html", body);
            }
        };
        let answer = Answer::json_as(status, self.name(), JSON, &body);
        match self {
            Self::NoCredentials | Self::BadToken => answer.header("www-authenticate", "Bearer"),
            Self::Throttled => answer.header("retry-after", "1"),
            _ => answer,
        }
    }
}
