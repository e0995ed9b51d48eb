//! A job whose producer died and never comes back ends, also where a target never got any of it.

use crate::bed::{Bed, RETENTION, chunk, id, lane, plain, url};
use purgeline_core::{JobState, PartCounts, Priority, Target};
use purgeline_queue::{Job, NewJob, QueueError, Settlement, Timing};

const DAY_MS: i64 = 86_400_000;

/// A job for the bed's target and a second one, of two items each.
fn for_both(bed: &Bed) -> ([Target; 2], NewJob) {
    let both = [bed.target.clone(), Target::alone("images".parse().unwrap())];
    let job = NewJob {
        id: id("j1"),
        digest: "digest".to_owned(),
        targets: both.iter().map(|target| (target.name.clone(), 2)).collect(),
        items: 3,
        first_items: url("a"),
        priority: Priority::Normal,
        source: None,
        timing: Timing::default(),
    };
    (both, job)
}

async fn enqueue(bed: &Bed, target: &Target) -> Result<(), QueueError> {
    let items = [url("a"), url("b")].map(|item| (item.clone(), lane(Priority::Normal, &item).to_string()));
    bed.queue.produce().enqueue(target, &chunk("j1", &items), 10).await.map(drop)
}

async fn job(bed: &Bed, targets: &[Target]) -> Job {
    bed.queue.inspect().job(id("j1"), targets).await.unwrap().unwrap()
}

async fn found(bed: &Bed, targets: &[Target]) -> Vec<String> {
    bed.queue.audit().verify(targets).await.unwrap().iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_job_of_which_nothing_ever_came_is_cancelled_after_a_day() {
    let bed = Bed::new().await;
    let (both, new) = for_both(&bed);
    bed.queue.produce().create_job(&new).await.unwrap();
    bed.pass(DAY_MS);
    assert_eq!(bed.queue.work().tend_jobs(&both, &RETENTION).await.unwrap().abandoned, [], "it may be slow");
    bed.pass(1);
    assert_eq!(bed.queue.work().tend_jobs(&both, &RETENTION).await.unwrap().abandoned, [id("j1")]);
    let ended = job(&bed, &both).await;
    assert_eq!(
        (ended.state, ended.abandoned_ms, ended.ended_ms),
        (JobState::Cancelled, Some(bed.now()), Some(bed.now()))
    );
    let never_came = PartCounts { items: 2, succeeded: 0, failed: 0, cancelled: 2 };
    for target in &both {
        assert_eq!(ended.parts[&target.name].counts, never_came);
        // Its producer comes back after all.
        let refused = enqueue(&bed, target).await.unwrap_err();
        assert!(matches!(refused, QueueError::Abandoned(job) if job == id("j1")), "{refused}");
    }
    let refused = bed.queue.produce().create_job(&new).await.unwrap_err();
    assert!(matches!(refused, QueueError::Abandoned(job) if job == id("j1")), "{refused}");
    assert_eq!(found(&bed, &both).await, [] as [&str; 0]);
    assert_eq!(bed.queue.work().tend_jobs(&both, &RETENTION).await.unwrap().abandoned, []);
}

#[tokio::test]
async fn what_came_is_waited_for_and_only_the_rest_is_cancelled() {
    let bed = Bed::new().await;
    let (both, new) = for_both(&bed);
    bed.queue.produce().create_job(&new).await.unwrap();
    enqueue(&bed, &both[0]).await.unwrap();
    bed.pass(DAY_MS + 1);
    assert_eq!(
        bed.queue.work().tend_jobs(&both[..1], &RETENTION).await.unwrap().abandoned,
        [],
        "it lacks nothing there"
    );
    assert_eq!(bed.queue.work().tend_jobs(&both, &RETENTION).await.unwrap().abandoned, [id("j1")]);
    assert_eq!(job(&bed, &both).await.state, JobState::Active, "two items wait");
    assert_eq!(found(&bed, &both).await, [] as [&str; 0]);
    let batch = bed.batch(&plain()).await;
    bed.settle(&batch, &Settlement::Done).await;
    bed.queue.work().carry_outbox(&bed.target, &RETENTION).await.unwrap();
    let ended = job(&bed, &both).await;
    assert_eq!(ended.state, JobState::Partial);
    assert_eq!(
        ended.parts[&both[0].name].counts,
        PartCounts { items: 2, succeeded: 2, ..PartCounts::default() }
    );
    assert_eq!(found(&bed, &both).await, [] as [&str; 0]);
}

/// It died between the two writes of a close.
#[tokio::test]
async fn a_close_that_stopped_in_the_middle_is_finished() {
    let bed = Bed::new().await;
    let (both, new) = for_both(&bed);
    bed.queue.produce().create_job(&new).await.unwrap();
    bed.pass(DAY_MS + 1);
    bed.queue.work().tend_jobs(&both, &RETENTION).await.unwrap();
    let mut undo = redis::cmd("HDEL");
    undo.arg(bed.queue.keys().job(id("j1")));
    undo.arg("part:www").arg("part:images").arg("ended").arg("ended_by").arg("last_part");
    let _: u64 = undo.query_async(&mut bed.queue.manager()).await.unwrap();
    let mut active = redis::cmd("HSET");
    active.arg(bed.queue.keys().job(id("j1"))).arg("state").arg("active");
    let _: u64 = active.query_async(&mut bed.queue.manager()).await.unwrap();
    assert_eq!(bed.queue.work().tend_jobs(&both, &RETENTION).await.unwrap().abandoned, [id("j1")]);
    assert_eq!(job(&bed, &both).await.state, JobState::Cancelled);
}

#[tokio::test]
async fn a_job_that_nothing_has_closed_is_found_and_repaired() {
    let bed = Bed::new().await;
    let (both, new) = for_both(&bed);
    bed.queue.produce().create_job(&new).await.unwrap();
    bed.pass(DAY_MS);
    assert_eq!(found(&bed, &both).await, [] as [&str; 0]);
    bed.pass(3_600_001);
    let [violation] = found(&bed, &both).await.try_into().unwrap();
    assert!(violation.contains("a target never got its items"), "{violation}");
    let mends = bed.queue.audit().repair(&both, &RETENTION, &|_, _, _, _| None).await.unwrap();
    assert_eq!(mends.iter().map(|mend| mend.mended).collect::<Vec<_>>(), [true]);
    assert_eq!(job(&bed, &both).await.state, JobState::Cancelled);
    assert_eq!(found(&bed, &both).await, [] as [&str; 0]);
}

/// Of a job of several chunks the first came: the rest is known to be missing at the target itself.
#[tokio::test]
async fn the_producer_of_a_job_that_came_in_part_is_refused_too() {
    let bed = Bed::new().await;
    bed.create("j1", 4).await;
    bed.chunk("j1", (0, 2, 4), &[&url("a"), &url("b")], 10).await.unwrap();
    bed.pass(DAY_MS);
    assert_eq!(bed.queue.work().abandon(&bed.target, &RETENTION).await.unwrap().len(), 1);
    let ended = bed.queue.inspect().job(id("j1"), &[]).await.unwrap().unwrap();
    assert_eq!(ended.abandoned_ms, Some(bed.now()));
    let again = NewJob {
        id: id("j1"),
        digest: "j1".to_owned(),
        targets: vec![(bed.target.name.clone(), 4)],
        items: 4,
        first_items: String::new(),
        priority: Priority::Normal,
        source: None,
        timing: Timing::default(),
    };
    let refused = bed.queue.produce().create_job(&again).await.unwrap_err();
    assert!(matches!(refused, QueueError::Abandoned(_)), "{refused}");
}
