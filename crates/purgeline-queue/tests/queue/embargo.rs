//! What may not go before a time does not, and nothing that went before counts for it; whoever
//! wants the same item earlier gets it.

use crate::bed::{Bed, dir, id, names, not_before, plain, quiet, retry, url};
use purgeline_core::{Action, Item, Priority};
use purgeline_queue::{Enqueued, MAX_CHUNK_ITEMS, QueueError, Settlement, Timing};

#[tokio::test]
async fn the_embargoed_stays_while_others_get_the_item() {
    let bed = Bed::new().await;
    let noon = bed.now() + 60_000;
    let added = bed.ask_timed(not_before(noon), "embargoed", &[&url("a")]).await;
    assert_eq!(added, Enqueued::Added { new: 1, joined: 0, covered: 0 });
    assert_eq!(bed.wait(&plain()).await, ("embargoed".to_owned(), Some(60_000)));
    let added = bed.ask("now", &[&url("a"), &dir("")]).await;
    assert_eq!(added, Enqueued::Added { new: 2, joined: 0, covered: 0 }, "it joins no embargo");
    bed.check().await;
    for _ in 0..2 {
        bed.settle(&bed.batch(&plain()).await, &Settlement::Done).await;
        if bed.pending().await == 0 {
            break;
        }
    }
    assert_eq!((bed.ended("now").await, bed.ended("embargoed").await), ((2, 0), (0, 0)));
    bed.check().await;

    bed.pass(59_999);
    assert_eq!(bed.wait(&plain()).await, ("embargoed".to_owned(), Some(1)));
    bed.pass(1);
    let batch = bed.batch(&plain()).await;
    assert_eq!(names(&batch), [url("a")]);
    assert_eq!(batch.items[0].record.since_ms, noon, "before, nobody waited for it");
    bed.settle(&batch, &Settlement::Done).await;
    assert_eq!(bed.ended("embargoed").await, (1, 0));
    assert!(!bed.key_exists("embargoed").await && !bed.key_exists("embargoes").await);
    bed.check().await;
}

#[tokio::test]
async fn what_is_embargoed_is_found_by_its_item() {
    let bed = Bed::new().await;
    let at = |seconds: i64| bed.now() + seconds * 1_000;
    // More than Redis tells of at once.
    let others: Vec<_> = (0..1_500).map(|n| url(format!("other/{n}"))).collect();
    let others: Vec<_> = others.iter().map(String::as_str).collect();
    for (job, chunk) in others.chunks(MAX_CHUNK_ITEMS).enumerate() {
        bed.ask_timed(not_before(at(5)), &format!("others-{job}"), chunk).await;
    }
    bed.ask_timed(not_before(at(9)), "last", &[&url("news/a")]).await;
    bed.ask_timed(not_before(at(2)), "first", &[&url("news/a")]).await;
    bed.ask_timed(not_before(at(7)), "above", &[&dir("news/")]).await;
    bed.ask("now", &[&url("news/a")]).await;
    let found = async |name: &str| {
        let item = Item::from_name(name).unwrap().0;
        let found = bed.queue.inspect().embargoes_of(&bed.target, &item, Action::Default).await.unwrap();
        found
            .into_iter()
            .map(|one| (one.until_ms, one.item.name, one.item.record.jobs[0]))
            .collect::<Vec<_>>()
    };
    let (a, news) = (url("news/a"), dir("news/"));
    assert_eq!(
        found(&a).await,
        [(at(2), a.clone(), id("first")), (at(7), news.clone(), id("above")), (at(9), a.clone(), id("last"))]
    );
    assert_eq!(found(&url("news/b")).await, [(at(7), news, id("above"))]);
    assert_eq!(found(&url("b")).await, []);
    bed.pass(2_000);
    bed.batch(&plain()).await;
    assert_eq!(found(&a).await.len(), 2, "one has ended");
}

