//! What `job`, `dead` and `target` answer, in both forms. Field names are stable: programs read them.

use crate::support::{Fixture, assert_both, target};
use purgeline_config::{Layers, Secrets, load};
use purgeline_core::{Cause, Class};
use purgeline_queue::{HoldName, Lease, LeasePolicy, LeasedBatch, Retention, Settlement};
use redis::AsyncTypedCommands;

const RETENTION: Retention = Retention {
    succeeded_ms: 3_600_000,
    failed_ms: 3_600_000,
    max_dead_letters: 100,
    max_jobs: 1_000_000,
    max_events: 100,
    history_ms: 604_800_000,
    max_history: 1_000,
};

/// Leases what waits at the http target of the fixture.
pub(crate) async fn lease(fixture: &Fixture) -> LeasedBatch {
    let layers = Layers { file: Some(fixture.config()), ..Layers::default() };
    let loaded = load(&layers, Secrets::Skip).unwrap();
    let configured = loaded.targets.iter().find(|configured| configured.target == target("www")).unwrap();
    let policy = LeasePolicy::new(&configured.descriptor.limits, 0, 60_000, 0);
    match fixture.queue().work().lease(&target("www"), "test", &policy).await.unwrap() {
        Lease::Batch(batch) => batch,
        Lease::Wait { why, .. } => panic!("nothing to lease: {why}"),
    }
}

/// A job of three items: one purged, one failed for good, one put off.
pub(crate) async fn settled_job(fixture: &Fixture) -> String {
    let urls = ["https://www.example.com/a", "https://www.example.com/b", "https://www.example.com/c"];
    let job = fixture.enqueue(&[&["--source", "test"], &urls[..]].concat());
    let (queue, www) = (fixture.queue(), target("www"));
    let batch = lease(fixture).await;
    assert_eq!(batch.items.len(), 3);
    let cause = |code| Cause::new(Class::Soon, code, "the cache's words");
    let settlements: Vec<_> = batch
        .items
        .iter()
        .map(|item| {
            let settlement = match item.item.text() {
                text if text.ends_with("/a") => Settlement::Done,
                text if text.ends_with("/b") => Settlement::Failed(cause("http-400")),
                _ => Settlement::Retry { after_ms: 3_600_000, cause: cause("http-503") },
            };
            (item.index, settlement)
        })
        .collect();
    queue.work().settle(&www, &batch.id, &settlements, &RETENTION).await.unwrap();
    job.to_string()
}

/// Both forms of one answer.
pub(crate) fn snapshot(name: &str, fixture: &Fixture, args: &[&str]) {
    let human = fixture.call(args);
    assert_eq!(human.code, 0, "{}", human.err);
    let json = fixture.call(&[args, &["--output", "json"]].concat());
    assert_eq!(json.code, 0, "{}", json.err);
    assert_both(name, &human, &json);
}

#[tokio::test]
async fn a_job_in_all_its_parts() {
    let fixture = Fixture::new().await;
    let job = settled_job(&fixture).await;
    let cause = Cause::new(Class::Unauthorised, "by-hand", "the cache is being moved");
    fixture.queue().operate().hold(&target("www"), HoldName::Paused, None, &cause, "ops").await.unwrap();
    snapshot("job-show", &fixture, &["job", "show", &job]);
    snapshot("job-list", &fixture, &["job", "list"]);
    snapshot("target-list", &fixture, &["target", "list"]);
    snapshot("target-show", &fixture, &["target", "show", "www"]);
    snapshot("dead-list", &fixture, &["dead", "list"]);
    let letters = fixture.call(&["dead", "list", "--output", "json"]).json();
    let letter = format!("www/{}", letters["dead_letters"][0]["id"].as_str().unwrap());
    snapshot("dead-show", &fixture, &["dead", "show", &letter]);
}

#[tokio::test]
async fn an_accepted_job() {
    let fixture = Fixture::new().await;
    let args = ["enqueue", "https://www.example.com/a", "--dir", "https://static.example.com/d/"];
    snapshot("enqueue", &fixture, &args);
}

