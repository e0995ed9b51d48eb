use crate::bed::{Bed, RETENTION, dir, failed, id, plain, url};
use purgeline_core::{Action, Item};
use purgeline_queue::{LastOutcome, Retention, Settlement};

async fn last(bed: &Bed, name: &str) -> Vec<LastOutcome> {
    let (item, action) = Item::from_name(name).unwrap();
    bed.queue.inspect().last_outcomes(&bed.target, &item, action).await.unwrap()
}

/// Has an item asked for, sent and settled.
async fn purge(bed: &Bed, name: &str, settlement: &Settlement, retention: &Retention) -> String {
    bed.ask(&format!("{name} at {}", bed.now()), &[name]).await;
    let batch = bed.batch(&plain()).await;
    bed.queue.work().settle(&bed.target, &batch.id, &[(1, settlement.clone())], retention).await.unwrap();
    batch.id
}

#[tokio::test]
async fn the_last_outcome_of_an_item_is_kept_and_that_of_the_dirs_above_it() {
    let bed = Bed::new().await;
    assert_eq!(last(&bed, &url("a/x")).await, []);
    purge(&bed, &url("a/x"), &Settlement::Done, &RETENTION).await;
    bed.pass(1);
    let batch = purge(&bed, &url("a/x"), &failed("http 400"), &RETENTION).await;
    let at = bed.now();
    bed.pass(1);
    purge(&bed, &dir("a/"), &Settlement::Done, &RETENTION).await;
    let [own, above] = last(&bed, &url("a/x")).await.try_into().unwrap();
    let expected = LastOutcome {
        item: url("a/x"),
        succeeded: false,
        at_ms: at,
        dead: Some(format!("{batch}-1")),
        batch,
        code: Some("http-400".into()),
        jobs: vec![id(&format!("{} at {at}", url("a/x")))],
    };
    assert_eq!(own, expected);
    assert_eq!((above.item, above.succeeded, above.at_ms), (dir("a/"), true, at + 1));
    let item = Item::url("https://h/a/x").unwrap();
    assert_eq!(bed.queue.inspect().last_outcomes(&bed.target, &item, Action::Delete).await.unwrap(), []);
}

#[tokio::test]
async fn the_history_is_bounded_in_time_and_number_and_the_oldest_go_first() {
    let bed = Bed::new().await;
    let small = Retention { max_history: 16, ..RETENTION };
    for number in 0..40 {
        bed.pass(1);
        purge(&bed, &url(number), &Settlement::Done, &small).await;
    }
    let mut kept = Vec::new();
    for number in 0..40 {
        if !last(&bed, &url(number)).await.is_empty() {
            kept.push(number);
        }
    }
    assert_eq!(kept, (24..40).collect::<Vec<_>>());
    // A generation serves a seventh of the time at most, and another follows it.
    bed.pass(i64::try_from(RETENTION.history_ms / 7).unwrap() + 1);
    purge(&bed, &url("late"), &Settlement::Done, &small).await;
    assert!(last(&bed, &url(24)).await.is_empty());
    assert_eq!(last(&bed, &url(39)).await.len(), 1);

    let none = Retention { max_history: 0, ..RETENTION };
    purge(&bed, &url("unseen"), &Settlement::Done, &none).await;
    assert_eq!(last(&bed, &url("unseen")).await, []);
    bed.check().await;
}
