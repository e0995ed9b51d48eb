use crate::bed::{Bed, LEASE_MS, names, plain, url};
use purgeline_core::Priority::{Bulk, Urgent};
use purgeline_queue::{Reaped, Settlement};
use redis::AsyncTypedCommands;

#[tokio::test]
async fn a_dead_workers_items_go_out_again_in_front() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a"), &url("b")]).await;
    let lost = bed.batch(&plain()).await;
    bed.ask("j2", &[&url("c"), &url("d")]).await;
    bed.pass(59_999);
    assert!(bed.queue.work().reap(&bed.target, 10).await.unwrap().is_empty());
    bed.pass(1);
    let reaped = bed.queue.work().reap(&bed.target, 10).await.unwrap();
    assert_eq!(reaped, [Reaped { batch: lost.id.clone(), worker: "w1".into(), items: 2 }]);
    assert_eq!(bed.counter("reaped").await, 2);
    bed.check().await;
    let again = bed.batch(&plain()).await;
    assert_eq!(names(&again), [url("a"), url("b"), url("c")]);
    let record = &again.items[0].record;
    assert_eq!((record.attempts, record.cause.as_deref()), (1, Some("lease-expired")));
    // The dead worker speaks after all.
    assert_eq!(bed.settle(&lost, &Settlement::Done).await, 0);
    bed.settle(&again, &Settlement::Done).await;
    assert_eq!((bed.ended("j1").await, bed.ended("j2").await), ((2, 0), (1, 0)));
    bed.check().await;
}

#[tokio::test]
async fn a_renewed_lease_is_kept() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a")]).await;
    let batch = bed.batch(&plain()).await;
    bed.pass(50_000);
    let known = [batch.id.clone(), "b99".to_owned()];
    assert_eq!(bed.queue.work().renew(&bed.target, "w1", LEASE_MS, &known).await.unwrap(), ["b99"]);
    assert_eq!(bed.queue.work().renew(&bed.target, "w2", LEASE_MS, &known).await.unwrap(), known);
    bed.pass(59_999);
    assert!(bed.queue.work().reap(&bed.target, 10).await.unwrap().is_empty());
    bed.pass(1);
    assert_eq!(bed.queue.work().reap(&bed.target, 10).await.unwrap().len(), 1);
    assert_eq!(bed.queue.work().renew(&bed.target, "w1", LEASE_MS, &known).await.unwrap(), known);
    bed.check().await;
}

#[tokio::test]
async fn what_was_settled_before_the_worker_died_stays_settled() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a"), &url("b"), &url("c")]).await;
    let batch = bed.batch(&plain()).await;
    bed.settle_some(&batch.id, &[(2, Settlement::Done)]).await;
    bed.pass(60_000);
    assert_eq!(bed.queue.work().reap(&bed.target, 10).await.unwrap()[0].items, 2);
    bed.check().await;
    assert_eq!(names(&bed.batch(&plain()).await), [url("a"), url("c")]);
}

#[tokio::test]
async fn an_accepted_batch_is_not_reaped() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a")]).await;
    let batch = bed.batch(&plain()).await;
    bed.submitted(&batch, 1000).await;
    bed.pass(600_000);
    assert!(bed.queue.work().reap(&bed.target, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn as_many_batches_are_reaped_as_asked_for() {
    let bed = Bed::new().await;
    for n in 0..3 {
        bed.ask_as(Urgent, &format!("j{n}"), &[&url(n)]).await;
        bed.batch(&plain()).await;
    }
    bed.pass(60_000);
    assert_eq!(bed.queue.work().reap(&bed.target, 2).await.unwrap().len(), 2);
    assert_eq!(bed.queue.work().reap(&bed.target, 2).await.unwrap().len(), 1);
    bed.check().await;
}

#[tokio::test]
async fn what_is_given_back_is_no_attempt() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a"), &url("b")]).await;
    bed.ask("j2", &[&url("c"), &url("d")]).await;
    let batch = bed.batch(&plain()).await;
    assert_eq!(bed.queue.work().give_back(&bed.target, &batch.id, "w2").await.unwrap(), 0);
    assert_eq!(bed.queue.work().give_back(&bed.target, &batch.id, "w1").await.unwrap(), 3);
    assert_eq!(bed.queue.work().give_back(&bed.target, &batch.id, "w1").await.unwrap(), 0);
    bed.check().await;
    let again = bed.batch(&plain()).await;
    assert_eq!(names(&again), names(&batch));
    assert_eq!((again.items[0].record.attempts, again.items[0].record.cause.as_deref()), (0, None));
}

#[tokio::test]
async fn a_lane_of_stale_hints_is_compacted() {
    let bed = Bed::new().await;
    for n in 0..24 {
        bed.ask_as(Bulk, &format!("keep{n}"), &[&url(format!("keep{n}"))]).await;
    }
    // What has been asked for urgently, again and again, before its bulk request came to pass, has
    // left a hint behind each time.
    let lane = bed.queue.keys().lane(&bed.target, "bulk/url");
    let stale = vec![url("gone"); 500];
    for n in 0..24 {
        bed.queue.manager().rpush(&lane, &stale).await.unwrap();
        let kept = url(format!("keep{n}"));
        bed.queue.manager().lrem(&lane, 1, &kept).await.unwrap();
        bed.queue.manager().rpush(&lane, kept).await.unwrap();
    }
    let hints = |stats: purgeline_queue::TargetStats| {
        stats.lanes.iter().find(|(lane, _)| lane == "bulk/url").map(|(_, hints)| *hints)
    };
    assert_eq!(hints(bed.queue.inspect().stats(&bed.target).await.unwrap()), Some(12_024));
    assert_eq!(bed.queue.work().compact(&bed.target).await.unwrap(), 12_000);
    assert_eq!(bed.queue.work().compact(&bed.target).await.unwrap(), 0);
    assert_eq!(hints(bed.queue.inspect().stats(&bed.target).await.unwrap()), Some(24));
    bed.check().await;
    assert_eq!(names(&bed.batch(&plain()).await), [url("keep0"), url("keep1"), url("keep2")]);
}
