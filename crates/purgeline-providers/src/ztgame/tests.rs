//! Requests as seed 002 has them, and what each answer means.

use super::{client::Client, *};
use crate::testing::{answer, context, dir, now, url};
use crate::{CallItem, OpenBatch, transport::Answer};
use purgeline_core::{Cause, Class, Outcome, PollReport, Receipt, Signal, Submission, Verdict};
use serde_json::{Value, json};

mod golden;
mod polls;
mod submissions;

/// The seed's example.
const REQUEST: &str = "fa97b5d1-929f-11e5-b504-e03f4978b2ff";

fn client(settings: &Value) -> Client {
    let context = context(settings);
    Client::new(&context, &settings::read(&context.settings).unwrap()).unwrap()
}

#[test]
fn secrets_are_needed_to_send_and_not_to_judge() {
    let descriptor = descriptor(&Settings::default()).unwrap();
    let call = &descriptor.limits.call;
    assert_eq!((call.max_items.get(), call.max_hosts, call.mix_kinds), (10, Some(NonZeroU32::MIN), false));
    assert_eq!(descriptor.timeout_ms.get(), 60_000);
    for (settings, missing) in [
        (json!({}), "settings.username: missing"),
        (json!({"username": " ", "password": "swordfish"}), "settings.username: missing"),
        (json!({"username": "u"}), "settings.password: missing"),
        (json!({"username": "u", "password": ""}), "settings.password: missing"),
        (json!({"username": "u", "password": "swordfish", "base_url": "h"}), "settings.base_url: not"),
    ] {
        let error = build(&context(&settings)).unwrap_err().to_string();
        assert!(error.starts_with(missing) && !error.contains("swordfish"), "{error}");
    }
}

#[test]
fn the_poll_schedule_can_be_set() {
    let settings = context(&json!({"polls": {"first_ms": 5, "then_ms": 10, "max_ms": 20}})).settings;
    let polls = descriptor(&settings).unwrap().polls.unwrap();
    assert_eq!((polls.first_ms, polls.then_ms, polls.max_ms, polls.deadline_ms), (5, 10, 20, 1_800_000));
    assert_eq!(polls.resubmits, Some(1));
}
