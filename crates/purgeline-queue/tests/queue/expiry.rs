//! What is of no use any more is not sent, and its job says so; others of the same item get it.

use crate::bed::{Bed, RETENTION, dir, expires_at, id, names, not_before, plain, quiet, retry, url};
use purgeline_core::{JobState, PartCounts};
use purgeline_queue::{HoldName, Settlement, Timing};

fn cancelled(items: u64, cancelled: u64) -> PartCounts {
    PartCounts { items, succeeded: items - cancelled, failed: 0, cancelled }
}

async fn drained(bed: &Bed) {
    bed.queue.work().drain(&bed.target, &RETENTION).await.unwrap();
    bed.queue.work().carry_outbox(&bed.target, &RETENTION).await.unwrap();
    bed.check().await;
}

#[tokio::test]
async fn what_nobody_wants_any_more_is_not_sent() {
    let bed = Bed::new().await;
    bed.ask_timed(expires_at(bed.now() + 1_000), "j1", &[&url("a"), &dir("d/")]).await;
    bed.check().await;
    bed.pass(1_000);
    assert_eq!(bed.wait(&plain()).await.0, "empty");
    bed.check().await;
    drained(&bed).await;
    let job = bed.queue.inspect().job(id("j1"), std::slice::from_ref(&bed.target)).await.unwrap().unwrap();
    assert_eq!(job.state, JobState::Cancelled);
    assert_eq!(job.parts[&bed.target.name].expired, 2);
    assert_eq!((bed.counts("j1").await, bed.counter("expired").await), (cancelled(2, 2), 2));
    assert_eq!(bed.queue.inspect().stats(&bed.target).await.unwrap().dead_letters, 0, "nothing failed");
    assert!(!bed.key_exists("expiring").await);
}

#[tokio::test]
async fn only_the_expired_of_those_who_wait_are_cancelled() {
    let bed = Bed::new().await;
    bed.ask_timed(expires_at(bed.now() + 1_000), "short", &[&url("a")]).await;
    bed.ask_timed(expires_at(bed.now() + 5_000), "long", &[&url("a")]).await;
    bed.ask_timed(expires_at(bed.now() + 3_000), "middle", &[&url("a")]).await;
    bed.ask_timed(quiet(8_000, 8_000), "always", &[&url("b")]).await;
    bed.ask_timed(expires_at(bed.now() + 1_000), "joins", &[&url("b")]).await;
    // A hold lets them expire too.
    bed.queue
        .operate()
        .hold(&bed.target, HoldName::Paused, None, &crate::bed::cause("by-hand"), "me")
        .await
        .unwrap();
    bed.pass(3_000);
    drained(&bed).await;
    for (job, expected) in [("short", 1), ("middle", 1), ("joins", 1), ("long", 0), ("always", 0)] {
        assert_eq!(bed.counts(job).await.cancelled, expected, "{job}");
    }
    bed.queue.operate().release(&bed.target, HoldName::Paused).await.unwrap();
    let batch = bed.batch(&plain()).await;
    assert_eq!(names(&batch), [url("a"), url("b")]);
    bed.settle(&batch, &Settlement::Done).await;
    assert_eq!((bed.ended("long").await, bed.ended("always").await), ((1, 0), (1, 0)));
    // What is left of them is a hint.
    bed.pass(2_000);
    drained(&bed).await;
    assert!(!bed.key_exists("expiring").await);
}

#[tokio::test]
async fn what_a_call_holds_is_not_called_back_and_a_retry_expires() {
    let bed = Bed::new().await;
    bed.ask_timed(expires_at(bed.now() + 1_000), "sent", &[&url("a"), &url("b")]).await;
    let batch = bed.batch(&plain()).await;
    bed.pass(2_000);
    drained(&bed).await;
    bed.settle_some(&batch.id, &[(1, Settlement::Done), (2, retry(0))]).await;
    bed.check().await;
    assert_eq!(bed.wait(&plain()).await.0, "empty");
    drained(&bed).await;
    assert_eq!(bed.counts("sent").await, cancelled(2, 1));
}

#[tokio::test]
async fn a_hot_item_is_sent_unless_all_of_its_jobs_have_expired() {
    let bed = Bed::new().await;
    let soon = expires_at(bed.now() + 1_000);
    for job in 0..150 {
        bed.ask_timed(soon, &format!("j{job}"), &[&url("a"), &url("b")]).await;
    }
    bed.ask("always", &[&url("b")]).await;
    bed.pass(1_000);
    let batch = bed.batch(&plain()).await;
    assert_eq!(names(&batch), [url("b")]);
    drained(&bed).await;
    bed.settle(&batch, &Settlement::Done).await;
    drained(&bed).await;
    for job in 0..150 {
        let counts = bed.counts(&format!("j{job}")).await;
        assert_eq!((counts.cancelled, counts.settled()), (2, 2), "j{job}: all that stood before had expired");
    }
    assert_eq!(bed.ended("always").await, (1, 0));
}

#[tokio::test]
async fn covered_items_expire_like_others() {
    let bed = Bed::new().await;
    bed.ask_timed(expires_at(bed.now() + 4_000), "dir", &[&dir("")]).await;
    bed.ask_timed(expires_at(bed.now() + 1_000), "urls", &[&url("a"), &url("b")]).await;
    assert_eq!(bed.counter("covered").await, 2);
    bed.check().await;
    bed.pass(1_000);
    drained(&bed).await;
    assert_eq!(bed.counts("urls").await, cancelled(2, 2));
    assert_eq!(names(&bed.batch(&plain()).await), [dir("")]);
    bed.check().await;
}

#[tokio::test]
async fn an_embargoed_request_expires_when_its_time_came_too_late() {
    let bed = Bed::new().await;
    let timing = Timing { expires_at_ms: Some(bed.now() + 2_000), ..not_before(bed.now() + 1_000) };
    bed.ask_timed(timing, "j1", &[&url("a")]).await;
    bed.check().await;
    bed.pass(2_000);
    assert_eq!(bed.wait(&plain()).await.0, "empty");
    drained(&bed).await;
    assert_eq!(bed.counts("j1").await, cancelled(1, 1));
}

#[tokio::test]
async fn an_item_that_leaves_the_queue_is_not_looked_at_when_it_expires() {
    let bed = Bed::new().await;
    let in_a_year = expires_at(bed.now() + 31_536_000_000);
    bed.ask_timed(in_a_year, "sent", &[&url("a")]).await;
    let batch = bed.batch(&plain()).await;
    assert!(!bed.key_exists("expiring").await, "a call holds it");
    bed.settle_some(&batch.id, &[(1, retry(0))]).await;
    assert!(bed.key_exists("expiring").await, "it waits again");
    bed.check().await;
    let batch = bed.batch(&plain()).await;
    bed.settle(&batch, &Settlement::Done).await;
    assert!(!bed.key_exists("expiring").await, "it was purged");
    bed.ask_timed(in_a_year, "cancelled", &[&url("b")]).await;
    bed.queue.operate().cancel(&bed.target, id("cancelled"), "test", &RETENTION, false).await.unwrap();
    assert!(!bed.key_exists("expiring").await, "nobody wants it any more");
    bed.ask("dir", &[&dir("")]).await;
    bed.ask_timed(in_a_year, "covered", &[&url("c")]).await;
    let batch = bed.batch(&plain()).await;
    assert!(bed.key_exists("expiring").await, "it waits for the dir");
    bed.settle(&batch, &Settlement::Done).await;
    assert!(!bed.key_exists("expiring").await, "the dir's purge covered it");
    bed.check().await;
}
