use crate::bed::{Bed, count, dir, failed, names, plain, policy, url};
use purgeline_core::Kind;
use purgeline_queue::{BatchState, HoldName, LeasePolicy, Settlement};

fn wide() -> LeasePolicy {
    policy(|limits| {
        limits.call.max_items = count(8);
        limits.call.max_of_kind.insert(Kind::Url, count(8));
    })
}

#[tokio::test]
async fn bisection_finds_the_culprit() {
    let bed = Bed::new().await;
    let items: Vec<_> = (0..7).map(url).collect();
    bed.ask("j1", &items.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let culprit = url(4);
    let mut calls = 0;
    while bed.ended("j1").await != (6, 1) {
        let batch = bed.batch(&wide()).await;
        calls += 1;
        assert!(calls < 20, "it does not end");
        if !names(&batch).contains(&culprit) {
            bed.settle(&batch, &Settlement::Done).await;
        } else if batch.items.len() > 1 {
            assert!(bed.queue.work().split(&bed.target, &batch.id, "w1", "bad-url").await.unwrap());
        } else {
            bed.settle(&batch, &failed("bad-url")).await;
        }
        bed.check().await;
    }
    let dead = bed.queue.inspect().dead_letters(&bed.target, 10).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].item, culprit);
    assert!(!bed.key_exists("ready").await && !bed.key_exists("inflight").await);
}

#[tokio::test]
async fn halves_go_first_and_keep_their_waiting_jobs() {
    let bed = Bed::new().await;
    let jobs: Vec<_> = (0..20).map(|n| format!("j{n}")).collect();
    for job in &jobs {
        bed.ask(job, &[&url("hot"), &url("warm")]).await;
    }
    let batch = bed.batch(&plain()).await;
    assert!(bed.queue.work().split(&bed.target, &batch.id, "w1", "bad").await.unwrap());
    bed.check().await;
    let half = bed.queue.inspect().batch(&bed.target, "b2").await.unwrap().unwrap();
    assert_eq!(half.state, BatchState::Ready);
    bed.ask_as(purgeline_core::Priority::Urgent, "new", &[&url("hot"), &url("x")]).await;
    let (one, two) = (bed.batch(&plain()).await, bed.batch(&plain()).await);
    assert_eq!((names(&one), names(&two)), (vec![url("hot")], vec![url("warm")]));
    bed.check().await;
    bed.settle(&one, &Settlement::Done).await;
    bed.settle(&two, &failed("bad")).await;
    for job in &jobs {
        assert_eq!(bed.ended(job).await, (1, 1), "{job}");
    }
    assert_eq!(bed.ended("new").await, (0, 0));
    bed.check().await;
}

#[tokio::test]
async fn what_has_settled_is_not_split() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a"), &url("b"), &url("c")]).await;
    let batch = bed.batch(&plain()).await;
    bed.settle_some(&batch.id, &[(1, Settlement::Done), (3, Settlement::Done)]).await;
    // One item is left: it stands alone, and there is no empty half.
    assert!(bed.queue.work().split(&bed.target, &batch.id, "w1", "bad").await.unwrap());
    bed.check().await;
    assert_eq!(bed.queue.inspect().stats(&bed.target).await.unwrap().ready_batches, 1);
    let rest = bed.batch(&plain()).await;
    assert_eq!(names(&rest), [url("b")]);
    bed.settle(&rest, &Settlement::Done).await;
    assert_eq!(bed.ended("j1").await, (3, 0));
    bed.check().await;
}

#[tokio::test]
async fn a_lost_lease_splits_nothing() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a"), &url("b")]).await;
    let batch = bed.batch(&plain()).await;
    assert!(!bed.queue.work().split(&bed.target, &batch.id, "w2", "bad").await.unwrap());
    bed.pass(60_000);
    bed.queue.work().reap(&bed.target, 1).await.unwrap();
    assert!(!bed.queue.work().split(&bed.target, &batch.id, "w1", "bad").await.unwrap());
    bed.check().await;
}

#[tokio::test]
async fn a_dead_workers_half_goes_back_to_its_lane() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a"), &url("b")]).await;
    let batch = bed.batch(&plain()).await;
    bed.queue.work().split(&bed.target, &batch.id, "w1", "bad").await.unwrap();
    bed.batch(&plain()).await;
    bed.pass(60_000);
    assert_eq!(bed.queue.work().reap(&bed.target, 10).await.unwrap().len(), 1);
    bed.check().await;
    assert_eq!(
        (bed.pending().await, bed.queue.inspect().stats(&bed.target).await.unwrap().ready_batches),
        (1, 1)
    );
}

#[tokio::test]
async fn halves_of_a_held_kind_wait_and_stop_nobody() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&dir("a/"), &dir("b/")]).await;
    let batch = bed.batch(&plain()).await;
    bed.queue.work().split(&bed.target, &batch.id, "w1", "bad").await.unwrap();
    let spent = crate::bed::cause("quota");
    bed.queue
        .operate()
        .hold(&bed.target, HoldName::Kind(Kind::Dir), Some(9000), &spent, "provider")
        .await
        .unwrap();
    assert_eq!(bed.wait(&plain()).await, ("held dir".into(), Some(9000)));
    bed.ask("j2", &[&url("x")]).await;
    assert_eq!(names(&bed.batch(&plain()).await), [url("x")]);
    bed.queue.operate().release(&bed.target, HoldName::Kind(Kind::Dir)).await.unwrap();
    assert_eq!(names(&bed.batch(&plain()).await), [dir("a/")]);
    bed.check().await;
}

#[tokio::test]
async fn an_accepted_batch_that_ended_badly_is_split() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a"), &url("b"), &url("c")]).await;
    let batch = bed.batch(&plain()).await;
    // As long as a worker holds it, only that worker may.
    assert!(!bed.queue.work().split_open(&bed.target, &batch.id, "failure").await.unwrap());
    bed.submitted(&batch, 1_000).await;
    bed.settle_some(&batch.id, &[(2, Settlement::Done)]).await;
    assert!(bed.queue.work().split_open(&bed.target, &batch.id, "failure").await.unwrap());
    bed.check().await;
    assert!(!bed.key_exists("polls").await);
    // Another worker's answer to the same question comes late.
    assert!(!bed.queue.work().split_open(&bed.target, &batch.id, "failure").await.unwrap());
    let (one, two) = (bed.batch(&plain()).await, bed.batch(&plain()).await);
    assert_eq!((names(&one), names(&two)), (vec![url("a")], vec![url("c")]));
    bed.settle(&one, &Settlement::Done).await;
    bed.settle(&two, &failed("failure")).await;
    assert_eq!(bed.ended("j1").await, (2, 1));
    bed.check().await;
}
