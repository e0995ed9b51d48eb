use crate::bed::{Bed, cause, count, limits, names, plain, url};
use purgeline_core::{Rate, RateUnit, Receipt};
use purgeline_queue::{BatchState, DuePoll, PollPolicy, Polls, Settlement};

const POLL_LEASE_MS: u64 = 30_000;

fn polls(batches: u32) -> PollPolicy {
    PollPolicy::new(&limits(), batches, POLL_LEASE_MS, 0)
}

async fn due(bed: &Bed, policy: &PollPolicy) -> Vec<DuePoll> {
    match bed.queue.work().due_polls(&bed.target, policy).await.unwrap() {
        Polls::Due(due) => due.polls,
        Polls::Wait { after, why } => panic!("expected polls, came: wait {after:?} {why}"),
    }
}

async fn wait(bed: &Bed, policy: &PollPolicy) -> (String, Option<u128>) {
    match bed.queue.work().due_polls(&bed.target, policy).await.unwrap() {
        Polls::Wait { after, why } => (why, after.map(|after| after.as_millis())),
        Polls::Due(due) => panic!("expected to wait, came: {due:?}"),
    }
}

#[tokio::test]
async fn an_accepted_batch_is_asked_about_until_it_ends() {
    let bed = Bed::new().await;
    assert_eq!(wait(&bed, &polls(5)).await, ("not due".into(), None));
    bed.ask("j1", &[&url("a"), &url("b")]).await;
    let batch = bed.batch(&plain()).await;
    bed.pass(20);
    assert!(bed.submitted(&batch, 1000).await);
    let view = bed.queue.inspect().batch(&bed.target, &batch.id).await.unwrap().unwrap();
    assert_eq!((view.state, view.receipt), (BatchState::Submitted, Some("receipt-b1".into())));
    bed.check().await;
    assert_eq!(wait(&bed, &polls(5)).await, ("not due".into(), Some(1000)));
    bed.pass(1000);
    let asked = due(&bed, &polls(5)).await;
    assert_eq!(asked.len(), 1);
    assert_eq!((asked[0].batch.as_str(), asked[0].polls), ("b1", 1));
    assert_eq!(asked[0].receipt, Receipt("receipt-b1".into()));
    assert_eq!((asked[0].submitted_at_ms, &asked[0].items), (bed.now() - 1000, &batch.items));
    bed.check().await;
    // While one worker asks no other does, until it must be dead.
    assert_eq!(wait(&bed, &polls(5)).await, ("not due".into(), Some(30_000)));
    bed.settle_some("b1", &[(1, Settlement::Done)]).await;
    bed.queue.work().put_off(&bed.target, &["b1".into()], 500).await.unwrap();
    bed.check().await;
    bed.pass(500);
    let asked = due(&bed, &polls(5)).await;
    assert_eq!((asked[0].polls, asked[0].items.len(), asked[0].items[0].index), (2, 1, 2));
    bed.settle_some("b1", &[(2, Settlement::Done)]).await;
    assert_eq!(bed.ended("j1").await, (2, 0));
    assert!(!bed.key_exists("polls").await && !bed.key_exists("batch:b1").await);
    bed.check().await;
    // It is over: an answer that comes late does not bring it back.
    bed.queue.work().put_off(&bed.target, &["b1".into()], 500).await.unwrap();
    bed.check().await;
}

#[tokio::test]
async fn a_poll_whose_worker_died_is_due_again() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a")]).await;
    let batch = bed.batch(&plain()).await;
    bed.submitted(&batch, 10).await;
    bed.pass(10);
    due(&bed, &polls(5)).await;
    bed.pass(30_000);
    assert_eq!(due(&bed, &polls(5)).await[0].polls, 2);
}

#[tokio::test]
async fn one_question_covers_several_batches_oldest_first() {
    let bed = Bed::new().await;
    for n in 0..3 {
        bed.ask(&format!("j{n}"), &[&url(n)]).await;
        let batch = bed.batch(&plain()).await;
        bed.submitted(&batch, 10 + n).await;
    }
    bed.pass(20);
    let ids = |due: Vec<DuePoll>| due.into_iter().map(|poll| poll.batch).collect::<Vec<_>>();
    assert_eq!(ids(due(&bed, &polls(2)).await), ["b1", "b2"]);
    assert_eq!(ids(due(&bed, &polls(2)).await), ["b3"]);
    assert_eq!(wait(&bed, &polls(2)).await.0, "not due");
    bed.check().await;
}

#[tokio::test]
async fn questions_keep_to_their_own_rate() {
    let bed = Bed::new().await;
    let mut limits = limits();
    limits.rates =
        vec![Rate { unit: RateUnit::Polls, max: count(1), window_ms: 300_000.try_into().unwrap() }];
    let policy = PollPolicy::new(&limits, 1, POLL_LEASE_MS, 0);
    for n in 0..2 {
        bed.ask(&format!("j{n}"), &[&url(n)]).await;
        let batch = bed.batch(&plain()).await;
        bed.submitted(&batch, 1).await;
    }
    bed.pass(1);
    due(&bed, &policy).await;
    assert_eq!(wait(&bed, &policy).await, ("rate polls-300000ms".into(), Some(300_001)));
    bed.pass(300_000);
    due(&bed, &policy).await;
}

