//! Jobs are taken out of what waits.

use crate::{
    bed::{Bed, RETENTION, ROOM, dir, expires_at, failed, id, names, plain, url},
    model::raw,
};
use purgeline_core::{JobState, PartCounts};
use purgeline_queue::{CancelState, CancelledPart, QueueError, Settlement};
use redis::AsyncTypedCommands;

async fn cancel(bed: &Bed, name: &str) -> CancelledPart {
    bed.queue.operate().cancel(&bed.target, id(name), "by hand", &RETENTION, false).await.unwrap()
}

async fn preview(bed: &Bed, name: &str) -> CancelledPart {
    bed.queue.operate().cancel(&bed.target, id(name), "by hand", &RETENTION, true).await.unwrap()
}

fn done(state: CancelState, cancelled: u64, gone: u64) -> CancelledPart {
    CancelledPart { state, cancelled, gone }
}

fn counts(items: u64, succeeded: u64, failed: u64, cancelled: u64) -> PartCounts {
    PartCounts { items, succeeded, failed, cancelled }
}

async fn carry(bed: &Bed) -> Vec<JobState> {
    let ended = bed.queue.work().carry_outbox(&bed.target, &RETENTION).await.unwrap();
    ended.into_iter().map(|(_, state)| state).collect()
}

#[tokio::test]
async fn items_that_nobody_else_waits_for_go_and_others_stay() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a"), &url("b"), &dir("d/")]).await;
    bed.ask("j2", &[&url("b")]).await;
    assert_eq!(preview(&bed, "j1").await, done(CancelState::Cancelling, 3, 2));
    assert_eq!((bed.pending().await, bed.counts("j1").await), (3, counts(3, 0, 0, 0)));
    assert_eq!(cancel(&bed, "j1").await, done(CancelState::Ended, 3, 2));
    assert_eq!(bed.waiting(&url("b"), &["j2"]).await.unwrap(), ["j2"]);
    assert_eq!((bed.pending().await, bed.counts("j1").await), (1, counts(3, 0, 0, 3)));
    bed.check().await;
    assert_eq!(carry(&bed).await, [JobState::Cancelled]);
    assert_eq!(cancel(&bed, "j1").await, done(CancelState::Ended, 0, 0));
    assert_eq!(names(&bed.batch(&plain()).await), [url("b")]);
    assert!(!bed.key_exists("cancelling").await);
    bed.check().await;
}

#[tokio::test]
async fn one_who_would_have_no_use_for_an_item_after_a_time_is_taken_out_too() {
    let bed = Bed::new().await;
    let soon = expires_at(bed.now() + 1_000);
    bed.ask_timed(soon, "j1", &[&url("a"), &url("b")]).await;
    bed.ask_timed(soon, "j2", &[&url("b")]).await;
    assert_eq!(cancel(&bed, "j1").await, done(CancelState::Ended, 2, 1));
    bed.check().await;
    bed.pass(1_000);
    assert_eq!(bed.wait(&plain()).await.0, "empty");
    bed.queue.work().drain(&bed.target, &RETENTION).await.unwrap();
    assert_eq!((bed.counts("j1").await, bed.counts("j2").await), (counts(2, 0, 0, 2), counts(1, 0, 0, 1)));
    bed.check().await;
}

#[tokio::test]
async fn what_is_in_a_call_ends_as_it_does() {
    let bed = Bed::new().await;
    let items = ["a", "b", "c", "d", "e"].map(url);
    bed.ask("j1", &items.each_ref().map(String::as_str)).await;
    let batch = bed.batch(&plain()).await;
    assert_eq!(cancel(&bed, "j1").await, done(CancelState::Cancelling, 2, 2));
    let job = bed.queue.inspect().job(id("j1"), std::slice::from_ref(&bed.target)).await.unwrap().unwrap();
    let part = &job.parts[&bed.target.name];
    assert_eq!((part.cancel.as_deref(), part.cancelling_ms), (Some("by hand"), Some(bed.now())));
    bed.check().await;
    let outcomes = [(1, Settlement::Done), (2, failed("x")), (3, crate::bed::retry(5))];
    bed.settle_some(&batch.id, &outcomes).await;
    // What comes back to wait is looked for again.
    assert_eq!(bed.queue.work().resume_cancels(&bed.target, &RETENTION).await.unwrap(), 0);
    bed.pass(60_000);
    assert_eq!(bed.queue.work().resume_cancels(&bed.target, &RETENTION).await.unwrap(), 1);
    assert_eq!(bed.counts("j1").await, counts(5, 1, 1, 3));
    assert_eq!(carry(&bed).await, [JobState::Partial]);
    assert_eq!((bed.pending().await, bed.key_exists("delayed").await), (0, false));
    assert_eq!(bed.queue.work().resume_cancels(&bed.target, &RETENTION).await.unwrap(), 0);
    bed.check().await;
}

