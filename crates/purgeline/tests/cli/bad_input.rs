//! What cannot be purged is refused with the item and the rule, and nothing is enqueued.

use crate::support::{Called, Fixture};

/// The exit code, and that nothing was enqueued.
async fn refused(fixture: &Fixture, args: &[&str], says: &str) {
    let called = fixture.call(args);
    assert_eq!(called.code, 2, "{args:?}: {}{}", called.out, called.err);
    assert!(called.err.contains(says), "{args:?}\n  expected {says}\n  came     {}", called.err);
    assert_eq!(called.out, "");
    assert_eq!(fixture.keys().await, 0, "{args:?}");
}

#[tokio::test]
async fn each_bad_item_is_named_with_its_rule() {
    let fixture = Fixture::new().await;
    for (item, says) in [
        ("/news", "url /news: not an absolute URL"),
        ("www.example.com/news", "url www.example.com/news: not an absolute URL"),
        (
            "ftp://www.example.com/a",
            "url ftp://www.example.com/a: its scheme is \"ftp\": only http and https",
        ),
        (
            "https://other.example/a",
            "url https://other.example/a: no target serves the host \"other.example\"",
        ),
        ("https://u:p@www.example.com/", "it holds a user name or password"),
        ("https://static.example.com/*", "takes no wildcards"),
    ] {
        refused(&fixture, &["enqueue", item], says).await;
        // One bad item among good ones refuses them all.
        refused(&fixture, &["enqueue", "https://www.example.com/good", item], says).await;
    }
    let long = format!("https://www.example.com/{}", "a".repeat(10_240));
    refused(&fixture, &["enqueue", &long], "it is 10264 bytes long: 10240 is the most").await;
    let dir = ["enqueue", "--dir", "https://static.example.com/a"];
    refused(&fixture, &dir, "a dir ends with \"/\": did you mean https://static.example.com/a/ ?").await;
    let no_ban = ["enqueue", "--dir", "https://www.example.com/a/"];
    refused(&fixture, &no_ban, "target www: HTTP cache takes no dir items, only url").await;
}

#[tokio::test]
async fn options_that_cannot_be_meant_are_refused() {
    let fixture = Fixture::new().await;
    let url = "https://www.example.com/a";
    refused(&fixture, &["enqueue"], "the job is empty").await;
    refused(
        &fixture,
        &["enqueue", "--target", "nope", url],
        "there is no target \"nope\": configured are static, www",
    )
    .await;
    refused(&fixture, &["enqueue", "--priority", "soon", url], "invalid value 'soon' for '--priority").await;
    refused(&fixture, &["enqueue", "--action", "melt", url], "use \"default\", \"expire\" or \"delete\"")
        .await;
    refused(
        &fixture,
        &["enqueue", "--source", &"s".repeat(257), url],
        "source is 257 bytes long: 256 is the most",
    )
    .await;
    refused(&fixture, &["enqueue", "-f", "/nonexistent/pages.txt"], "/nonexistent/pages.txt: No such file")
        .await;
    refused(&fixture, &["enqueue", "--wiat", url], "--wait").await;
    refused(&fixture, &["enqueue", "--quiet", "soon", url], "\"soon\" is no length of time").await;
    refused(&fixture, &["enqueue", "--max-wait", "5s", url], "--quiet <DURATION>").await;
    let hasty = ["enqueue", "--quiet", "10s", "--max-wait", "5s", url];
    refused(&fixture, &hasty, "max_wait_ms: 5000 is less than quiet_ms, 10000").await;
    refused(&fixture, &["enqueue", "--not-before", "tomorrow", url], "\"tomorrow\" is no time: expected")
        .await;
    let late = ["enqueue", "--expires-at", "2001-01-01T00:00:00Z", url];
    refused(&fixture, &late, "expires_at: 2001-01-01T00:00:00Z has passed").await;
    let never = ["enqueue", "--not-before", "+2h", "--expires-at", "+1h", url];
    refused(&fixture, &never, "is not after not_before").await;
}

#[tokio::test]
async fn lines_of_a_file_are_named_by_number() {
    let fixture = Fixture::new().await;
    let text = b"https://www.example.com/a\n\n# comment\n/relative\nhttps://OTHER.example/x\n";
    let path = fixture.write("pages.txt", text).display().to_string();
    let called = fixture.call(&["enqueue", "-f", &path]);
    assert_eq!(called.code, 2);
    let lines: Vec<_> = called.err.lines().collect();
    assert!(lines[0].starts_with("purgeline: 2 items are refused, nothing was enqueued"), "{}", called.err);
    assert!(lines[1].starts_with(&format!("  {path}, line 4: url /relative: ")), "{}", called.err);
    // Refused after it was normalised, and found nevertheless.
    assert!(
        lines[2].starts_with(&format!("  {path}, line 5: url https://other.example/x: ")),
        "{}",
        called.err
    );

    let called = fixture.call_with_input(&["enqueue", "-f", "-"], b"https://www.example.com/caf\xE9\n");
    assert_eq!(called.code, 2);
    assert!(called.err.contains("standard input, line 1: "), "{}", called.err);
    assert!(called.err.contains("not UTF-8 (byte 0xE9"), "{}", called.err);
    assert_eq!(fixture.keys().await, 0);
}

