use crate::bed::{Bed, chunk, dir, id, lane, plain, url};
use purgeline_core::Priority::{Bulk, Normal, Urgent};
use purgeline_queue::{Chunk, Enqueued, QueueError};

const fn added(new: u64, joined: u64, covered: u64) -> Enqueued {
    Enqueued::Added { new, joined, covered }
}

fn jobs(jobs: &[&str]) -> Vec<String> {
    jobs.iter().map(|job| job.to_string()).collect()
}

#[tokio::test]
async fn a_new_item_waits_and_a_second_request_joins_it() {
    let bed = Bed::new().await;
    assert_eq!(bed.ask("j1", &[&url("a"), &url("b")]).await, added(2, 0, 0));
    assert_eq!(bed.ask("j2", &[&url("a"), &url("c")]).await, added(1, 1, 0));
    assert_eq!(bed.waiting(&url("a"), &["j1", "j2"]).await, Some(jobs(&["j1", "j2"])));
    assert_eq!(bed.waiting(&url("b"), &["j1"]).await, Some(jobs(&["j1"])));
    assert_eq!(bed.pending().await, 3);
    let counts = bed.counts("j2").await;
    assert_eq!((counts.items, counts.settled()), (2, 0));
    for (counter, value) in [("jobs", 2), ("asked", 4), ("joined", 1)] {
        assert_eq!(bed.counter(counter).await, value, "{counter}");
    }
    bed.check().await;
}

#[tokio::test]
async fn an_action_keeps_items_apart() {
    let bed = Bed::new().await;
    let drop = url("a").replacen("url:", "url+delete:", 1);
    assert_eq!(bed.ask("j1", &[&url("a"), &drop]).await, added(2, 0, 0));
    assert_eq!(bed.lane_of(&drop).await, "normal/url+delete");
    bed.check().await;
}

#[tokio::test]
async fn a_name_twice_in_a_chunk_is_two_items_of_one_record() {
    let bed = Bed::new().await;
    bed.ask("j0", &[&dir("d/")]).await;
    assert_eq!(bed.ask("j1", &[&url("a"), &url("a"), &url("d/x"), &url("d/x")]).await, added(1, 2, 1));
    let batch = bed.batch(&plain()).await;
    bed.check().await;
    bed.settle(&batch, &purgeline_queue::Settlement::Done).await;
    let batch = bed.batch(&plain()).await;
    bed.settle(&batch, &purgeline_queue::Settlement::Done).await;
    assert_eq!(bed.ended("j1").await, (4, 0));
    bed.check().await;
}

#[tokio::test]
async fn an_urgent_job_moves_a_waiting_item_up() {
    let bed = Bed::new().await;
    bed.ask_as(Bulk, "j1", &[&url("a"), &url("b")]).await;
    assert_eq!(bed.ask_as(Urgent, "j2", &[&url("b")]).await, added(0, 1, 0));
    assert_eq!(bed.lane_of(&url("b")).await, "urgent/url");
    // One that has less haste leaves it where it is.
    bed.ask_as(Normal, "j3", &[&url("b")]).await;
    assert_eq!(bed.lane_of(&url("b")).await, "urgent/url");
    bed.check().await;
    let batch = bed.batch(&plain()).await;
    assert_eq!(crate::bed::names(&batch), [url("b"), url("a")]);
    bed.check().await;
}

#[tokio::test]
async fn a_dir_covers_what_comes_with_it_and_after_it() {
    let bed = Bed::new().await;
    // In one call, in whatever order the action and host match.
    assert_eq!(bed.ask("j1", &[&dir("a/"), &url("a/x"), &url("a/y?z"), &url("b")]).await, added(2, 0, 2));
    assert_eq!(bed.waiting(&dir("a/"), &["j1"]).await, Some(jobs(&["j1"])));
    assert_eq!(bed.waiting(&url("a/x"), &["j1"]).await, Some(jobs(&["j1"])));
    // In a later call, a dir below it too.
    assert_eq!(bed.ask("j2", &[&url("a/z"), &dir("a/b/"), &url("a")]).await, added(1, 0, 2));
    let other = url("a/x").replacen("url:", "url+delete:", 1);
    assert_eq!(bed.ask("j3", &[&other]).await, added(1, 0, 0));
    assert_eq!(bed.counter("covered").await, 4);
    bed.check().await;
}

