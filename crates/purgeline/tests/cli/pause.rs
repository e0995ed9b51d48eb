//! `target pause` and `target resume`: what they say, and what everybody else sees.

use crate::{
    support::{Fixture, assert_both, target},
    work::Service,
};
use purgeline_core::{Cause, Class};
use purgeline_queue::{Asked, BreakerPolicy, Fate};
use redis::AsyncTypedCommands;

const WHY: [&str; 4] = ["--reason", "the cache is being moved", "--by", "ops"];

fn pause<'a>(name: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["target", "pause", name][..], &WHY, more].concat()
}

#[tokio::test]
async fn a_target_is_paused_and_resumed() {
    let fixture = Fixture::new().await;
    let human = fixture.call(&pause("www", &[]));
    let json = fixture.call(&pause("static", &["--for", "1h 30m", "--output", "json"]));
    assert_eq!((human.code, json.code), (0, 0), "{}{}", human.err, json.err);
    assert_both("target-pause", &human, &json);
    let lasts =
        |hold: &serde_json::Value| hold["until_ms"].as_i64().unwrap() - hold["since_ms"].as_i64().unwrap();
    assert_eq!(lasts(&json.json()["hold"]), 5_400_000);

    // A shorter pause would let it go when the first one says that it must not.
    let again = fixture.call(&pause("www", &["--for", "1m"]));
    assert_eq!(again.code, 1, "{}", again.out);
    assert!(again.err.contains("www is paused for longer already: paused since"), "{}", again.err);
    assert!(again.err.contains("by ops: by-hand the cache is being moved"), "{}", again.err);

    let human = fixture.call(&["target", "resume", "www", "--by", "ops"]);
    let json = fixture.call(&["target", "resume", "static", "--output", "json"]);
    assert_eq!((human.code, json.code), (0, 0), "{}{}", human.err, json.err);
    assert_both("target-resume", &human, &json);
    // What is wanted is so: no failure.
    let again = fixture.call(&["target", "resume", "www"]);
    assert_eq!((again.code, again.out.as_str()), (0, "www: was not paused\n"));
    assert!(!fixture.call(&["target", "show", "www"]).out.contains("held"));
}

#[tokio::test]
async fn who_paused_it_and_why_stands_in_the_events() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.call(&pause("www", &[])).code, 0);
    assert_eq!(fixture.call(&["target", "resume", "www", "--by", "sre two"]).code, 0);
    let queue = fixture.queue();
    let events = queue.manager().xrange_all(queue.keys().outbox(&target("www"))).await.unwrap();
    let told: Vec<_> = events
        .ids
        .iter()
        .map(|event| {
            ["what", "name", "by", "message"].map(|name| event.get::<String>(name).unwrap_or_default())
        })
        .collect();
    assert_eq!(
        told,
        [["held", "paused", "ops", "the cache is being moved"], ["released", "paused", "sre-two", ""]]
    );
}

#[tokio::test]
async fn without_a_name_the_user_at_this_machine_has_said_it() {
    let fixture = Fixture::new().await;
    let mut command = fixture.command();
    command.args(["target", "pause", "www", "--reason", "why", "--output", "json"]).env("USER", "jo");
    let answer: serde_json::Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    assert!(answer["hold"]["by"].as_str().unwrap().starts_with("jo@"), "{answer}");
}

#[tokio::test]
async fn bad_words_are_refused_and_pause_nothing() {
    let fixture = Fixture::new().await;
    for (args, code, says) in [
        (&["target", "pause", "www"][..], 2, "--reason"),
        (&["target", "pause", "www", "--reason", " "], 2, "expected a reason"),
        (
            &["target", "pause", "www", "--reason", "x", "--for", "soon"],
            2,
            "expected a time of a millisecond",
        ),
        (&["target", "pause", "nope", "--reason", "x"], 1, "there is no target \"nope\""),
        (&["target", "resume", "nope"], 1, "there is no target \"nope\""),
    ] {
        let called = fixture.call(args);
        assert_eq!(called.code, code, "{args:?}: {}", called.err);
        assert!(called.err.contains(says), "{args:?}: {}", called.err);
    }
    assert_eq!(fixture.keys().await, 0);
}

#[tokio::test]
async fn a_worker_sends_nothing_while_paused_and_at_once_when_resumed() {
    let fixture = Fixture::new().await;
    let worker = Service::worker(&mut fixture.command());
    assert_eq!(fixture.call(&pause("www", &[])).code, 0);
    let job = fixture.enqueue(&["https://www.example.com/a"]).to_string();
    let said = fixture.call(&["target", "show", "www"]).out;
    assert!(said.contains("waiting       1 of") && said.contains("by ops: by-hand the cache"), "{said}");
    assert_eq!(fixture.call(&["target", "resume", "www"]).code, 0);
    // Nobody is there, and it may be sent once.
    while !fixture.call(&["job", "show", &job]).out.contains(": failed") {}
    worker.stop();
}

#[tokio::test]
async fn a_target_that_is_down_is_shown_with_the_provider_s_words_and_can_be_tried_at_once() {
    let fixture = Fixture::new().await;
    let (queue, www) = (fixture.queue(), target("www"));
    let policy = BreakerPolicy { failures: 1, probe_ms: 3_600_000, max_probe_ms: 3_600_000 };
    let down = Fate::Down(Cause::new(Class::Soon, "http-500", "500 Internal Server Error"));
    queue.work().answered(&www, Asked::Question, &down, &policy).await.unwrap();
    let said = fixture.call(&["target", "show", "www"]).out;
    assert!(said.contains("held          broken since"), "{said}");
    assert!(said.contains("by breaker: http-500 500 Internal Server Error"), "{said}");
    assert!(fixture.call(&["target", "list"]).out.contains("broken"));
    let resumed = fixture.call(&["target", "resume", "www"]).out;
    assert_eq!(resumed, "www: was not paused; it is broken, and is tried once more now\n");
    let hold = &queue.inspect().holds(&www).await.unwrap()[0];
    assert!(hold.until_ms.unwrap() <= queue.now_ms().await.unwrap());
}
