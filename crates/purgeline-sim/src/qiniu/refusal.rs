//! How a refusal is answered.

use super::settings::{HttpStatus, QiniuSettings};
use super::wire::{Code, ErrorAnswer, RefreshAnswer};
use crate::provider::Answer;

/// A refusal as such, with every other field empty.
pub(super) fn refusal(settings: &QiniuSettings, code: Code) -> Answer {
    let status = status(settings, code);
    if code.number < 1_000 {
        // The gateway's own: no code in the body.
        let error = code.text;
        return Answer::json(status, code.name, &ErrorAnswer { code: None, error });
    }
    let answer = RefreshAnswer { code: code.number, error: code.text, ..RefreshAnswer::default() };
    Answer::json(status, code.name, &answer)
}

/// 401, 404 and 405 are HTTP's own; for the rest see [`HttpStatus`].
pub(super) fn status(settings: &QiniuSettings, code: Code) -> u16 {
    let status = code.http_status();
    match settings.http_status {
        HttpStatus::AlwaysOk if !matches!(status, 401 | 404 | 405) => 200,
        _ => status,
    }
}