#[tokio::test]
async fn a_dir_covers_nothing_that_has_more_haste() {
    let bed = Bed::new().await;
    bed.ask_as(Bulk, "j1", &[&dir("a/")]).await;
    assert_eq!(bed.ask_as(Normal, "j2", &[&url("a/x")]).await, added(1, 0, 0));
    assert_eq!(bed.ask_as(Bulk, "j3", &[&url("a/y")]).await, added(0, 0, 1));
    assert_eq!(crate::bed::names(&bed.batch(&plain()).await), [url("a/x")]);
    bed.check().await;
}

#[tokio::test]
async fn a_dir_in_flight_covers_nothing() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&dir("a/")]).await;
    let batch = bed.batch(&plain()).await;
    assert_eq!(bed.ask("j2", &[&url("a/x")]).await, added(1, 0, 0));
    bed.submitted(&batch, 1000).await;
    assert_eq!(bed.ask("j3", &[&url("a/y")]).await, added(1, 0, 0));
    bed.settle(&batch, &purgeline_queue::Settlement::Done).await;
    assert_eq!((bed.ended("j1").await, bed.ended("j2").await), ((1, 0), (0, 0)));
    bed.check().await;
}

#[tokio::test]
async fn a_delayed_dir_covers_nothing() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&dir("a/")]).await;
    let batch = bed.batch(&plain()).await;
    bed.settle(&batch, &crate::bed::retry(9000)).await;
    assert_eq!(bed.ask("j2", &[&url("a/x")]).await, added(1, 0, 0));
    assert_eq!(crate::bed::names(&bed.batch(&plain()).await), [url("a/x")]);
    bed.check().await;
    // Its delay has passed: it waits like any other.
    bed.pass(9000);
    bed.ask("j3", &[&url("a/y"), &url("b")]).await;
    assert_eq!(crate::bed::names(&bed.batch(&plain()).await), [dir("a/")]);
    bed.check().await;
}

#[tokio::test]
async fn a_request_for_an_item_in_flight_waits_for_a_call_of_its_own() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a")]).await;
    let first = bed.batch(&plain()).await;
    for job in ["j2", "j3", "j4"] {
        bed.ask(job, &[&url("a")]).await;
    }
    assert_eq!(bed.pending().await, 1);
    bed.pass(1000);
    let second = bed.batch(&plain()).await;
    bed.check().await;
    bed.settle(&first, &purgeline_queue::Settlement::Done).await;
    assert_eq!((bed.ended("j1").await, bed.ended("j2").await), ((1, 0), (0, 0)));
    bed.check().await;
    bed.settle(&second, &purgeline_queue::Settlement::Done).await;
    assert_eq!((bed.ended("j2").await, bed.ended("j4").await), ((1, 0), (1, 0)));
    bed.check().await;
}

#[tokio::test]
async fn an_item_may_be_in_several_batches_that_end_in_any_order() {
    let bed = Bed::new().await;
    let (item, action) = purgeline_core::Item::from_name(&url("a")).unwrap();
    let mut batches = Vec::new();
    for job in ["j1", "j2", "j3"] {
        bed.ask_as(Urgent, job, &[&url("a")]).await;
        batches.push(bed.batch(&plain()).await);
        bed.check().await;
    }
    let holder = async || bed.queue.inspect().batch_of(&bed.target, &item, action).await.unwrap();
    for (done, left) in [(2, Some("b2")), (0, Some("b2")), (1, None)] {
        bed.settle(&batches[done], &purgeline_queue::Settlement::Done).await;
        bed.check().await;
        assert_eq!(holder().await.as_deref(), left);
    }
}