#[tokio::test]
async fn a_question_that_may_cover_more_waits_its_share_of_the_window_for_it() {
    let bed = Bed::new().await;
    let mut limits = limits();
    limits.rates =
        vec![Rate { unit: RateUnit::Polls, max: count(10), window_ms: 300_000.try_into().unwrap() }];
    let policy = PollPolicy::new(&limits, 100, 3_600_000, 0);
    for n in 0..3 {
        bed.ask(&format!("j{n}"), &[&url(n)]).await;
        let batch = bed.batch(&plain()).await;
        bed.submitted(&batch, 1 + 1_000 * n).await;
    }
    bed.pass(1);
    assert_eq!(due(&bed, &policy).await.len(), 1);
    bed.pass(1_000);
    assert_eq!(wait(&bed, &policy).await, ("turn polls-300000ms".into(), Some(29_000)));
    bed.pass(29_000);
    assert_eq!(due(&bed, &policy).await.len(), 2, "those that came due meanwhile, in one question");
}

#[tokio::test]
async fn saying_it_twice_is_saying_it_once() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a")]).await;
    let batch = bed.batch(&plain()).await;
    assert!(bed.submitted(&batch, 1000).await);
    // The first answer was lost, so the worker says it again.
    bed.pass(300);
    assert!(bed.submitted(&batch, 1000).await);
    let view = bed.queue.inspect().batch(&bed.target, "b1").await.unwrap().unwrap();
    assert_eq!(view.submitted_at_ms, Some(bed.now() - 300));
    // Another receipt or worker is another story.
    let other = Receipt("other".into());
    assert!(!bed.queue.work().submitted(&bed.target, "b1", "w1", &other, 1000).await.unwrap());
    assert!(
        !bed.queue
            .work()
            .submitted(&bed.target, "b1", "w2", &Receipt("receipt-b1".into()), 10)
            .await
            .unwrap()
    );
    bed.check().await;
}

#[tokio::test]
async fn a_lease_that_was_lost_accepts_no_receipt() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a")]).await;
    let batch = bed.batch(&plain()).await;
    bed.pass(60_000);
    bed.queue.work().reap(&bed.target, 10).await.unwrap();
    assert!(!bed.submitted(&batch, 1000).await);
    assert_eq!(bed.settle(&batch, &Settlement::Done).await, 0);
    assert_eq!(bed.ended("j1").await, (0, 0));
    bed.check().await;
}

#[tokio::test]
async fn part_of_a_batch_may_be_accepted() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a"), &url("b"), &url("c")]).await;
    let batch = bed.batch(&plain()).await;
    bed.submitted(&batch, 10).await;
    let rest = [(1, crate::bed::failed("x")), (3, crate::bed::retry(100))];
    assert_eq!(bed.settle_some(&batch.id, &rest).await, 2);
    bed.check().await;
    bed.pass(10);
    let asked = due(&bed, &polls(5)).await;
    assert_eq!(asked[0].items.len(), 1);
    assert_eq!(asked[0].items[0].item.text(), "https://h/b");
    bed.settle_some(&batch.id, &[(2, Settlement::Done)]).await;
    assert_eq!(bed.ended("j1").await, (1, 1));
    bed.check().await;
    bed.pass(100);
    assert_eq!(names(&bed.batch(&plain()).await), [url("c")]);
}

#[tokio::test]
async fn an_accepted_item_that_gets_no_answer_is_sent_again() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a")]).await;
    let batch = bed.batch(&plain()).await;
    bed.submitted(&batch, 10).await;
    bed.ask("j2", &[&url("a")]).await;
    let late = Settlement::Retry { after_ms: 0, cause: cause("no-answer") };
    bed.settle(&batch, &late).await;
    bed.check().await;
    let again = bed.batch(&plain()).await;
    bed.settle(&again, &Settlement::Done).await;
    assert_eq!((bed.ended("j1").await, bed.ended("j2").await), ((1, 0), (1, 0)));
    bed.check().await;
}

#[tokio::test]
async fn a_batch_whose_record_is_gone_is_asked_about_no_more() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a")]).await;
    let batch = bed.batch(&plain()).await;
    bed.submitted(&batch, 10).await;
    let key = bed.queue.keys().batch(&bed.target, "b1");
    let _: u64 = redis::cmd("DEL").arg(key).query_async(&mut bed.queue.manager()).await.unwrap();
    bed.pass(10);
    assert!(due(&bed, &polls(5)).await.is_empty());
    assert!(!bed.key_exists("batch:b1").await && !bed.key_exists("polls").await);
}
