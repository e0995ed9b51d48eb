//! What the tests of all providers stand on.

use crate::{BuildContext, CallItem, transport::Answer};
use jiff::Timestamp;
use purgeline_core::{Action, Item, ManualClock, config::Settings};
use serde_json::Value;
use std::{sync::Arc, time::Duration};

/// 08:30 of 2 January in UTC+8: 15.5 hours to the next day.
pub(crate) const NOW: &str = "2026-01-02T00:30:00Z";
pub(crate) const TO_NEXT_DAY_MS: u64 = (15 * 60 + 30) * 60_000;

pub(crate) fn now() -> Timestamp {
    NOW.parse().unwrap()
}

/// What a client is made from, at [`NOW`].
pub(crate) fn context(settings: &Value) -> BuildContext {
    context_at(settings, now())
}

pub(crate) fn context_at(settings: &Value, time: Timestamp) -> BuildContext {
    BuildContext {
        settings: Settings::from(settings.as_object().unwrap().clone()),
        timeout: Duration::from_secs(60),
        clock: Arc::new(ManualClock::new(time)),
    }
}

pub(crate) fn url(text: &str) -> CallItem {
    CallItem { item: Item::url(text).unwrap(), action: Action::Default }
}

pub(crate) fn dir(text: &str) -> CallItem {
    CallItem { item: Item::dir(text).unwrap(), action: Action::Default }
}

/// HTTP 200 with this body.
pub(crate) fn answer(body: &Value) -> Answer {
    Answer::of(200, &[("content-type", "application/json")], body.to_string())
}
