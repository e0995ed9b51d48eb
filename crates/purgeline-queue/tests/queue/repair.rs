//! What verify finds is mended while the queue is used, and all jobs end.

use crate::{
    bed::{Bed, LEASE_MS, RETENTION, dir, host_lane, id, lane, limits, plain, url},
    damage::{Full, jobs, to_batches, to_jobs, to_what_waits},
};
use purgeline_core::{Action, Item, JobState, Lane, Priority, Target};
use purgeline_queue::{Lease, Mend, PollPolicy, Polls, Retried, Settlement};
use redis::AsyncTypedCommands;
use std::collections::BTreeSet;

fn route(_: &Target, item: &Item, action: Action, priority: Priority) -> Option<(Action, Lane)> {
    Some((action, lane(priority, &item.name(action))))
}

async fn repair(bed: &Bed) -> Vec<Mend> {
    bed.queue.audit().repair(std::slice::from_ref(&bed.target), &RETENTION, &route).await.unwrap()
}

/// Does what workers do until nothing is left to do; gives the items that went out or were asked
/// about.
async fn work_off(bed: &Bed) -> BTreeSet<String> {
    let polls = PollPolicy::new(&limits(), 10, LEASE_MS, 0);
    let mut worked = BTreeSet::new();
    loop {
        bed.pass(2 * 3_600_000);
        bed.queue.work().reap(&bed.target, 100).await.unwrap();
        let mut batches = Vec::new();
        while let Lease::Batch(batch) = bed.lease(&plain()).await {
            batches.push((batch.id, batch.items));
        }
        if let Polls::Due(due) = bed.queue.work().due_polls(&bed.target, &polls).await.unwrap() {
            batches.extend(due.polls.into_iter().map(|due| (due.batch, due.items)));
        }
        if batches.is_empty() {
            break;
        }
        for (batch, items) in batches {
            let done: Vec<_> = items.iter().map(|item| (item.index, Settlement::Done)).collect();
            bed.settle_some(&batch, &done).await;
            worked.extend(items.iter().map(|item| item.item.name(item.action)));
        }
    }
    bed.queue.work().drain(&bed.target, &RETENTION).await.unwrap();
    bed.queue.work().carry_outbox(&bed.target, &RETENTION).await.unwrap();
    worked
}

/// What damage leaves of the whole.
async fn mended(cases: Vec<(String, &str)>) {
    for (damage, expected) in cases {
        let mut full = Full::new().await;
        full.damage(&damage).await;
        full.finds(expected).await;
        let bed = &full.bed;
        let mends = repair(bed).await;
        assert!(mends.iter().any(|mend| mend.mended), "{damage}: {mends:#?}");
        assert!(mends.iter().all(|mend| mend.mended), "{damage}: {mends:#?}");
        assert_eq!(full.found().await, [""; 0], "{damage}: {mends:#?}");
        assert_eq!(repair(bed).await, [], "{damage}: once is enough");

        let worked = work_off(bed).await;
        for name in ["hot", "late", "split", "leased", "embargoed", "expires", "a", "b"]
            .map(url)
            .into_iter()
            .chain([dir("d/")])
        {
            assert!(worked.contains(&name), "{damage}: {name} is lost: {worked:?}");
        }
        let mut failed = 0;
        for name in jobs() {
            let job =
                bed.queue.inspect().job(id(&name), std::slice::from_ref(&bed.target)).await.unwrap().unwrap();
            assert!(job.state.is_terminal(), "{damage}: {name} has not ended: {job:#?}");
            failed += usize::from(job.state != JobState::Succeeded);
        }
        assert_eq!(failed, 0, "{damage}: all names are known: {mends:#?}");
        assert_eq!(full.found().await, [""; 0], "{damage}");
    }
}

#[tokio::test]
async fn what_waits_is_mended() {
    mended(to_what_waits()).await;
}

#[tokio::test]
async fn batches_are_mended() {
    mended(to_batches()).await;
}

#[tokio::test]
async fn jobs_are_mended() {
    mended(to_jobs()).await;
}

