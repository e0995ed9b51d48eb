//! A provider that refuses an item which it still works on gets the next request for it when it
//! is done.

use crate::bed::{Bed, names, plain, url};
use purgeline_queue::Settlement;

#[tokio::test]
async fn a_request_waits_until_the_provider_is_done_with_the_earlier_one() {
    let bed = Bed::new().await;
    let policy = plain().not_while_open(true);
    bed.ask("j1", &[&url("a")]).await;
    let first = bed.batch(&policy).await;
    bed.ask("j2", &[&url("a"), &url("b")]).await;
    bed.ask("j3", &[&url("a")]).await;
    bed.pass(1_000);

    let second = bed.batch(&policy).await;
    assert_eq!(names(&second), [url("b")], "what the provider does not work on goes");
    bed.pass(600_000);
    bed.queue.work().renew(&bed.target, "w1", 60_000, std::slice::from_ref(&first.id)).await.unwrap();
    assert_eq!(bed.wait(&policy).await.0, "delayed");
    bed.check().await;

    bed.settle(&first, &Settlement::Done).await;
    assert_eq!(names(&bed.batch(&policy).await), [url("a")], "one call for both who asked since");
    bed.check().await;
}

#[tokio::test]
async fn a_retry_of_the_earlier_request_takes_the_later_one_along() {
    let bed = Bed::new().await;
    let policy = plain().not_while_open(true);
    bed.ask("j1", &[&url("a")]).await;
    let first = bed.batch(&policy).await;
    bed.ask("j2", &[&url("a")]).await;
    assert_eq!(bed.wait(&policy).await.0, "linger");
    bed.pass(1_000);
    assert_eq!(bed.wait(&policy).await.0, "delayed");

    bed.queue.work().give_back(&bed.target, &first.id, "w1").await.unwrap();
    let both = bed.batch(&policy).await;
    assert_eq!(names(&both), [url("a")]);
    assert_eq!(both.items[0].record.jobs.len(), 2);
    bed.check().await;
}

#[tokio::test]
async fn where_the_provider_takes_an_item_again_it_goes_at_once() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a")]).await;
    let _first = bed.batch(&plain()).await;
    bed.ask("j2", &[&url("a")]).await;
    bed.pass(1_000);
    assert_eq!(names(&bed.batch(&plain()).await), [url("a")]);
    bed.check().await;
}
