//! Dead letters are retried under their old jobs, or dropped.

use crate::{
    bed::{Bed, RETENTION, ROOM, expires_at, failed, id, plain, url},
    model::raw,
};
use purgeline_core::{Action, Item, JobState, PartCounts};
use purgeline_queue::{DeadFilter, DeadLetter, Job, Retried, Settlement};
use redis::AsyncTypedCommands;

async fn letters(bed: &Bed) -> Vec<DeadLetter> {
    bed.queue.inspect().dead_letters(&bed.target, 10_000).await.unwrap()
}

async fn ids(bed: &Bed) -> Vec<String> {
    letters(bed).await.into_iter().map(|letter| letter.id).collect()
}

async fn retry(bed: &Bed, ids: &[String], room: u64) -> Retried {
    bed.queue.operate().retry_dead(&bed.target, ids, room, &RETENTION).await.unwrap()
}

fn retried(count: u64) -> Retried {
    Retried { retried: count, ..Retried::default() }
}

async fn carry(bed: &Bed) -> Vec<JobState> {
    let ended = bed.queue.work().carry_outbox(&bed.target, &RETENTION).await.unwrap();
    ended.into_iter().map(|(_, state)| state).collect()
}

async fn job(bed: &Bed, name: &str) -> Job {
    bed.queue.inspect().job(id(name), std::slice::from_ref(&bed.target)).await.unwrap().unwrap()
}

async fn state(bed: &Bed, name: &str) -> JobState {
    job(bed, name).await.state
}

/// How long a job and its part are kept, in ms; -1: for ever.
async fn kept(bed: &Bed, name: &str) -> [i64; 2] {
    let part = bed.queue.keys().part(&bed.target, id(name));
    let mut found = [0; 2];
    for (at, key) in [bed.queue.keys().job(id(name)), part].into_iter().enumerate() {
        found[at] = redis::cmd("PTTL").arg(key).query_async(&mut bed.queue.manager()).await.unwrap();
    }
    found
}

/// A job of these items, all of which fail.
async fn fail(bed: &Bed, name: &str, items: &[&str]) {
    bed.ask(name, items).await;
    let batch = bed.batch(&plain()).await;
    bed.settle(&batch, &failed("400034")).await;
}

#[tokio::test]
async fn a_retry_is_a_new_attempt_under_the_old_job() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a"), &url("b")]).await;
    let batch = bed.batch(&plain()).await;
    bed.settle_some(&batch.id, &[(1, failed("400034")), (2, Settlement::Done)]).await;
    assert_eq!(carry(&bed).await, [JobState::Partial]);
    assert!(kept(&bed, "j1").await.iter().all(|ms| *ms > 0));

    bed.pass(5);
    assert_eq!(retry(&bed, &ids(&bed).await, ROOM).await, retried(1));
    let reopened = job(&bed, "j1").await;
    assert_eq!((reopened.state, reopened.ended_ms), (JobState::Active, None));
    let part = &reopened.parts[&bed.target.name];
    assert_eq!(part.counts, PartCounts { items: 2, succeeded: 1, failed: 0, cancelled: 0 });
    assert_eq!((part.retried, part.dead.as_slice()), (1, &[][..]));
    assert_eq!(kept(&bed, "j1").await, [-1, -1]);
    assert!(letters(&bed).await.is_empty());
    bed.check().await;

    let batch = bed.batch(&plain()).await;
    let record = &batch.items[0].record;
    assert_eq!((record.attempts, record.cause.as_deref(), record.since_ms), (0, Some("400034"), bed.now()));
    bed.settle(&batch, &Settlement::Done).await;
    assert_eq!(carry(&bed).await, [JobState::Succeeded]);
    assert_eq!(state(&bed, "j1").await, JobState::Succeeded);
    assert!(kept(&bed, "j1").await.iter().all(|ms| *ms > 0));
    bed.check().await;
}