#[tokio::test]
async fn what_nobody_knows_the_name_of_fails_with_words() {
    let bed = Bed::new().await;
    bed.create("j", 2).await;
    bed.chunk("j", (0, 1, 2), &[&url("a"), &url("b")], 10).await.unwrap();
    bed.queue.manager().hdel(bed.queue.keys().pending(&bed.target), url("a")).await.unwrap();
    let mends = repair(&bed).await;
    assert_eq!(mends.len(), 1, "{mends:?}");
    assert!(mends[0].how.contains("1 count as failed"), "{mends:?}");
    let letters = bed.queue.inspect().dead_letters(&bed.target, 9).await.unwrap();
    assert_eq!(
        (letters.len(), letters[0].cause.code.as_str(), &letters[0].jobs[..]),
        (1, "record-lost", &[id("j")][..])
    );
    let ids = [letters[0].id.clone()];
    let retried = bed.queue.operate().retry_dead(&bed.target, &ids, 10, &RETENTION).await.unwrap();
    assert_eq!(retried, Retried { nameless: 1, ..Retried::default() }, "there is nothing to send");
    assert_eq!(bed.queue.inspect().dead_letters(&bed.target, 9).await.unwrap(), letters);
    assert_eq!(work_off(&bed).await, BTreeSet::from([url("b")]));
    assert_eq!(bed.ended("j").await, (1, 1));
    bed.check().await;
}

#[tokio::test]
async fn what_a_live_worker_settles_meanwhile_is_not_counted_again() {
    let bed = Bed::new().await;
    bed.ask("j", &[&url("a"), &url("b")]).await;
    let batch = bed.batch(&plain()).await;
    // Its lease is lost, and so is what inflight says of it: it is mended under the worker's hands.
    let keys = bed.queue.keys();
    for key in [keys.leases(&bed.target), keys.inflight(&bed.target)] {
        bed.queue.manager().del(key).await.unwrap();
    }
    assert!(repair(&bed).await.iter().all(|mend| mend.mended));
    bed.check().await;
    bed.settle(&batch, &Settlement::Done).await;
    assert_eq!(bed.ended("j").await, (2, 0));
    assert_eq!(work_off(&bed).await, BTreeSet::new());
    bed.check().await;

    // The same, but a reaper was faster: the items go again, and are counted once.
    bed.ask("k", &[&url("a"), &url("b")]).await;
    let batch = bed.batch(&plain()).await;
    bed.queue.manager().del(bed.queue.keys().leases(&bed.target)).await.unwrap();
    assert!(repair(&bed).await.iter().all(|mend| mend.mended));
    assert_eq!(bed.queue.work().reap(&bed.target, 9).await.unwrap().len(), 1);
    bed.settle(&batch, &Settlement::Done).await;
    assert_eq!(work_off(&bed).await.len(), 2);
    assert_eq!(bed.ended("k").await, (2, 0));
    bed.check().await;
}

#[tokio::test]
async fn what_cannot_be_mended_is_said() {
    let bed = Bed::new().await;
    bed.ask("j", &[&url("a")]).await;
    let (pending, part) =
        (bed.queue.keys().pending(&bed.target), bed.queue.keys().part(&bed.target, "nonsense"));
    bed.queue.manager().hset(pending, "nonsense", "nonsense").await.unwrap();
    bed.queue.manager().hset(part, "state", "active").await.unwrap();
    let mends = repair(&bed).await;
    assert!(mends.len() == 2 && mends.iter().all(|mend| !mend.mended), "{mends:#?}");
    assert!(mends[0].to_string().starts_with("NOT mended: www: nonsense: expected a record"), "{mends:#?}");
    assert!(mends[0].how.contains("`HDEL` it from purgeline:v1:{www}:www:pending"), "{mends:#?}");
    assert!(mends[1].how.contains("`DEL` purgeline:v1:{www}:www:job:nonsense"), "{mends:#?}");
    assert_eq!(work_off(&bed).await, BTreeSet::from([url("a")]));
}

#[tokio::test]
async fn an_item_waits_anew_where_the_target_has_it_wait() {
    let bed = Bed::new().await;
    let item = url("a");
    bed.ask("j", &[&item]).await;
    bed.queue.manager().hset(bed.queue.keys().pending(&bed.target), &item, "nonsense").await.unwrap();
    let route = |_: &Target, item: &Item, action: Action, priority: Priority| {
        Some((action, host_lane(priority, &item.name(action))))
    };
    let targets = std::slice::from_ref(&bed.target);
    let mends = bed.queue.audit().repair(targets, &RETENTION, &route).await.unwrap();
    assert!(mends.iter().all(|mend| mend.mended), "{mends:#?}");
    assert_eq!(bed.lane_of(&item).await, "normal/url@h");
    assert_eq!(bed.waiting(&item, &["j"]).await.unwrap(), ["j"]);
    bed.check().await;
}
