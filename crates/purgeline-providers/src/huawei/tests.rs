//! Requests against what the official SDK sent, and what each answer means.

use super::{client::Client, *};
use crate::testing::{TO_NEXT_DAY_MS, answer, context, dir, now, url};
use crate::{CallItem, OpenBatch, transport::Answer};
use purgeline_core::{Item, Outcome, PollReport, Receipt, Signal, Submission, Verdict};
use serde_json::{Value, json};

mod golden;
mod polls;
mod submissions;

fn client(settings: &Value) -> Client {
    let context = context(settings);
    Client::new(&context, &settings::read(&context.settings).unwrap()).unwrap()
}

fn described(settings: &Value) -> Descriptor {
    descriptor(&context(settings).settings).unwrap()
}

#[test]
fn the_two_apis_differ_in_lengths() {
    let (legacy, current) = (described(&json!({"api": "legacy"})), described(&json!({})));
    for (descriptor, max) in [(legacy, 10_240), (current, 4_096)] {
        let of_length = |length: usize| format!("http://h/{}", "a".repeat(length - 9));
        assert_eq!(descriptor.check(&url(&of_length(max)).item), Ok(()));
        let long = Item::from_normalized(Kind::Url, of_length(max + 1));
        assert!(descriptor.check(&long).unwrap_err().contains(&max.to_string()));
        let call = descriptor.limits.call;
        assert_eq!((call.max_of_kind[&Kind::Url].get(), call.max_of_kind[&Kind::Dir].get()), (1_000, 100));
        assert!(!call.mix_kinds);
    }
}

#[test]
fn a_url_in_two_spellings_counts_twice() {
    let call = described(&json!({"chinese_urls": "both"})).limits.call;
    assert_eq!((call.max_items.get(), call.max_of_kind[&Kind::Dir].get()), (500, 50));
}

#[test]
fn one_way_to_authenticate_is_needed_to_send_and_none_to_judge() {
    described(&json!({"iam": {"user": "u", "domain": "d"}}));
    for (settings, problem) in [
        (json!({}), "settings.access_key: missing"),
        (json!({"access_key": "a"}), "settings.secret_key: missing"),
        (json!({"access_key": "a", "secret_key": " "}), "settings.secret_key: missing"),
        (json!({"access_key": "a\nb", "secret_key": "swordfish"}), "settings.access_key: holds"),
        (
            json!({"access_key": "a", "secret_key": "swordfish", "security_token": "a\nb"}),
            "settings.security_token: holds",
        ),
        (
            json!({"access_key": "a", "secret_key": "swordfish", "domain_id": "a\nb"}),
            "settings.domain_id: holds",
        ),
        (json!({"iam": {"user": "u", "domain": "d"}}), "settings.iam.password: missing"),
        (
            json!({"iam": {"user": "u", "domain": "d", "password": "swordfish", "base_url": "iam"}}),
            "settings.iam.base_url: not an address",
        ),
        (
            json!({"iam": {"user": "u", "domain": "d", "password": "swordfish"}, "access_key": "a"}),
            "settings.iam: set beside keys",
        ),
    ] {
        let error = build(&context(&settings)).unwrap_err().to_string();
        assert!(error.starts_with(problem) && !error.contains("swordfish"), "{error}");
    }
}

#[test]
fn the_poll_schedule_can_be_set() {
    let polls = described(&json!({"polls": {"first_ms": 5, "then_ms": 10, "max_ms": 20}})).polls.unwrap();
    assert_eq!((polls.first_ms, polls.then_ms, polls.max_ms, polls.deadline_ms), (5, 10, 20, 3_600_000));
    let polls = described(&json!({})).polls.unwrap();
    let waits: Vec<_> = (0..4).map(|asked| polls.wait_ms(asked)).collect();
    assert_eq!(waits, [60_000, 30_000, 45_000, 67_500]);
}
