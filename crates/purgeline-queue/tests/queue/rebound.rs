//! Where a target says so, what was purged is purged once more, for origins that lag.

use crate::bed::{Bed, dir, failed, names, plain, quiet, retry, url};
use purgeline_core::Item;
use purgeline_queue::{LeasePolicy, QueueError, Record, Settlement};

const AFTER_MS: i64 = 30_000;

fn rebounding() -> LeasePolicy {
    plain().rebound(30_000, 1_000)
}

async fn record(bed: &Bed) -> Option<Record> {
    let item = Item::url("https://h/a").unwrap();
    bed.queue
        .inspect()
        .pending_item(&bed.target, &item, Default::default())
        .await
        .unwrap()
        .map(|item| item.record)
}

async fn purge(bed: &Bed) {
    let batch = bed.batch(&rebounding()).await;
    bed.settle(&batch, &Settlement::Done).await;
    bed.check().await;
}

#[tokio::test]
async fn an_item_that_was_purged_is_purged_once_more() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a"), &url("b")]).await;
    bed.pass(1);
    bed.ask("j2", &[&dir("d/")]).await;
    let first = bed.batch(&rebounding()).await;
    bed.settle_some(&first.id, &[(1, Settlement::Done), (2, failed("403"))]).await;
    purge(&bed).await;
    assert_eq!((bed.ended("j1").await, bed.ended("j2").await), ((1, 1), (1, 0)), "no job waits for it");
    let waits = record(&bed).await.unwrap();
    assert_eq!((waits.cause.as_deref(), waits.jobs.len()), (Some("rebound"), 0));
    assert_eq!(bed.wait(&rebounding()).await, ("delayed".to_owned(), Some(30_000)));
    bed.pass(AFTER_MS);
    let mut again = Vec::new();
    for _ in 0..2 {
        let batch = bed.batch(&rebounding()).await;
        again.extend(names(&batch));
        bed.settle(&batch, &Settlement::Done).await;
    }
    again.sort();
    assert_eq!(again, [dir("d/"), url("a")], "what failed does not rebound");
    assert_eq!(bed.wait(&rebounding()).await.0, "empty", "it does not rebound itself");
    assert_eq!(bed.counter("rebounds").await, 2);
    bed.check().await;
}

#[tokio::test]
async fn who_asks_meanwhile_joins_it_and_rebounds_anew() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a")]).await;
    purge(&bed).await;
    bed.pass(10_000);
    bed.ask("j2", &[&url("a")]).await;
    bed.check().await;
    // Not made late by it.
    purge(&bed).await;
    assert_eq!(bed.ended("j2").await, (1, 0));
    assert_eq!(bed.wait(&rebounding()).await, ("delayed".to_owned(), Some(30_000)));
    // Whoever waits for quiet goes with it at the latest.
    bed.pass(25_000);
    bed.ask_timed(quiet(20_000, 60_000), "j3", &[&url("a")]).await;
    assert_eq!(bed.wait(&rebounding()).await, ("delayed".to_owned(), Some(5_000)));
    bed.pass(5_000);
    purge(&bed).await;
    assert_eq!(bed.ended("j3").await, (1, 0));
    bed.pass(AFTER_MS);
    purge(&bed).await;
    assert_eq!(bed.wait(&rebounding()).await.0, "empty");
    assert_eq!(bed.counter("leased").await, 4);
}

#[tokio::test]
async fn who_waits_already_makes_it_needless() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a")]).await;
    let first = bed.batch(&rebounding()).await;
    bed.ask("j2", &[&url("a")]).await;
    bed.settle(&first, &Settlement::Done).await;
    assert_eq!(bed.counter("rebounds").await, 0);
    purge(&bed).await;
    assert_eq!(bed.counter("rebounds").await, 1, "that of the last purge");
}

#[tokio::test]
async fn the_last_of_two_purges_that_overlap_says_when() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a")]).await;
    let first = bed.batch(&rebounding()).await;
    bed.ask("j2", &[&url("a")]).await;
    bed.pass(1_000);
    let second = bed.batch(&rebounding()).await;
    bed.settle(&first, &Settlement::Done).await;
    bed.pass(9_000);
    bed.settle(&second, &Settlement::Done).await;
    assert_eq!(bed.wait(&rebounding()).await, ("delayed".to_owned(), Some(30_000)));
    assert_eq!(bed.counter("rebounds").await, 1);
    bed.check().await;
}

#[tokio::test]
async fn a_rebound_is_tried_again_and_fails_like_any_purge() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a")]).await;
    purge(&bed).await;
    bed.pass(AFTER_MS);
    bed.settle(&bed.batch(&rebounding()).await, &retry(1_000)).await;
    assert_eq!(record(&bed).await.unwrap().cause.as_deref(), Some("rebound/http-503"));
    bed.check().await;
    bed.pass(1_000);
    let batch = bed.batch(&rebounding()).await;
    bed.queue.work().give_back(&bed.target, &batch.id, "w1").await.unwrap();
    bed.check().await;
    let batch = bed.batch(&rebounding()).await;
    bed.pass(60_000);
    assert_eq!(bed.queue.work().reap(&bed.target, 9).await.unwrap()[0].batch, batch.id);
    assert_eq!(record(&bed).await.unwrap().cause.as_deref(), Some("rebound/lease-expired"));
    bed.check().await;
    bed.settle(&bed.batch(&rebounding()).await, &failed("403")).await;
    assert_eq!(bed.queue.inspect().stats(&bed.target).await.unwrap().dead_letters, 1);
    assert_eq!((bed.ended("j1").await, bed.wait(&rebounding()).await.0), ((1, 0), "empty".to_owned()));
    bed.check().await;
}

#[tokio::test]
async fn a_full_queue_takes_no_rebounds() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a"), &url("b")]).await;
    let batch = bed.batch(&plain().rebound(30_000, 1)).await;
    bed.settle(&batch, &Settlement::Done).await;
    assert_eq!((bed.counter("rebounds").await, bed.counter("rebounds_skipped").await), (1, 1));
    bed.create("j2", 1).await;
    let full = bed.chunk("j2", (0, 1, 1), &[&url("c")], 1).await;
    assert!(matches!(full, Err(QueueError::Full { .. })), "{full:?}");
    bed.queue.produce().discard_job(crate::bed::id("j2")).await.unwrap();
    bed.check().await;
}

#[tokio::test]
async fn the_halves_of_a_split_batch_rebound() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a"), &url("b")]).await;
    let batch = bed.batch(&rebounding()).await;
    assert!(bed.queue.work().split(&bed.target, &batch.id, "w1", "400").await.unwrap());
    purge(&bed).await;
    purge(&bed).await;
    assert_eq!(bed.counter("rebounds").await, 2);
}