#[tokio::test]
async fn a_repeated_chunk_adds_nothing_and_a_gap_is_refused() {
    let bed = Bed::new().await;
    bed.create("j1", 5).await;
    let (a, b, c) = (url("a"), url("b"), url("c"));
    assert_eq!(bed.chunk("j1", (1, 3, 5), &[&b], 10).await.unwrap(), Enqueued::Gap(0));
    assert_eq!(bed.pending().await, 0);
    assert_eq!(bed.chunk("j1", (0, 3, 5), &[&a, &b], 10).await.unwrap(), added(2, 0, 0));
    assert_eq!(bed.chunk("j1", (0, 3, 5), &[&a, &b], 10).await.unwrap(), Enqueued::Repeated);
    assert_eq!(bed.chunk("j1", (2, 3, 5), &[&c], 10).await.unwrap(), Enqueued::Gap(1));
    bed.check().await;
    // Other counts than it said before, or more or fewer items than it said.
    for (counts, items) in [((1, 3, 6), 1), ((1, 2, 5), 1), ((1, 3, 5), 4)] {
        let items: Vec<_> = (0..items).map(|n| url(format!("n{n}"))).collect();
        let items: Vec<_> = items.iter().map(String::as_str).collect();
        let refused = bed.chunk("j1", counts, &items, 10).await.unwrap_err();
        assert!(matches!(refused, QueueError::Conflict(job) if job == id("j1")), "{refused}");
    }
    assert_eq!(bed.chunk("j1", (1, 3, 5), &[&c, &url("d")], 10).await.unwrap(), added(2, 0, 0));
    let refused = bed.chunk("j1", (2, 3, 5), &[&url("e"), &url("f")], 10).await.unwrap_err();
    assert!(matches!(refused, QueueError::Conflict(_)), "{refused}");
    assert_eq!(bed.chunk("j1", (2, 3, 5), &[&url("e")], 10).await.unwrap(), added(1, 0, 0));
    assert_eq!(bed.chunk("j1", (2, 3, 5), &[&url("e")], 10).await.unwrap(), Enqueued::Repeated);
    assert_eq!(bed.waiting(&a, &["j1"]).await, Some(jobs(&["j1"])));
    let counts = bed.counts("j1").await;
    assert_eq!((counts.items, counts.settled(), bed.pending().await), (5, 0, 5));
    assert!(!bed.key_exists("submitting").await);
    bed.check().await;
}

#[tokio::test]
async fn a_full_queue_refuses_what_is_new_and_takes_what_joins() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a"), &url("b")]).await;
    bed.create("j2", 2).await;
    let full = bed.chunk("j2", (0, 1, 2), &[&url("b"), &url("c")], 2).await.unwrap_err();
    assert!(matches!(full, QueueError::Full { waiting: 2, most: 2, .. }), "{full}");
    assert!(full.to_string().starts_with("target www is full: 2 items wait and 2 is the most"), "{full}");
    assert_eq!(bed.waiting(&url("b"), &["j1"]).await, Some(jobs(&["j1"])));
    assert!(!bed.key_exists(&format!("job:{}", id("j2"))).await);
    assert_eq!(bed.chunk("j2", (0, 1, 2), &[&url("a"), &url("b")], 2).await.unwrap(), added(0, 2, 0));
    bed.check().await;
}

#[tokio::test]
async fn a_job_of_many_chunks_is_refused_as_a_whole_or_not_at_all() {
    let bed = Bed::new().await;
    bed.create("j1", 4).await;
    bed.create("j2", 3).await;
    bed.create("j3", 2).await;
    let full = bed.chunk("j1", (0, 2, 4), &[&url("a"), &url("b")], 3).await.unwrap_err();
    assert!(matches!(full, QueueError::Full { waiting: 0, most: 3, .. }), "{full}");
    // What it has announced is kept free for it, so that two jobs cannot overfill the queue.
    assert_eq!(bed.chunk("j2", (0, 2, 3), &[&url("a")], 4).await.unwrap(), added(1, 0, 0));
    let full = bed.chunk("j3", (0, 1, 2), &[&url("x"), &url("y")], 4).await.unwrap_err();
    assert!(matches!(full, QueueError::Full { most: 4, .. }), "{full}");
    let full = bed.chunk("j3", (0, 2, 2), &[&url("x")], 4).await.unwrap_err();
    assert!(matches!(full, QueueError::Full { most: 4, .. }), "{full}");
    bed.check().await;
    // A later chunk is never refused, and what joins leaves room.
    assert_eq!(bed.chunk("j2", (1, 2, 3), &[&url("b"), &url("a")], 4).await.unwrap(), added(1, 1, 0));
    assert_eq!(bed.chunk("j3", (0, 1, 2), &[&url("x"), &url("y")], 4).await.unwrap(), added(2, 0, 0));
    bed.check().await;
}

