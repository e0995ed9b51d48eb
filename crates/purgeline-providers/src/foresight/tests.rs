//! What is sent, and what each answer means.

use super::{client::Client, listing::Marks, *};
use crate::testing::{context, now};
use crate::{CacheEntry, CallItem, OpenBatch, transport::Answer};
use purgeline_core::{
    Cause, Class, Item, Outcome, PollReport, Receipt, Resource, Signal, Submission, Verdict,
};
use serde_json::{Value, json};

mod listings;
mod polls;
mod requests;
mod submissions;

const TASK: &str = "5b1c2f0e-51b1-4e0c-8000-1d2c3b4a5f60";

fn client(settings: &Value) -> Client {
    let context = context(settings);
    Client::new(&context, &settings::read(&context.settings).unwrap()).unwrap()
}

fn resource(title: &str, params: &Value) -> CallItem {
    let params = params.as_object().unwrap().clone();
    let item = Item::resource(&Resource { title: title.to_owned(), params }).unwrap();
    CallItem { item, action: Action::Default }
}

fn answer(body: &Value) -> Answer {
    Answer::of(200, &[("content-type", "application/json; charset=utf-8")], body.to_string())
}

fn state(word: &str) -> Answer {
    answer(&json!({"task_id": TASK, "task_state": word}))
}

fn marks(entries: &Value) -> Marks {
    Marks::of(&listing::read(&entries.to_string()).unwrap())
}

fn cache(device: &str, version: u32, etag: &str) -> Value {
    json!({"user": "some-token", "device": device, "sync_datetime": "2026-01-01T10:00:00.000000Z",
           "version": version, "etag": etag})
}

#[test]
fn the_token_is_needed_to_send_and_not_to_judge() {
    let settings = json!({"base_url": "http://fmp.example.com"});
    let described = descriptor(&context(&settings).settings).unwrap();
    assert_eq!(described.limits.call.max_items.get(), 1);
    let problem = |settings: &Value| build(&context(settings)).unwrap_err().to_string();
    assert!(problem(&settings).starts_with("settings.token: missing"));
    assert_eq!(problem(&json!({"token": "swordfish"})), "settings.base_url: missing");
    for (settings, path) in [
        (json!({"base_url": "http://h", "token": "sword\nfish"}), "settings.token: holds"),
        (
            json!({"base_url": "http://h", "token": "swordfish", "token_prefix": "a\nb"}),
            "settings.token_prefix: holds",
        ),
    ] {
        let problem = problem(&settings);
        assert!(problem.starts_with(path) && !problem.contains("fish"), "{problem}");
    }
}

#[test]
fn only_resources_are_taken() {
    let descriptor = descriptor(&context(&json!({"base_url": "http://h"})).settings).unwrap();
    assert_eq!(descriptor.check(&resource("Sales", &json!({})).item), Ok(()));
    let refused = descriptor.check(&Item::url("http://h/a").unwrap()).unwrap_err();
    assert_eq!(refused, "Foresight Mobile Platform takes no url items, only resource");
}

#[test]
fn the_proof_costs_requests_and_so_calls() {
    let rates = |verify: bool| {
        let settings = context(&json!({"base_url": "http://h", "verify_listing": verify})).settings;
        let limits = descriptor(&settings).unwrap().limits;
        limits.rates.iter().map(Rate::to_string).collect::<Vec<_>>()
    };
    assert_eq!(rates(false), ["5 per 1 s", "5 per 1 s"]);
    assert_eq!(rates(true), ["2 per 1 s", "2 per 1 s"]);
}

#[test]
fn the_poll_schedule_can_be_set() {
    let settings =
        context(&json!({"base_url": "http://h", "polls": {"first_ms": 5, "deadline_ms": 50}})).settings;
    let polls = descriptor(&settings).unwrap().polls.unwrap();
    assert_eq!((polls.first_ms, polls.then_ms, polls.max_ms, polls.deadline_ms), (5, 3_000, 60_000, 50));
    let polls = descriptor(&context(&json!({"base_url": "http://h"})).settings).unwrap().polls.unwrap();
    // A forgotten task is PENDING too, and tasks are forgotten after a day.
    assert!(polls.deadline_ms < 86_400_000 / 2);
}
