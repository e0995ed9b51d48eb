//! Requests against what the official SDKs sent, and what each answer means.

use super::{client::Client, *};
use crate::testing::{TO_NEXT_DAY_MS, answer, context, dir, now, url};
use crate::{CallItem, OpenBatch, transport::Answer};
use jiff::Timestamp;
use purgeline_core::{Cause, Class, Item, Outcome, PollReport, Receipt, Signal, Submission, Verdict};
use serde_json::{Value, json};

mod golden;
mod polls;
mod submissions;

fn client(settings: &Value) -> Client {
    let context = context(settings);
    Client::new(&context, &settings::read(&context.settings).unwrap()).unwrap()
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