#[tokio::test]
async fn covered_items_are_cancelled_like_others() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&dir("d/")]).await;
    bed.ask("j2", &[&url("d/a"), &url("d/b"), &url("d/c"), &url("x")]).await;
    assert_eq!(bed.pending().await, 5);
    assert_eq!(cancel(&bed, "j2").await, done(CancelState::Ended, 4, 4));
    assert_eq!(bed.waiting(&dir("d/"), &["j1"]).await.unwrap(), ["j1"]);
    bed.check().await;
    assert_eq!(cancel(&bed, "j1").await, done(CancelState::Ended, 1, 1));
    assert_eq!(bed.pending().await, 0);
    bed.check().await;
}

#[tokio::test]
async fn jobs_are_found_in_the_lists_of_hot_items_and_in_lists_of_lists() {
    let bed = Bed::new().await;
    let jobs: Vec<_> = (0..30).map(|number| format!("j{number}")).collect();
    // A hot dir is leased, and asked for again; both batches come back to the newest record.
    let mut batches = Vec::new();
    for jobs in jobs.chunks(15) {
        for job in jobs {
            bed.ask(job, &[&dir("d/")]).await;
        }
        bed.pass(1_000);
        batches.push(bed.batch(&plain()).await);
        assert_eq!(names(batches.last().unwrap()), [dir("d/")]);
    }
    for number in 0..15 {
        bed.ask(&format!("k{number}"), &[&dir("d/")]).await;
    }
    for batch in batches {
        bed.queue.work().give_back(&bed.target, &batch.id, "w1").await.unwrap();
    }
    bed.check().await;
    for (number, job) in jobs.iter().enumerate() {
        assert_eq!(preview(&bed, job).await.cancelled, 1, "{job}");
        assert_eq!(cancel(&bed, job).await, done(CancelState::Ended, 1, 0), "{job}");
        if number % 7 == 0 {
            bed.check().await;
        }
    }
    for number in 0..15 {
        let gone = u64::from(number == 14);
        assert_eq!(cancel(&bed, &format!("k{number}")).await, done(CancelState::Ended, 1, gone), "k{number}");
    }
    assert_eq!((bed.pending().await, bed.counter("dirs").await), (0, 0));
    bed.check().await;
    let keys: Vec<String> =
        redis::cmd("KEYS").arg("*waiters*").query_async(&mut bed.queue.manager()).await.unwrap();
    assert!(keys.is_empty(), "{keys:?}");
}

#[tokio::test]
async fn chunks_that_come_later_are_refused() {
    let bed = Bed::new().await;
    bed.create("j1", 4).await;
    bed.chunk("j1", (0, 2, 4), &[&url("a"), &url("b")], ROOM).await.unwrap();
    assert_eq!(cancel(&bed, "j1").await, done(CancelState::Ended, 2, 2));
    assert_eq!(bed.counts("j1").await, counts(4, 0, 0, 4));
    let refused = bed.chunk("j1", (1, 2, 4), &[&url("c"), &url("d")], ROOM).await.unwrap_err();
    assert!(matches!(refused, QueueError::Cancelled(job) if job == id("j1")), "{refused}");
    bed.check().await;
    assert_eq!(carry(&bed).await, [JobState::Cancelled]);
    bed.check().await;
}

