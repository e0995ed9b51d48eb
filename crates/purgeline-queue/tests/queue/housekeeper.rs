//! One worker keeps a target's house for the fleet; another takes its place when it is dead.

use crate::bed::{Bed, LEASE_MS, RETENTION, expires_at, plain, url};
use purgeline_queue::{Chores, Settlement, Tend};
use std::time::Duration;

async fn tend(bed: &Bed, worker: &str, lease_ms: u64) -> Tend {
    bed.queue.work().tend(&bed.target, worker, lease_ms).await.unwrap()
}

#[tokio::test]
async fn one_worker_is_housekeeper_until_it_leaves_or_dies() {
    let bed = Bed::new().await;
    let at_rest = Tend::Chores(Chores::default());
    assert_eq!(tend(&bed, "w1", 60_000).await, at_rest);
    let Tend::Another(free_in) = tend(&bed, "w2", 60_000).await else { panic!("two housekeepers") };
    assert!(free_in <= Duration::from_secs(60) && free_in > Duration::from_secs(30), "{free_in:?}");
    assert_eq!(tend(&bed, "w1", 60_000).await, at_rest);
    bed.queue.work().leave_house(&bed.target, "w2").await.unwrap();
    assert!(matches!(tend(&bed, "w2", 60_000).await, Tend::Another(_)), "it was not its place to leave");
    bed.queue.work().leave_house(&bed.target, "w1").await.unwrap();
    assert_eq!(tend(&bed, "w2", 1).await, at_rest);
    // It dies.
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(tend(&bed, "w1", 60_000).await, at_rest);
}

#[tokio::test]
async fn the_housekeeper_is_told_what_there_is_to_do() {
    let bed = Bed::new().await;
    let chores = async || match tend(&bed, "w1", 60_000).await {
        Tend::Chores(chores) => chores,
        another @ Tend::Another(_) => panic!("{another:?}"),
    };
    let none = Chores::default();
    bed.ask("j1", &[&url("a")]).await;
    assert_eq!(chores().await, Chores { work: true, ..none });
    let batch = bed.batch(&plain()).await;
    assert_eq!(chores().await, none, "a worker has it");
    bed.pass(i64::try_from(LEASE_MS).unwrap());
    assert_eq!(chores().await, Chores { reap: true, ..none });
    bed.settle(&batch, &Settlement::Done).await;
    assert_eq!(chores().await, Chores { carry: true, ..none });
    bed.queue.work().carry_outbox(&bed.target, &RETENTION).await.unwrap();
    assert_eq!(chores().await, none);
    bed.ask_timed(expires_at(bed.now() + 1_000), "j2", &[&url("b")]).await;
    bed.pass(1_000);
    assert_eq!(chores().await, Chores { drain: true, work: true, ..none });
}