#[tokio::test]
async fn a_call_that_began_before_the_embargo_ended_does_not_count() {
    let bed = Bed::new().await;
    bed.ask("now", &[&url("a")]).await;
    let under_way = bed.batch(&plain()).await;
    bed.ask_timed(not_before(bed.now() + 1_000), "embargoed", &[&url("a")]).await;
    bed.pass(1_000);
    bed.settle(&under_way, &Settlement::Done).await;
    assert_eq!((bed.ended("now").await, bed.ended("embargoed").await), ((1, 0), (0, 0)));
    bed.settle(&bed.batch(&plain()).await, &Settlement::Done).await;
    assert_eq!(bed.ended("embargoed").await, (1, 0));
    bed.check().await;
}

#[tokio::test]
async fn those_of_one_time_are_one_purge_and_join_what_waits_then() {
    let bed = Bed::new().await;
    let noon = bed.now() + 60_000;
    // So many that most stand in a list of their own.
    for job in 0..20 {
        // Being urgent ends no embargo, and quiet is no part of it.
        let priority = if job == 13 { Priority::Urgent } else { Priority::Normal };
        let timing = Timing { quiet: quiet(90_000, 90_000).quiet, ..not_before(noon) };
        bed.ask_timed_as(priority, timing, &format!("e{job}"), &[&url("a")]).await;
    }
    bed.ask_timed(not_before(noon + 1), "later", &[&url("a")]).await;
    let item = Item::url("https://h/a").unwrap();
    let waits = bed
        .queue
        .inspect()
        .embargoed_item(&bed.target, &item, Default::default(), noon)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((waits.record.due_ms, waits.record.more_jobs), (Some(noon), true));
    assert_eq!(bed.queue.inspect().stats(&bed.target).await.unwrap().embargoed, 2);
    bed.check().await;
    bed.pass(50_000);
    bed.ask_timed(quiet(20_000, 20_000), "patient", &[&url("a")]).await;
    bed.pass(10_000);
    bed.check().await;
    let batch = bed.batch(&plain()).await;
    assert_eq!(names(&batch), [url("a")]);
    assert_eq!(batch.items[0].record.lane.to_string(), "urgent/url");
    bed.check().await;
    bed.settle(&batch, &Settlement::Done).await;
    for job in 0..20 {
        assert_eq!(bed.ended(&format!("e{job}")).await, (1, 0));
    }
    assert_eq!((bed.ended("patient").await, bed.ended("later").await), ((1, 0), (0, 0)));
    bed.pass(1);
    bed.settle(&bed.batch(&plain()).await, &Settlement::Done).await;
    assert_eq!(bed.ended("later").await, (1, 0));
    bed.check().await;
}

#[tokio::test]
async fn it_joins_a_retry_and_waits_with_it() {
    let bed = Bed::new().await;
    bed.ask_timed(not_before(bed.now() + 1_000), "embargoed", &[&url("a")]).await;
    bed.ask("now", &[&url("a")]).await;
    bed.settle(&bed.batch(&plain()).await, &retry(5_000)).await;
    bed.pass(1_000);
    assert_eq!(bed.wait(&plain()).await, ("delayed".to_owned(), Some(4_000)));
    bed.check().await;
    bed.pass(4_000);
    assert_eq!(bed.batch(&plain()).await.items[0].record.jobs.len(), 2);
    bed.check().await;
}

#[tokio::test]
async fn embargoed_items_take_room() {
    let bed = Bed::new().await;
    let timing = not_before(bed.now() + 1_000);
    bed.ask_timed(timing, "embargoed", &[&url("a"), &url("b")]).await;
    bed.create("one too many", 1).await;
    let full = bed.chunk("one too many", (0, 1, 1), &[&url("c")], 2).await;
    assert!(matches!(full, Err(QueueError::Full { waiting: 2, most: 2, .. })), "{full:?}");
    assert_eq!(bed.queue.produce().pending(&bed.target).await.unwrap(), 2);
    // What is there takes no more.
    let again = bed.ask_timed(timing, "same time", &[&url("a")]).await;
    assert_eq!(again, Enqueued::Added { new: 0, joined: 1, covered: 0 });
    bed.queue.produce().discard_job(id("one too many")).await.unwrap();
    bed.check().await;
}

#[tokio::test]
async fn an_embargo_that_has_ended_is_none() {
    let bed = Bed::new().await;
    bed.ask_timed(not_before(bed.now()), "j1", &[&url("a")]).await;
    assert_eq!(names(&bed.batch(&plain()).await), [url("a")]);
    bed.check().await;
}