#[tokio::test]
async fn where_an_item_waits_is_told() {
    let fixture = Fixture::new().await;
    let dir = fixture.enqueue(&["--dir", "https://static.example.com/d/"]).to_string();
    let below = fixture.enqueue(&["https://static.example.com/d/page"]).to_string();
    let sent = fixture.enqueue(&["https://www.example.com/a"]).to_string();
    let batch = lease(&fixture).await;
    let show = |job: &str| fixture.call(&["job", "show", job]).out;
    let said = show(&dir);
    assert!(said.contains("static: dir:https://static.example.com/d/ waits in normal/dir since"), "{said}");
    let said = show(&below);
    let covered = "/d/page is covered by dir:https://static.example.com/d/, which waits in normal/dir since";
    assert!(said.contains(covered), "{said}");
    let said = show(&sent);
    assert!(said.contains(&format!("/a is being sent in batch {}", batch.id)), "{said}");
    let listed = fixture.call(&["job", "list", "--limit", "1", "--output", "json"]).json();
    assert_eq!(listed["jobs"].as_array().unwrap().len(), 1);
    assert_eq!(listed["jobs"][0]["id"], sent.as_str(), "the newest comes first");
    let none = fixture.call(&["job", "list", "--state", "failed"]);
    assert_eq!(none.out, "no jobs\n");
    let listed = |args: &[&str]| {
        let jobs = fixture.call(&[&["job", "list", "--output", "json"], args].concat()).json();
        let ids = jobs["jobs"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(listed(&["--target", "static"]), [below.clone(), dir.clone()]);
    assert_eq!(listed(&["--target", "www", "--state", "active"]), std::slice::from_ref(&sent));
    // One of them becomes an old one.
    let queue = fixture.queue();
    let _: usize = queue
        .manager()
        .zadd(queue.keys().jobs(), &dir, queue.now_ms().await.unwrap() - 7_200_000)
        .await
        .unwrap();
    assert_eq!(listed(&["--older-than", "1h"]), std::slice::from_ref(&dir));
    assert_eq!(listed(&["--newer-than", "1h"]), [sent, below]);
    assert_eq!(listed(&["--newer-than", "3h", "--older-than", "1h"]), [dir]);
    let wrong = fixture.call(&["job", "list", "--older-than", "soon"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("\"soon\" is not an age"), "{}", wrong.err);
}

#[tokio::test]
async fn when_an_item_goes_is_told() {
    let fixture = Fixture::new().await;
    let url = "https://www.example.com/a";
    let scoop = fixture.enqueue(&["--not-before", "+1h", "--expires-at", "+2h", url]).to_string();
    let saved = fixture.enqueue(&["--quiet", "10m", "--max-wait", "1h", url]).to_string();
    snapshot("job-show-embargoed", &fixture, &["job", "show", &scoop]);
    snapshot("job-show-quiet", &fixture, &["job", "show", &saved]);
    snapshot("url-embargoed", &fixture, &["url", url]);
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    let fixture = Fixture::new().await;
    for (args, code, says) in [
        (&["job", "show", "01JZ6M2W3CE8Q9R1T5Y7B0ABCD"][..], 1, "there is no job 01JZ6M2W3CE8Q9R1T5Y7B0ABCD"),
        (&["job", "show", "nonsense"], 2, "is not a job id: expected a ULID"),
        (&["dead", "show", "www/b1-1"], 1, "there is no dead letter www/b1-1"),
        (&["dead", "show", "b1-1"], 2, "expected TARGET/ID"),
        (&["dead", "list", "--target", "nope"], 1, "there is no target \"nope\"; configured: static, www"),
        (&["target", "show", "nope"], 1, "there is no target \"nope\""),
    ] {
        let called = fixture.call(args);
        assert_eq!(called.code, code, "{args:?}: {}", called.err);
        assert!(called.err.contains(says), "{args:?}: {}", called.err);
    }
    assert_eq!(fixture.call(&["dead", "list"]).out, "no dead letters\n");
}