#[tokio::test]
async fn a_letter_is_retried_once_and_what_fails_again_is_another_letter() {
    let bed = Bed::new().await;
    fail(&bed, "j1", &[&url("a")]).await;
    let first = ids(&bed).await;
    let twice = [first.clone(), first.clone()].concat();
    assert_eq!(retry(&bed, &twice, ROOM).await, Retried { retried: 1, gone: 1, ..Retried::default() });
    bed.check().await;
    let batch = bed.batch(&plain()).await;
    bed.settle(&batch, &failed("500")).await;
    assert_eq!(carry(&bed).await, [JobState::Failed]);
    let [letter] = letters(&bed).await.try_into().unwrap();
    assert_eq!((letter.cause.code.as_str(), letter.attempts), ("500", 1));
    assert_eq!(retry(&bed, &first, ROOM).await, Retried { gone: 1, ..Retried::default() });
    assert_eq!(state(&bed, "j1").await, JobState::Failed);
    bed.check().await;
}

#[tokio::test]
async fn what_is_retried_joins_the_same_item() {
    let bed = Bed::new().await;
    fail(&bed, "j1", &[&url("a")]).await;
    bed.ask("j2", &[&url("a")]).await;
    // It needs no room.
    assert_eq!(retry(&bed, &ids(&bed).await, 1).await, retried(1));
    let waiting = bed.waiting(&url("a"), &["j1", "j2"]).await.unwrap();
    assert_eq!(waiting, ["j2", "j1"]);
    bed.check().await;
    let batch = bed.batch(&plain()).await;
    bed.settle(&batch, &Settlement::Done).await;
    assert_eq!((bed.ended("j1").await, bed.ended("j2").await), ((1, 0), (1, 0)));
}

#[tokio::test]
async fn a_full_queue_takes_no_retry_and_the_job_stays_as_it_ended() {
    let bed = Bed::new().await;
    fail(&bed, "j1", &[&url("a"), &url("b"), &url("c")]).await;
    carry(&bed).await;
    bed.ask("j2", &[&url("d")]).await;
    let answer = retry(&bed, &ids(&bed).await, 2).await;
    assert_eq!(answer, Retried { retried: 1, no_room: 2, ..Retried::default() });
    bed.check().await;
    assert_eq!(letters(&bed).await.len(), 2);
    fail(&bed, "j3", &[&url("d"), &url("e")]).await;
    let others: Vec<_> = letters(&bed).await.into_iter().filter(|letter| letter.jobs == [id("j3")]).collect();
    carry(&bed).await;
    let answer = retry(&bed, &[others[0].id.clone()], 0).await;
    assert_eq!(answer, Retried { no_room: 1, ..Retried::default() });
    carry(&bed).await;
    assert_eq!(state(&bed, "j3").await, JobState::Failed);
    assert!(kept(&bed, "j3").await.iter().all(|ms| *ms > 0));
    bed.check().await;
}

#[tokio::test]
async fn a_hot_items_letter_names_five_hundred_jobs_and_a_retry_is_for_those() {
    let bed = Bed::new().await;
    for number in 0..530 {
        bed.ask(&format!("j{number}"), &[&url("hot")]).await;
    }
    let batch = bed.batch(&plain()).await;
    // The worker dies before it has counted for all.
    let outcomes = [(1, crate::model::step::Outcome::Failed)];
    raw::settle(&bed.queue, &bed.target, bed.now(), &batch.id, &outcomes).await;
    assert_eq!(retry(&bed, &ids(&bed).await, ROOM).await, retried(1));
    let item = Item::url("https://h/hot").unwrap();
    let pending = bed.queue.inspect().pending_item(&bed.target, &item, Action::Default).await.unwrap();
    let inline = pending.unwrap().record.jobs.len();
    bed.check().await;
    carry(&bed).await;
    let mut states = Vec::new();
    for number in 0..530 {
        states.push(state(&bed, &format!("j{number}")).await);
    }
    let active = states.iter().filter(|state| **state == JobState::Active).count();
    assert_eq!(active, 500 + inline, "those in the letter itself, and in its list");
    assert!(!bed.key_exists(&format!("dead-jobs:{}-1", batch.id)).await);
    let batch = bed.batch(&plain()).await;
    bed.settle(&batch, &Settlement::Done).await;
    carry(&bed).await;
    assert_eq!(state(&bed, "j0").await, JobState::Succeeded);
    assert_eq!(state(&bed, "j529").await, JobState::Failed);
    bed.check().await;
}

