//! Requests against what the official SDKs sent, and what each answer means.

use super::{client::Client, *};
use crate::{CallItem, OpenBatch, transport::Answer};
use jiff::Timestamp;
use purgeline_core::{
    Cause, Class, Item, ManualClock, Outcome, PollReport, Receipt, Signal, Submission, Verdict,
};
use serde_json::{Value, json};
use std::time::Duration;

mod golden;
mod polls;
mod submissions;

/// 08:30 of 2 January in UTC+8: 15.5 hours to the next day.
const NOW: &str = "2026-01-02T00:30:00Z";
const TO_NEXT_DAY_MS: u64 = (15 * 60 + 30) * 60_000;

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn context(settings: &Value) -> BuildContext {
    BuildContext {
        settings: Settings::from(settings.as_object().unwrap().clone()),
        timeout: Duration::from_secs(60),
        clock: Arc::new(ManualClock::new(now())),
    }
}

fn client(settings: &Value) -> Client {
    let context = context(settings);
    Client::new(&context, &settings::read(&context.settings).unwrap()).unwrap()
}

fn url(text: &str) -> CallItem {
    CallItem { item: Item::url(text).unwrap(), action: Action::Default }
}

fn dir(text: &str) -> CallItem {
    CallItem { item: Item::dir(text).unwrap(), action: Action::Default }
}

fn answer(body: &Value) -> Answer {
    Answer::of(200, &[("content-type", "application/json")], body.to_string())
}

#[test]
fn secrets_are_needed_to_send_and_not_to_judge() {
    let none = context(&json!({}));
    assert_eq!(descriptor(&none.settings).unwrap().limits.call.max_items.get(), 70);
    for (settings, missing) in [
        (json!({}), "settings.access_key: missing"),
        (json!({"access_key": "a"}), "settings.secret_key: missing"),
        (json!({"access_key": "a", "secret_key": " "}), "settings.secret_key: missing"),
    ] {
        let error = build(&context(&settings)).unwrap_err().to_string();
        assert!(error.starts_with(missing), "{error}");
    }
    let bad = context(&json!({"access_key": "a\nb", "secret_key": "swordfish"}));
    let error = build(&bad).unwrap_err().to_string();
    assert!(error.starts_with("settings.access_key") && !error.contains("swordfish"), "{error}");
}

#[test]
fn the_poll_schedule_can_be_set() {
    let settings = context(&json!({"polls": {"first_ms": 5, "then_ms": 10, "max_ms": 20}})).settings;
    let polls = descriptor(&settings).unwrap().polls.unwrap();
    assert_eq!((polls.first_ms, polls.then_ms, polls.max_ms, polls.deadline_ms), (5, 10, 20, 900_000));
    let polls = descriptor(&Settings::default()).unwrap().polls.unwrap();
    assert_eq!((polls.wait_ms(0), polls.wait_ms(1), polls.wait_ms(9)), (60_000, 60_000, 60_000));
}
