//! The list of jobs: it is read page by page while jobs arrive, and trimmed within bounds.

use crate::bed::{Bed, RETENTION, id};
use purgeline_queue::{JobFilter, Retention};
use redis::AsyncTypedCommands;
use std::collections::HashSet;

/// Adds names to the list of jobs as if each had been submitted a millisecond after the one before.
async fn list(bed: &Bed, from_ms: i64, names: impl IntoIterator<Item = String>) {
    let mut add = redis::cmd("ZADD");
    add.arg(bed.queue.keys().jobs());
    for (ms, name) in (from_ms..).zip(names) {
        add.arg(ms).arg(name);
    }
    let _: u64 = add.query_async(&mut bed.queue.manager()).await.unwrap();
}

async fn listed(bed: &Bed) -> usize {
    bed.queue.manager().zcard(bed.queue.keys().jobs()).await.unwrap()
}

/// Looks at the whole list.
async fn trim(bed: &Bed) -> usize {
    bed.queue.work().tend_jobs(&[], &RETENTION).await.unwrap().removed
}

#[tokio::test]
async fn a_malformed_id_does_not_shift_the_answers_for_other_jobs() {
    let bed = Bed::new().await;
    bed.create("kept", 1).await;
    list(&bed, 1, ["nonsense".to_owned(), id("gone").to_string()]).await;
    assert_eq!(trim(&bed).await, 2, "the malformed id and the job that is gone");
    let left = bed.queue.manager().zrange(bed.queue.keys().jobs(), 0, -1).await.unwrap();
    assert_eq!(left, [id("kept").to_string()]);
}

#[tokio::test]
async fn jobs_that_must_stay_at_the_head_do_not_stop_the_trimming() {
    let bed = Bed::new().await;
    for number in 0..1_200 {
        bed.create(&format!("active{number}"), 1).await;
    }
    list(&bed, bed.now() + 1, (0..300).map(|number| id(&format!("gone{number}")).to_string())).await;
    for _ in 0..5 {
        trim(&bed).await;
    }
    assert_eq!(listed(&bed).await, 1_200);
}

#[tokio::test]
async fn a_job_is_listed_once_while_others_arrive() {
    let bed = Bed::new().await;
    for number in 0..900 {
        bed.create(&format!("old{number}"), 1).await;
        bed.pass(i64::from(number % 3 == 0));
    }
    let arrivals = async {
        for number in 0..3_000 {
            bed.create(&format!("new{number}"), 1).await;
        }
    };
    let listing = async {
        let jobs = bed.queue.inspect().jobs(&[], &JobFilter::default(), 900, 10_000).await.unwrap();
        let distinct: HashSet<_> = jobs.iter().map(|job| job.id).collect();
        assert_eq!((jobs.len(), distinct.len()), (900, 900));
    };
    // The arrivals end with the listing.
    tokio::select! {
        () = listing => {}
        () = arrivals => panic!("the list took longer than 3000 arrivals"),
    }
}

#[tokio::test]
async fn jobs_older_than_the_newest_go_when_they_have_ended() {
    let bed = Bed::new().await;
    for number in 0..6 {
        bed.create(&format!("active{number}"), 1).await;
        bed.pass(1);
        bed.create(&format!("ended{number}"), 1).await;
        bed.queue
            .produce()
            .cancel_part(id(&format!("ended{number}")), &bed.target.name, 1, &RETENTION)
            .await
            .unwrap();
        bed.pass(1);
    }
    let few = Retention { max_jobs: 8, ..RETENTION };
    let mut removed = 0;
    for _ in 0..5 {
        removed += bed.queue.work().tend_jobs(&[], &few).await.unwrap().removed;
    }
    assert_eq!(removed, 2, "four of the twelve are older than the newest eight, and two of those are active");
    for number in 0..6 {
        let kept = async |name: &str| {
            bed.queue.inspect().job(id(&format!("{name}{number}")), &[]).await.unwrap().is_some()
        };
        assert!(kept("active").await);
        assert_eq!(kept("ended").await, number >= 2, "ended{number}");
    }
}