#[tokio::test]
async fn whoever_dies_in_the_middle_of_a_retry_leaves_jobs_that_end_as_they_had() {
    let bed = Bed::new().await;
    fail(&bed, "j1", &[&url("a")]).await;
    fail(&bed, "j2", &[&url("b")]).await;
    carry(&bed).await;
    let promises = raw::reopen(&bed.queue, &bed.target, bed.now(), &ids(&bed).await).await;
    assert_eq!(promises.len(), 2);
    let late = promises.iter().find(|(job, _)| *job == id("j2")).copied().unwrap();
    raw::reopen_job(
        &bed.queue,
        &bed.target,
        promises.iter().find(|(job, _)| *job == id("j1")).copied().unwrap(),
    )
    .await;
    assert_eq!((state(&bed, "j1").await, state(&bed, "j2").await), (JobState::Active, JobState::Failed));
    bed.check().await;
    assert_eq!(bed.queue.work().repeat_ends(&bed.target, &RETENTION).await.unwrap(), 0, "it may be slow");
    bed.pass(60_000);
    assert_eq!(bed.queue.work().repeat_ends(&bed.target, &RETENTION).await.unwrap(), 2);
    bed.check().await;
    assert_eq!(carry(&bed).await, [JobState::Failed]);
    // It was only slow, and comes too late.
    raw::reopen_job(&bed.queue, &bed.target, late).await;
    assert_eq!((state(&bed, "j1").await, state(&bed, "j2").await), (JobState::Failed, JobState::Failed));
    assert!(kept(&bed, "j1").await.iter().chain(&kept(&bed, "j2").await).all(|ms| *ms > 0));
    bed.check().await;
    // The letters are still there.
    assert_eq!(retry(&bed, &ids(&bed).await, ROOM).await, retried(2));
    let batch = bed.batch(&plain()).await;
    bed.settle(&batch, &Settlement::Done).await;
    assert_eq!(carry(&bed).await, [JobState::Succeeded; 2]);
    bed.check().await;
}

#[tokio::test]
async fn an_end_that_was_not_carried_before_the_retry_ends_nothing_after_it() {
    let bed = Bed::new().await;
    fail(&bed, "j1", &[&url("a")]).await;
    retry(&bed, &ids(&bed).await, ROOM).await;
    assert_eq!(carry(&bed).await, []);
    assert_eq!(state(&bed, "j1").await, JobState::Active);
    bed.check().await;
}

#[tokio::test]
async fn an_item_whose_jobs_are_forgotten_is_retried_all_the_same() {
    let bed = Bed::new().await;
    fail(&bed, "j1", &[&url("a")]).await;
    carry(&bed).await;
    let part = bed.queue.keys().part(&bed.target, id("j1"));
    bed.queue.manager().del(&[part, bed.queue.keys().job(id("j1"))]).await.unwrap();
    assert_eq!(retry(&bed, &ids(&bed).await, ROOM).await, retried(1));
    bed.check().await;
    bed.ask("j2", &[&url("a")]).await;
    let batch = bed.batch(&plain()).await;
    assert_eq!(bed.settle(&batch, &Settlement::Done).await, 1);
    assert_eq!(bed.ended("j2").await, (1, 0));
    bed.check().await;
}

#[tokio::test]
async fn who_had_no_use_for_an_item_after_a_time_gets_it_when_it_is_retried() {
    let bed = Bed::new().await;
    bed.ask_timed(expires_at(bed.now() + 1_000), "j1", &[&url("a")]).await;
    let batch = bed.batch(&plain()).await;
    bed.settle(&batch, &failed("400034")).await;
    bed.pass(1_000);
    assert_eq!(retry(&bed, &ids(&bed).await, ROOM).await, retried(1));
    bed.queue.work().drain(&bed.target, &RETENTION).await.unwrap();
    let batch = bed.batch(&plain()).await;
    bed.settle(&batch, &Settlement::Done).await;
    assert_eq!(bed.ended("j1").await, (1, 0));
    bed.check().await;
}

