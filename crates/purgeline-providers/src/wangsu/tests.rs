//! Requests against what the official SDK sent, and what each answer means.

use super::{client::Client, *};
use crate::testing::{context_at, dir, url};
use crate::{CallItem, OpenBatch, transport::Answer};
use jiff::Timestamp;
use purgeline_core::{
    Cause, Class, Item, ManualClock, Outcome, PollReport, Receipt, Signal, Submission, Verdict,
};
use serde_json::{Value, json};

mod golden;
mod messages;
mod polls;
mod signatures;
mod submissions;

/// 08:30 of 2 January in UTC+8: 15.5 hours to the next day.
const NOW: &str = "2026-01-02T00:30:00.400Z";
const TO_NEXT_DAY_MS: u64 = (15 * 60 + 30) * 60_000 - 400;

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn context(settings: &Value) -> BuildContext {
    context_at(settings, now())
}

fn client_at(settings: &Value, time: Timestamp) -> Client {
    let context = context_at(settings, time);
    Client::new(&context, &settings::read(&context.settings).unwrap()).unwrap()
}

fn with(action: Action, item: CallItem) -> CallItem {
    CallItem { action, ..item }
}

fn answer(body: &Value) -> Answer {
    Answer::of(200, &[("content-type", "charset=utf-8; charset=UTF-8")], body.to_string())
}

fn problem(settings: &Value) -> String {
    build(&context(settings)).unwrap_err().to_string()
}

#[test]
fn one_pair_of_credentials_is_needed_to_send_and_none_to_judge() {
    assert_eq!(descriptor(&Settings::default()).unwrap().limits.call.max_items.get(), 500);
    let missing = "missing: calls cannot be signed without it";
    assert_eq!(problem(&json!({"username": "u"})), format!("settings.api_key: {missing}"));
    assert_eq!(problem(&json!({"api_key": "swordfish"})), format!("settings.username: {missing}"));
    assert_eq!(
        problem(&json!({"access_key": "a", "secret_key": " "})),
        format!("settings.secret_key: {missing}")
    );
    assert_eq!(problem(&json!({"secret_key": "swordfish"})), format!("settings.access_key: {missing}"));
    assert!(problem(&json!({})).starts_with("settings: no credentials: "));
    let both = json!({"username": "u", "api_key": "k", "access_key": "a", "secret_key": "swordfish"});
    assert!(problem(&both).starts_with("settings: two pairs of credentials: "));
    let colon = json!({"username": "u:v", "api_key": "swordfish"});
    assert!(problem(&colon).starts_with("settings.username: holds a colon"));
    let control = json!({"access_key": "a\nb", "secret_key": "swordfish"});
    assert!(problem(&control).starts_with("settings.access_key: holds a character"));
    for good in [json!({"username": "u", "api_key": "k"}), json!({"access_key": "a", "secret_key": "s"})] {
        assert!(build(&context(&good)).is_ok());
    }
}

#[test]
fn dirs_are_deleted_only_where_the_account_is_entitled() {
    let fold = |settings: &Value, kind, action| {
        descriptor(&context(settings).settings).unwrap().fold_action(kind, action)
    };
    for action in Action::ALL {
        assert_eq!(fold(&json!({}), Kind::Url, action), action);
        assert_eq!(fold(&json!({"dir_delete_entitled": true}), Kind::Dir, action), action);
    }
    assert_eq!(fold(&json!({}), Kind::Dir, Action::Expire), Action::Expire);
    // What the domain is set to.
    assert_eq!(fold(&json!({}), Kind::Dir, Action::Delete), Action::Default);
}

#[test]
fn items_have_the_seeds_lengths() {
    let descriptor = descriptor(&Settings::default()).unwrap();
    for (kind, most) in [(Kind::Url, 2_000), (Kind::Dir, 1_000)] {
        let of = |chars: usize| {
            let text = format!("http://h/{}/", "a".repeat(chars - 10));
            assert_eq!(text.len(), chars);
            descriptor.check(&Item::from_normalized(kind, text))
        };
        assert_eq!(of(most), Ok(()));
        assert!(of(most + 1).unwrap_err().contains("characters long"));
    }
}

#[test]
fn the_poll_schedule_can_be_set() {
    let settings = context(&json!({"polls": {"first_ms": 5, "then_ms": 10, "max_ms": 20}})).settings;
    let polls = descriptor(&settings).unwrap().polls.unwrap();
    assert_eq!((polls.first_ms, polls.then_ms, polls.max_ms, polls.deadline_ms), (5, 10, 20, 900_000));
    let polls = descriptor(&Settings::default()).unwrap().polls.unwrap();
    assert_eq!(
        (0..4).map(|asked| polls.wait_ms(asked)).collect::<Vec<_>>(),
        [90_000, 60_000, 90_000, 120_000]
    );
    assert!(polls.batches_per_call.get() >= 50, "all that may be sent in a window");
}