#[tokio::test]
async fn a_job_that_has_not_come_is_refused_when_it_does() {
    let bed = Bed::new().await;
    bed.create("j1", 1).await;
    for _ in 0..2 {
        assert_eq!(cancel(&bed, "j1").await, done(CancelState::Absent, 0, 0));
    }
    let refused = bed.chunk("j1", (0, 1, 1), &[&url("a")], ROOM).await.unwrap_err();
    assert!(matches!(refused, QueueError::Cancelled(_)), "{refused}");
    let state = bed.queue.produce().cancel_part(id("j1"), &bed.target.name, 1, &RETENTION).await.unwrap();
    assert_eq!(state, Some(JobState::Cancelled));
    bed.check().await;
}

#[tokio::test]
async fn whoever_dies_in_the_middle_of_a_cancel_is_followed_by_another() {
    let bed = Bed::new().await;
    // More than Redis keeps in one piece, so that there are slices.
    let items: Vec<_> = (0..300).map(url).collect();
    let items: Vec<_> = items.iter().map(String::as_str).collect();
    bed.ask("j1", &items).await;
    raw::cancel(&bed.queue, &bed.target, bed.now(), id("j1"), 5).await;
    let cancelled = bed.counts("j1").await.cancelled;
    assert!(0 < cancelled && cancelled < 300, "{cancelled}");
    bed.check().await;
    bed.pass(60_000);
    assert_eq!(bed.queue.work().resume_cancels(&bed.target, &RETENTION).await.unwrap(), 1);
    assert_eq!(bed.counts("j1").await, counts(300, 0, 0, 300));
    assert_eq!((bed.pending().await, carry(&bed).await), (0, vec![JobState::Cancelled]));
    bed.check().await;
}

#[tokio::test]
async fn a_retry_leaves_out_a_job_that_is_being_cancelled() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a"), &url("b")]).await;
    bed.ask("j2", &[&url("a")]).await;
    let batch = bed.batch(&plain()).await;
    bed.settle_some(&batch.id, &[(1, failed("x"))]).await;
    cancel(&bed, "j1").await;
    let [letter] = bed.queue.inspect().dead_letters(&bed.target, 10).await.unwrap().try_into().unwrap();
    bed.queue.operate().retry_dead(&bed.target, &[letter.id], ROOM, &RETENTION).await.unwrap();
    assert_eq!(bed.waiting(&url("a"), &["j2"]).await.unwrap(), ["j2"]);
    assert_eq!(bed.counts("j1").await, counts(2, 0, 1, 0));
    bed.check().await;
    bed.settle(&batch, &Settlement::Done).await;
    assert_eq!(carry(&bed).await, [JobState::Partial]);
    bed.check().await;
}

#[tokio::test]
async fn a_long_list_is_gone_through_to_its_end_also_where_a_list_that_it_names_goes() {
    let bed = Bed::new().await;
    let hot = url("hot");
    let list = bed.queue.keys().waiters(&bed.target, &hot);
    let length = async || bed.queue.manager().llen(&list).await.unwrap();
    // What is leased has a list of this job alone.
    bed.create("j1", 2).await;
    for number in 0..10 {
        bed.ask(&format!("a{number}"), &[&hot]).await;
    }
    assert_eq!(length().await, 0);
    bed.chunk("j1", (0, 2, 2), &[&hot], ROOM).await.unwrap();
    assert_eq!(length().await, 1);
    let batch = bed.batch(&plain()).await;
    // What comes back names that list in one of a thousand entries, and the job stands behind them.
    for number in 0..11 {
        bed.ask(&format!("b{number}"), &[&hot]).await;
    }
    bed.queue.work().give_back(&bed.target, &batch.id, "w1").await.unwrap();
    while length().await < 1_000 {
        bed.ask(&format!("c{}", length().await), &[&hot]).await;
    }
    bed.chunk("j1", (1, 2, 2), &[&hot], ROOM).await.unwrap();
    assert_eq!(preview(&bed, "j1").await.cancelled, 2);
    assert_eq!(cancel(&bed, "j1").await, done(CancelState::Ended, 2, 0));
    bed.check().await;
}
