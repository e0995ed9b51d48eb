//! What operators do about what failed or is not wanted: `dead retry|drop`, `job cancel`; and what
//! `url` tells them.

use crate::{
    inspect::{lease, settled_job, snapshot},
    support::Fixture,
};

const A: &str = "https://www.example.com/a";
const B: &str = "https://www.example.com/b";
const C: &str = "https://www.example.com/c";

#[tokio::test]
async fn dead_letters_are_counted_and_retried() {
    let fixture = Fixture::new().await;
    let job = settled_job(&fixture).await;
    snapshot("dead-by-cause", &fixture, &["dead", "list", "--by", "cause"]);
    for (by, value) in [("host", "www.example.com"), ("target", "www")] {
        let said = fixture.call(&["dead", "list", "--by", by, "--output", "json"]).json();
        assert_eq!((&said["groups"][0]["value"], &said["groups"][0]["count"]), (&value.into(), &1.into()));
    }
    for none in
        [["--host", "other.example.com"], ["--cause", "x"], ["--older-than", "1h"], ["--target", "static"]]
    {
        let called = fixture.call(&[&["dead", "list"], &none[..]].concat());
        assert_eq!(called.out, "no dead letters\n", "{none:?}");
    }
    snapshot("url-failed", &fixture, &["url", B]);

    snapshot("dead-retry-dry-run", &fixture, &["dead", "retry", "--job", &job, "--dry-run"]);
    let called = fixture.call(&["dead", "retry", "--cause", "http-400", "--newer-than", "1h"]);
    assert_eq!((called.code, called.out.as_str()), (0, "www: retried 1 dead letters\n"), "{}", called.err);
    let called = fixture.call(&["dead", "retry", "--all"]);
    assert_eq!((called.code, called.out.as_str()), (0, "no dead letters match\n"));
    snapshot("url-retried", &fixture, &["url", B]);
    assert_eq!(fixture.call(&["doctor", "--deep"]).code, 0);
}

#[tokio::test]
async fn dead_letters_are_dropped_when_it_is_said_which() {
    let fixture = Fixture::new().await;
    settled_job(&fixture).await;
    for command in ["retry", "drop"] {
        let called = fixture.call(&["dead", command]);
        assert_eq!(called.code, 2);
        assert!(called.err.contains("which dead letters? Name them"), "{}", called.err);
        let called = fixture.call(&["dead", command, "--all", "--cause", "x"]);
        assert_eq!(called.code, 2, "{}", called.err);
        let called = fixture.call(&["dead", command, "www/b9-9"]);
        assert_eq!((called.code, called.out.as_str()), (1, "there is no dead letter www/b9-9\n"));
    }
    let letters = fixture.call(&["dead", "list", "--output", "json"]).json();
    let letter = format!("www/{}", letters["dead_letters"][0]["id"].as_str().unwrap());
    let called = fixture.call(&["dead", "drop", &letter, "--dry-run"]);
    assert!(called.out.starts_with("www: would drop 1 dead letters"), "{}", called.out);
    let called = fixture.call(&["dead", "drop", &letter]);
    assert!(called.out.starts_with("www: dropped 1 dead letters"), "{}", called.out);
    assert_eq!(fixture.call(&["dead", "list"]).out, "no dead letters\n");
    assert_eq!(fixture.call(&["doctor", "--deep"]).code, 0);
}

#[tokio::test]
async fn a_job_is_cancelled() {
    let fixture = Fixture::new().await;
    let job = fixture.enqueue(&[A, "https://static.example.com/x"]).to_string();
    fixture.enqueue(&[A]);
    snapshot("job-cancel-dry-run", &fixture, &["job", "cancel", &job, "--dry-run"]);
    let called = fixture.call(&["job", "cancel", &job, "--reason", "wrong page"]);
    assert_eq!(called.code, 0, "{}", called.err);
    assert!(called.out.contains(": cancelled\n"), "{}", called.out);
    let said = fixture.call(&["job", "show", &job]).out;
    assert!(said.contains(": cancelled"), "{said}");
    let again = fixture.call(&["job", "cancel", &job]);
    assert!(again.code == 0 && again.out.ends_with("nothing to cancel\n"), "{}", again.out);
    let said = fixture.call(&["url", "https://static.example.com/x"]).out;
    assert!(said.contains("target static\n  does not wait\n"), "{said}");
    let none = fixture.call(&["job", "cancel", "01JZ6M2W3CE8Q9R1T5Y7B0ABCD"]);
    assert_eq!(none.code, 1);
    assert_eq!(fixture.call(&["doctor", "--deep"]).code, 0);
}

#[tokio::test]
async fn how_a_url_fares_is_told() {
    let fixture = Fixture::new().await;
    settled_job(&fixture).await;
    snapshot("url-purged", &fixture, &["url", A]);
    snapshot("url-delayed", &fixture, &["url", C]);
    fixture.enqueue(&[A]);
    let batch = lease(&fixture).await;
    assert_eq!(batch.items.len(), 1);
    snapshot("url-in-batch", &fixture, &["url", A]);
    fixture.enqueue(&["--dir", "https://static.example.com/d/"]);
    fixture.enqueue(&["https://static.example.com/d/page"]);
    snapshot("url-covered", &fixture, &["url", "https://static.example.com/d/page"]);
    for (args, code, says) in [
        (&["url", "nonsense"][..], 2, "not an absolute URL"),
        (&["url", "https://nobody.example.org/"], 1, "no target serves"),
        (&["url", A, "--dir"], 2, "a dir ends with"),
    ] {
        let called = fixture.call(args);
        assert_eq!(called.code, code, "{args:?}: {}", called.err);
        assert!(called.err.contains(says), "{args:?}: {}", called.err);
    }
}