#[tokio::test]
async fn a_rebound_that_failed_is_retried_for_nobody() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a")]).await;
    let rebounding = plain().rebound(30_000, 1_000);
    let batch = bed.batch(&rebounding).await;
    bed.settle(&batch, &Settlement::Done).await;
    bed.pass(30_000);
    bed.settle(&bed.batch(&rebounding).await, &failed("403")).await;
    assert_eq!(retry(&bed, &ids(&bed).await, ROOM).await, retried(1));
    bed.check().await;
    bed.settle(&bed.batch(&rebounding).await, &Settlement::Done).await;
    assert_eq!((bed.ended("j1").await, bed.wait(&rebounding).await.0), ((1, 0), "empty".to_owned()));
    bed.check().await;
}

#[tokio::test]
async fn dropped_letters_are_gone_and_their_jobs_stay_failed() {
    let bed = Bed::new().await;
    fail(&bed, "j1", &[&url("a"), &url("b")]).await;
    carry(&bed).await;
    let both = ids(&bed).await;
    assert_eq!(bed.queue.operate().drop_dead(&bed.target, &both[..1]).await.unwrap(), 1);
    assert_eq!(bed.queue.operate().drop_dead(&bed.target, &both).await.unwrap(), 1);
    assert_eq!(bed.queue.operate().drop_dead(&bed.target, &both).await.unwrap(), 0);
    assert!(letters(&bed).await.is_empty());
    assert!(!bed.key_exists(&format!("dead:{}", both[0])).await);
    assert_eq!(state(&bed, "j1").await, JobState::Failed);
    bed.check().await;
}

#[tokio::test]
async fn a_walk_sees_every_letter_once_also_those_of_one_millisecond() {
    let bed = Bed::new().await;
    for number in 0..150 {
        if number % 140 == 0 {
            bed.pass(1);
        }
        let [a, b, c] = ["a", "b", "c"].map(|name| url(format!("{number}/{name}")));
        fail(&bed, &format!("j{number}"), &[&a, &b, &c]).await;
    }
    let mut seen = ids(&bed).await;
    assert_eq!(seen.len(), 450);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 450);
    let newest = DeadFilter { from_ms: Some(bed.now()), ..DeadFilter::default() };
    let before = DeadFilter { before_ms: Some(bed.now()), ..DeadFilter::default() };
    for (filter, expected) in [(newest, 30), (before, 420)] {
        let mut walk = bed.queue.inspect().walk_dead(&bed.target, &filter);
        let mut count = 0;
        while let Some(found) = walk.next().await.unwrap() {
            count += found.len();
            // What is retried or dropped meanwhile disturbs it not.
            let ids: Vec<_> = found.into_iter().map(|letter| letter.id).collect();
            bed.queue.operate().drop_dead(&bed.target, &ids).await.unwrap();
        }
        assert_eq!(count, expected);
    }
}

/// Items of others settle all the time, faster than they are counted.
#[tokio::test]
async fn a_retry_under_steady_hot_traffic_ends_and_says_what_is_left() {
    let bed = Bed::new().await;
    for number in 0..30 {
        bed.ask(&format!("j{number}"), &[&url("hot")]).await;
    }
    let batch = bed.batch(&plain()).await;
    bed.settle(&batch, &failed("400034")).await;
    fail(&bed, "cool", &[&url("cool")]).await;
    carry(&bed).await;
    let settling = bed.queue.keys().settling(&bed.target);
    let entry = format!("{} done ", bed.queue.keys().waiters(&bed.target, "none"));
    let mut push = redis::cmd("RPUSH");
    push.arg(&settling).arg(vec![entry; 5_000]);
    let mut traffic_redis = bed.queue.manager();
    let _: u64 = push.query_async(&mut traffic_redis).await.unwrap();
    let traffic = async {
        loop {
            let _: u64 = push.query_async(&mut traffic_redis).await.unwrap();
        }
    };
    let ids = ids(&bed).await;
    let answer = tokio::select! {
        answer = retry(&bed, &ids, ROOM) => answer,
        () = traffic => unreachable!("it does not end"),
        () = tokio::time::sleep(std::time::Duration::from_secs(20)) => panic!("the retry does not end"),
    };
    assert_eq!(answer, Retried { retried: 1, busy: 1, ..Retried::default() });
    // When less is going on the same call does the rest.
    bed.queue.manager().del(&settling).await.unwrap();
    let left = letters(&bed).await.into_iter().map(|letter| letter.id).collect::<Vec<_>>();
    assert_eq!(retry(&bed, &left, ROOM).await, retried(1));
    bed.check().await;
}