#[tokio::test]
async fn a_chunk_holds_at_least_one_item_and_at_most_500() {
    let bed = Bed::new().await;
    let many: Vec<_> = (0..501).map(|n| (url(n), lane(Normal, &url(n)).to_string())).collect();
    for items in [&many[..0], &many[..]] {
        let error = bed.queue.produce().enqueue(&bed.target, &chunk("j1", items), 1000).await.unwrap_err();
        assert!(matches!(error, QueueError::ChunkSize(n) if n == items.len()), "{error}");
    }
    assert_eq!(bed.pending().await, 0);
    let most = Chunk { job_items: 500, ..chunk("j1", &many[..500]) };
    assert_eq!(bed.queue.produce().enqueue(&bed.target, &most, 1000).await.unwrap(), added(500, 0, 0));
}

#[tokio::test]
async fn a_producer_that_stays_away_is_given_up() {
    let bed = Bed::new().await;
    bed.create("j1", 4).await;
    bed.create("j2", 3).await;
    bed.chunk("j1", (0, 2, 4), &[&url("a"), &url("b")], 10).await.unwrap();
    bed.chunk("j2", (0, 2, 3), &[&url("b"), &url("c")], 10).await.unwrap();
    bed.chunk("j2", (1, 2, 3), &[&url("d")], 10).await.unwrap();
    bed.pass(86_399_999);
    assert!(bed.queue.work().abandon(&bed.target, &crate::bed::RETENTION).await.unwrap().is_empty());
    bed.pass(1);
    let closed = bed.queue.work().abandon(&bed.target, &crate::bed::RETENTION).await.unwrap();
    assert_eq!(closed.len(), 1);
    assert_eq!((closed[0].job, closed[0].enqueued, closed[0].announced), (id("j1"), 2, 4));
    let refused = bed.chunk("j1", (1, 2, 4), &[&url("e"), &url("f")], 10).await.unwrap_err();
    assert!(matches!(refused, QueueError::Abandoned(job) if job == id("j1")), "{refused}");
    // What it had announced is no longer kept free.
    bed.create("j4", 6).await;
    bed.chunk("j4", (0, 2, 6), &[&url("g")], 10).await.unwrap();
    bed.check().await;
    // The items that it got are still sent, and end it.
    let batch = bed.batch(&plain()).await;
    bed.settle(&batch, &purgeline_queue::Settlement::Done).await;
    let counts = bed.counts("j1").await;
    assert_eq!((counts.items, counts.succeeded), (2, 2));
    bed.check().await;
}

#[tokio::test]
async fn a_producer_that_is_given_up_when_all_it_sent_has_settled_ends_the_job_then() {
    let bed = Bed::new().await;
    bed.create("j1", 4).await;
    bed.chunk("j1", (0, 2, 4), &[&url("a"), &url("b")], 10).await.unwrap();
    let batch = bed.batch(&plain()).await;
    bed.settle(&batch, &purgeline_queue::Settlement::Done).await;
    assert!(bed.queue.work().carry_outbox(&bed.target, &crate::bed::RETENTION).await.unwrap().is_empty());
    bed.pass(86_400_000);
    bed.queue.work().abandon(&bed.target, &crate::bed::RETENTION).await.unwrap();
    let ended = bed.queue.work().carry_outbox(&bed.target, &crate::bed::RETENTION).await.unwrap();
    assert_eq!(ended, [(id("j1"), purgeline_core::JobState::Succeeded)]);
    bed.check().await;
}
