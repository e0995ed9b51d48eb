//! Each kind of damage is planted by hand in a queue that is sound, and must be found.

use crate::{
    bed::{Bed, plain, url},
    damage::{Full, to_batches, to_jobs, to_what_waits},
};
use purgeline_core::Target;
use purgeline_queue::Settlement;
use redis::AsyncTypedCommands;

#[tokio::test]
async fn a_sound_queue_has_nothing_to_find() {
    let full = Full::new().await;
    full.bed.check().await;
    let stats = full.bed.queue.inspect().stats(&full.bed.target).await.unwrap();
    let zero = [stats.pending, stats.delayed, stats.in_batches, stats.in_flight, stats.open_batches];
    assert!(zero.iter().all(|count| *count > 0), "{stats:?}");
}

/// Damage, and what must be found.
async fn planted(cases: Vec<(String, &str)>) {
    for (damage, expected) in cases {
        let mut full = Full::new().await;
        full.damage(&damage).await;
        full.finds(expected).await;
    }
}

#[tokio::test]
async fn damage_to_what_waits() {
    planted(to_what_waits()).await;
}

#[tokio::test]
async fn damage_to_batches() {
    planted(to_batches()).await;
}

#[tokio::test]
async fn damage_to_jobs() {
    planted(to_jobs()).await;
}

#[tokio::test]
async fn word_that_is_under_way_is_no_damage() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a")]).await;
    let batch = bed.batch(&plain()).await;
    bed.settle(&batch, &Settlement::Done).await;
    bed.check().await;
    bed.queue.manager().del(bed.queue.keys().outbox(&bed.target)).await.unwrap();
    let found = bed.queue.audit().verify(std::slice::from_ref(&bed.target)).await.unwrap();
    assert_eq!(found.len(), 1);
    assert!(found[0].what.contains("is active but its parts are succeeded"), "{found:?}");
}

/// How often Redis was asked for a page of keys by a verify of so many targets.
async fn pages(bed: &Bed, targets: usize) -> u64 {
    let targets: Vec<_> =
        (0..targets).map(|number| Target::alone(format!("t{number}").parse().unwrap())).collect();
    let scans = async || {
        let mut info = redis::cmd("INFO");
        let text: String = info.arg("commandstats").query_async(&mut bed.queue.manager()).await.unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("cmdstat_scan:calls="));
        line.map_or(0, |line| line.split(',').next().unwrap().parse::<u64>().unwrap())
    };
    let before = scans().await;
    assert!(bed.queue.audit().verify(&targets).await.unwrap().is_empty());
    scans().await - before
}

#[tokio::test]
async fn verify_walks_over_the_keys_as_often_for_many_targets_as_for_one() {
    let bed = Bed::new().await;
    for number in 0..3_000 {
        bed.create(&format!("j{number}"), 1).await;
    }
    assert_eq!(pages(&bed, 12).await, pages(&bed, 1).await);
}