#[tokio::test]
async fn a_failure_can_be_read_by_programs() {
    let fixture = Fixture::new().await;
    let many: String = (0..25).map(|number| format!("/page-{number}\n")).collect();
    let called = fixture.call_with_input(&["--output", "json", "enqueue", "-f", "-"], many.as_bytes());
    assert_eq!((called.code, called.out.as_str()), (2, ""));
    let failure = called.failure();
    assert_eq!(failure["error"], "refused");
    assert_eq!(failure["exit_code"], 2);
    let refused = failure["refused"].as_array().unwrap();
    assert_eq!(refused.len(), 25);
    assert_eq!(refused[24]["item"], "/page-24");
    assert_eq!((&refused[24]["file"], &refused[24]["line"]), (&"-".into(), &25.into()));
    let human = fixture.call_with_input(&["enqueue", "-f", "-"], many.as_bytes()).err;
    assert!(human.ends_with("and 5 more; --output json lists them all\n"), "{human}");
}

#[tokio::test]
async fn partial_takes_the_good_items_and_lists_the_others() {
    let fixture = Fixture::new().await;
    let input =
        b"https://www.example.com/a\nhttps://www.example.com/\xFF\n/bad\ndir https://static.example.com/d/\n";
    let args = ["--output", "json", "enqueue", "--partial", "-f", "-"];
    let called = fixture.call_with_input(&args, input);
    assert_eq!(called.code, 0, "{}", called.err);
    let answer = called.json();
    assert_eq!(answer["items"], 2);
    let lines: Vec<_> = answer["refused"].as_array().unwrap().iter().map(|item| &item["line"]).collect();
    assert_eq!(lines, [2, 3]);

    let human = fixture.call_with_input(&args[2..], input).out;
    assert!(human.contains("refused and not enqueued: 2\n  standard input, line 2: "), "{human}");

    // Where nothing is good there is no job.
    let none = fixture.call_with_input(&["enqueue", "--partial", "-f", "-"], b"/bad\n\xFF\n");
    assert_eq!(none.code, 2, "{}", none.out);
}

#[tokio::test]
async fn a_full_target_refuses_with_a_code_of_its_own() {
    let targets = "[targets.www]\nprovider = 'http'\nhosts = ['www.example.com']\nmax_pending_items = 1\n\
                   settings.nodes = ['http://127.0.0.1:9']";
    let redis = purgeline_redis_server::RedisServer::for_test().start().await.unwrap();
    let fixture = Fixture::with(targets, redis);
    fixture.enqueue(&["https://www.example.com/a"]);
    let Called { code, err, .. } =
        fixture.call(&["--output", "json", "enqueue", "https://www.example.com/b"]);
    assert_eq!(code, 5, "{err}");
    assert!(err.contains("\"error\":\"full\"") && err.contains("target www is full"), "{err}");
    // What waits already can still be joined.
    fixture.enqueue(&["https://www.example.com/a"]);
}

#[tokio::test]
async fn a_key_stands_for_one_request() {
    let fixture = Fixture::new().await;
    let job = fixture.enqueue(&["--idempotency-key", "k", "https://www.example.com/a"]);
    let again =
        fixture.call(&["--output", "json", "enqueue", "--idempotency-key", "k", "https://WWW.example.com/a"]);
    let answer = again.json();
    assert_eq!((&answer["job"], &answer["repeated"]), (&job.to_string().into(), &true.into()));
    let timed = ["--idempotency-key", "t", "--expires-at", "+10m", "https://www.example.com/a"];
    assert_eq!(
        fixture.enqueue(&timed),
        fixture.enqueue(&timed),
        "a while from now is the same request later"
    );
    let patient = ["enqueue", "--idempotency-key", "k", "--quiet", "1s", "https://www.example.com/a"];
    assert_eq!(fixture.call(&patient).code, 2);
    let other = fixture.call(&["enqueue", "--idempotency-key", "k", "https://www.example.com/b"]);
    assert_eq!(other.code, 2);
    assert!(other.err.contains("was submitted before with other items"), "{}", other.err);
}
