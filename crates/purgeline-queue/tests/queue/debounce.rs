//! A page that is saved ten times in a minute is purged once, after the last save; one that is
//! saved without end, after `max_wait`.

use crate::bed::{Bed, RETENTION, names, plain, quiet, retry, url};
use purgeline_core::Priority;
use purgeline_queue::{Enqueued, Settlement};

#[tokio::test]
async fn ten_saves_in_a_minute_are_one_purge_after_the_last() {
    let bed = Bed::new().await;
    for save in 0..10 {
        bed.ask_timed(quiet(10_000, 120_000), &format!("save-{save}"), &[&url("a")]).await;
        assert_eq!(bed.wait(&plain()).await, ("delayed".to_owned(), Some(10_000)));
        bed.check().await;
        bed.pass(6_000);
    }
    // The last one was 6 s ago.
    assert_eq!(bed.wait(&plain()).await, ("delayed".to_owned(), Some(4_000)));
    bed.pass(4_000);
    let batch = bed.batch(&plain()).await;
    assert_eq!(names(&batch), [url("a")]);
    assert_eq!((batch.items[0].record.due_ms, batch.items[0].record.latest_ms), (None, None));
    bed.settle(&batch, &Settlement::Done).await;
    for save in 0..10 {
        assert_eq!(bed.ended(&format!("save-{save}")).await, (1, 0));
    }
    assert_eq!(bed.counter("leased").await, 1);
    bed.check().await;
}

#[tokio::test]
async fn saves_without_end_are_purged_after_the_longest_wait() {
    let bed = Bed::new().await;
    let begun = bed.now();
    let mut saves = 0;
    while bed.now() < begun + 60_000 {
        bed.ask_timed(quiet(10_000, 60_000), &format!("save-{saves}"), &[&url("a")]).await;
        assert_eq!(bed.wait(&plain()).await.0, "delayed");
        saves += 1;
        bed.pass(4_000);
    }
    assert_eq!(names(&bed.batch(&plain()).await), [url("a")]);
    // What is saved now begins a wait of its own.
    bed.ask_timed(quiet(10_000, 60_000), "after", &[&url("a")]).await;
    assert_eq!(bed.wait(&plain()).await, ("delayed".to_owned(), Some(10_000)));
    bed.check().await;
}

#[tokio::test]
async fn who_does_not_wait_takes_the_others_along_at_once() {
    for (priority, timing) in [
        (Priority::Normal, purgeline_queue::Timing::default()),
        (Priority::Bulk, purgeline_queue::Timing::default()),
        // What is urgent waits for no quiet, even if it says so.
        (Priority::Urgent, quiet(10_000, 60_000)),
    ] {
        let bed = Bed::new().await;
        bed.ask_timed(quiet(10_000, 60_000), "patient", &[&url("a"), &url("b")]).await;
        bed.pass(1_000);
        let joined = bed.ask_timed_as(priority, timing, "at once", &[&url("a")]).await;
        assert_eq!(joined, Enqueued::Added { new: 0, joined: 1, covered: 0 });
        bed.check().await;
        let batch = bed.batch(&plain()).await;
        assert_eq!(names(&batch), [url("a")]);
        assert_eq!(batch.items[0].record.jobs.len(), 2);
        bed.check().await;
    }
}

#[tokio::test]
async fn the_most_impatient_says_how_long_at_most() {
    let bed = Bed::new().await;
    let due = async || {
        let item = purgeline_core::Item::url("https://h/a").unwrap();
        let record = bed
            .queue
            .inspect()
            .pending_item(&bed.target, &item, Default::default())
            .await
            .unwrap()
            .unwrap()
            .record;
        (record.due_ms.unwrap() - bed.now(), record.latest_ms.unwrap() - bed.now())
    };
    bed.ask_timed(quiet(10_000, 60_000), "j1", &[&url("a")]).await;
    assert_eq!(due().await, (10_000, 60_000));
    bed.pass(1_000);
    // Its own quiet counts from now, and brings the end forward.
    bed.ask_timed(quiet(5_000, 20_000), "j2", &[&url("a")]).await;
    assert_eq!(due().await, (5_000, 20_000));
    bed.pass(1_000);
    bed.ask_timed(quiet(40_000, 90_000), "j3", &[&url("a")]).await;
    assert_eq!(due().await, (19_000, 19_000));
    bed.check().await;
}

#[tokio::test]
async fn what_waits_for_something_else_is_joined_as_it_is() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a")]).await;
    bed.ask_timed(quiet(10_000, 60_000), "j2", &[&url("a")]).await;
    let batch = bed.batch(&plain()).await;
    assert_eq!(batch.items[0].record.jobs.len(), 2, "it stands in its lane");
    bed.settle(&batch, &retry(3_000)).await;
    bed.ask_timed(quiet(10_000, 60_000), "j3", &[&url("a")]).await;
    bed.ask("j4", &[&url("a")]).await;
    assert_eq!(bed.wait(&plain()).await, ("delayed".to_owned(), Some(3_000)), "the provider wants it so");
    bed.pass(3_000);
    assert_eq!(bed.batch(&plain()).await.items[0].record.jobs.len(), 4);
    bed.check().await;
}

#[tokio::test]
async fn what_comes_back_is_not_made_late_by_those_who_wait_for_quiet() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a"), &url("b")]).await;
    let batch = bed.batch(&plain()).await;
    bed.ask_timed(quiet(10_000, 60_000), "j2", &[&url("a"), &url("b")]).await;
    let outcomes = [(1, retry(2_000)), (2, retry(0))];
    bed.queue.work().settle(&bed.target, &batch.id, &outcomes, &RETENTION).await.unwrap();
    bed.check().await;
    let again = bed.batch(&plain()).await;
    assert_eq!((names(&again), again.items[0].record.jobs.len()), (vec![url("b")], 2));
    bed.pass(2_000);
    let again = bed.batch(&plain()).await;
    assert_eq!((names(&again), again.items[0].record.jobs.len()), (vec![url("a")], 2));
    bed.check().await;
}
