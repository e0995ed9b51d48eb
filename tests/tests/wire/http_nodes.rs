//! The `http` provider against several nodes that disagree.

use purgeline_core::{Class, Kind, Outcome, Signal};
use purgeline_tests::{
    AfterRead, HttpReply, HttpServer, MuteServer, PATIENCE, unreachable_address,
    wire::{client, dir, outcomes, submit, url},
};
use serde_json::json;
use std::time::Duration;

fn retry(outcome: &Outcome) -> (Class, Option<u64>, &str, &str) {
    match outcome {
        Outcome::Retry { after_ms, cause } => (cause.class, *after_ms, &cause.code, &cause.message),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_node_must_confirm() {
    let good = HttpServer::always(HttpReply::status(200)).await;
    let not_cached = HttpServer::always(HttpReply::status(404)).await;
    let broken = HttpServer::always(HttpReply::status(500).saying("disk full")).await;
    let items = [url("http://h/a"), url("http://h/b")];

    let pair = client("http", json!({"nodes": [good.url(), not_cached.url()]}), PATIENCE);
    assert_eq!(outcomes(&submit(&*pair, &items).await), [Outcome::Done, Outcome::Done]);
    assert_eq!((good.seen().len(), not_cached.seen().len()), (2, 2));

    let nodes = json!({"nodes": [good.url(), broken.url(), unreachable_address().await]});
    let submission = submit(&*client("http", nodes, PATIENCE), &items).await;
    for outcome in outcomes(&submission) {
        let (class, after_ms, _, message) = retry(outcome);
        assert_eq!((class, after_ms), (Class::Soon, None));
        assert!(message.starts_with("2 of 3 nodes did not confirm: node http://127.0.0.1:"), "{message}");
        assert!(
            message.contains(&format!("node {}: 500 Internal Server Error: disk full", broken.url())),
            "{message}"
        );
        assert!(message.contains("no connection"), "{message}");
    }
    assert!(submission.signals.is_empty());
}

#[tokio::test]
async fn a_node_that_is_silent_keeps_a_call_waiting_once() {
    let silent = MuteServer::start(AfterRead::Hold).await;
    let good = HttpServer::always(HttpReply::status(200)).await;
    let items: Vec<_> = (0..50).map(|n| url(&format!("http://h/{n}"))).collect();
    let settings = json!({"nodes": [silent.url(), good.url()], "concurrency": 1});
    let submission = submit(&*client("http", settings, Duration::from_millis(300)), &items).await;
    for outcome in outcomes(&submission) {
        assert_eq!(retry(outcome).2, "timeout");
    }
    assert_eq!(silent.connections(), 1);
    // The other node was asked all the same.
    assert_eq!(good.seen().len(), 50);
}

#[tokio::test]
async fn an_empty_reply_concerns_its_item_alone() {
    let closing = MuteServer::start(AfterRead::Close).await;
    let items = [url("http://h/a"), url("http://h/b")];
    let submission = submit(&*client("http", json!({"nodes": [closing.url()]}), PATIENCE), &items).await;
    for outcome in outcomes(&submission) {
        let (class, after_ms, code, message) = retry(outcome);
        assert_eq!((class, after_ms, code), (Class::Unknown, None, "no-answer"));
        assert!(message.starts_with(&format!("node {}: ", closing.url())), "{message}");
    }
    assert_eq!(closing.connections(), 2);
}

#[tokio::test]
async fn a_refusal_holds_what_it_concerns_after_one_call() {
    let items = [url("http://h/a"), url("http://h/b"), url("http://h/c"), dir("http://h/d/")];
    let no_bans =
        HttpServer::start(|seen| HttpReply::status(if seen.method == "BAN" { 405 } else { 200 })).await;
    let both = json!({"nodes": [no_bans.url()], "ban": {}});
    let submission = submit(&*client("http", both, PATIENCE), &items).await;
    assert_eq!(outcomes(&submission)[..3], [Outcome::Done, Outcome::Done, Outcome::Done]);
    assert_eq!(retry(&outcomes(&submission)[3]).1, Some(0));
    assert!(
        matches!(&submission.signals[..], [Signal::Unauthorised { kind: Some(Kind::Dir), cause }] if cause.code == "http-405")
    );

    for status in [401, 403, 405, 501, 302] {
        let closed = HttpServer::always(HttpReply::status(status)).await;
        let settings = json!({"nodes": [closed.url()], "concurrency": 1});
        let submission = submit(&*client("http", settings, PATIENCE), &items[..3]).await;
        for outcome in outcomes(&submission) {
            let (class, after_ms, ..) = retry(outcome);
            assert_eq!((class, after_ms), (Class::Unauthorised, Some(0)), "{status}");
        }
        assert!(matches!(submission.signals[..], [Signal::Unauthorised { kind: None, .. }]), "{status}");
        assert_eq!(closed.seen().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn retry_after_is_read_with_429_and_503_only() {
    let reply = |status| HttpReply::status(status).with("retry-after", "7");
    for (status, expected) in [(200, None), (500, None), (429, Some(7_000)), (503, Some(7_000))] {
        let node = HttpServer::always(reply(status)).await;
        let other = HttpServer::always(HttpReply::status(429).with("retry-after", "3")).await;
        let one =
            submit(&*client("http", json!({"nodes": [node.url()]}), PATIENCE), &[url("http://h/a")]).await;
        let rests: Vec<_> = one
            .signals
            .iter()
            .map(|signal| match signal {
                Signal::Throttled { for_ms, .. } => *for_ms,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(rests, Vec::from_iter(expected), "{status}");
        // Of two nodes the longer rest counts, whichever is asked first.
        let expected = expected.unwrap_or(3_000);
        for nodes in [[other.url(), node.url()], [node.url(), other.url()]] {
            let settings = json!({"nodes": nodes, "concurrency": 1});
            let both = submit(&*client("http", settings, PATIENCE), &[url("http://h/a")]).await;
            assert!(
                matches!(both.signals[..], [Signal::Throttled { for_ms, .. }] if for_ms == expected),
                "{both:?}"
            );
        }
    }
}

#[tokio::test]
async fn the_settings_decide_which_status_is_a_success() {
    let not_cached = HttpServer::always(HttpReply::status(404)).await;
    let strict = json!({"nodes": [not_cached.url()], "success": [200]});
    let submission = submit(&*client("http", strict, PATIENCE), &[url("http://h/a")]).await;
    assert!(matches!(&outcomes(&submission)[0], Outcome::Failed(cause) if cause.class == Class::ItemDead));
    let accepted = HttpServer::always(HttpReply::status(202)).await;
    let settings = json!({"nodes": [accepted.url()]});
    let submission = submit(&*client("http", settings, PATIENCE), &[url("http://h/a")]).await;
    assert_eq!(retry(&outcomes(&submission)[0]).0, Class::Unknown);
}

#[tokio::test]
async fn an_item_fails_when_one_node_refuses_it_for_good() {
    let good = HttpServer::always(HttpReply::status(200)).await;
    let cannot = HttpServer::always(HttpReply::status(400)).await;
    let settings = json!({"nodes": [unreachable_address().await, cannot.url(), good.url()]});
    let submission = submit(&*client("http", settings, PATIENCE), &[url("http://h/a")]).await;
    assert!(
        matches!(&outcomes(&submission)[0], Outcome::Failed(cause) if cause.code == "http-400" && cause.message.starts_with("2 of 3"))
    );
}

#[tokio::test]
async fn requests_name_the_site_and_the_user_agent() {
    let node = HttpServer::always(HttpReply::status(204)).await;
    let settings = json!({"nodes": [node.url()], "headers": {"x-token": "swordfish"}});
    submit(&*client("http", settings, PATIENCE), &[url("https://www.example.com/a?b")]).await;
    let seen = &node.seen()[0];
    assert_eq!((seen.method.as_str(), seen.uri.to_string().as_str()), ("PURGE", "/a?b"));
    assert_eq!(seen.headers["host"], "www.example.com");
    assert_eq!(seen.headers["x-token"], "swordfish");
    assert!(seen.headers["user-agent"].to_str().unwrap().starts_with("purgeline/"));
    assert_eq!(seen.headers.get_all("host").iter().count(), 1);
}
