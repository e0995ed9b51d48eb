use crate::bed::{Bed, RETENTION, chunk, failed, id, lane, plain, url};
use purgeline_core::{JobState, PartCounts, Priority, Target};
use purgeline_queue::{Created, JobFilter, NewJob, QueueError, Quiet, Settlement, Timing};
use redis::{AsyncTypedCommands, streams::StreamRangeReply};
use std::collections::BTreeMap;

fn new_job(name: &str, targets: &[&Target]) -> NewJob {
    NewJob {
        id: id(name),
        digest: format!("digest of {name}"),
        targets: targets.iter().map(|target| (target.name.clone(), 1)).collect(),
        items: 2,
        first_items: format!("{}\n{}", url("a"), url("b")),
        priority: Priority::Urgent,
        source: Some("cms:post 42".into()),
        timing: Timing {
            quiet: Some(Quiet { quiet_ms: 10_000, max_wait_ms: 60_000 }),
            not_before_ms: Some(1_763_700_060_000),
            expires_at_ms: Some(1_763_700_600_000),
        },
    }
}

/// Asks for item a as job j1, at the bed's target and at a second one.
async fn at_both(bed: &Bed) -> [Target; 2] {
    let both = [bed.target.clone(), Target::alone("images".parse().unwrap())];
    bed.queue.produce().create_job(&new_job("j1", &[&both[0], &both[1]])).await.unwrap();
    let items = [(url("a"), lane(Priority::Normal, &url("a")).to_string())];
    for target in &both {
        bed.queue.produce().enqueue(target, &chunk("j1", &items), 10).await.unwrap();
    }
    both
}

async fn events(bed: &Bed) -> Vec<BTreeMap<String, String>> {
    let reply: StreamRangeReply = bed.queue.manager().xrange_all(bed.queue.keys().events()).await.unwrap();
    let read = |value| redis::from_redis_value_ref(value).unwrap();
    reply
        .ids
        .iter()
        .map(|entry| entry.map.iter().map(|(name, value)| (name.clone(), read(value))).collect())
        .collect()
}

#[tokio::test]
async fn a_job_is_written_once() {
    let bed = Bed::new().await;
    let job = new_job("j1", &[&bed.target]);
    assert_eq!(bed.queue.produce().create_job(&job).await.unwrap(), Created::New);
    bed.pass(5);
    assert_eq!(bed.queue.produce().create_job(&job).await.unwrap(), Created::Known(JobState::Active));
    let other = NewJob { digest: "other".into(), ..job.clone() };
    let refused = bed.queue.produce().create_job(&other).await.unwrap_err();
    assert!(matches!(refused, QueueError::Conflict(job) if job == id("j1")), "{refused}");
    let read = bed.queue.inspect().job(id("j1"), std::slice::from_ref(&bed.target)).await.unwrap().unwrap();
    assert_eq!((read.items, read.priority, read.source), (2, Priority::Urgent, Some("cms:post 42".into())));
    assert_eq!(read.first_items, [url("a"), url("b")]);
    assert_eq!(read.timing, job.timing);
    assert_eq!((read.submitted_ms, read.ended_ms, read.state), (bed.now() - 5, None, JobState::Active));
    bed.check().await;
}

#[tokio::test]
async fn a_job_that_was_written_but_not_listed_is_listed_when_it_comes_again() {
    let bed = Bed::new().await;
    let job = new_job("j1", &[&bed.target]);
    bed.queue.produce().create_job(&job).await.unwrap();
    let jobs = async || {
        bed.queue
            .inspect()
            .jobs(std::slice::from_ref(&bed.target), &JobFilter::default(), 10, 100)
            .await
            .unwrap()
            .len()
    };
    // Its producer died between the two writes.
    bed.queue.manager().del(bed.queue.keys().jobs()).await.unwrap();
    assert_eq!(jobs().await, 0);
    bed.queue.produce().create_job(&job).await.unwrap();
    assert_eq!(jobs().await, 1);
}

#[tokio::test]
async fn a_job_ends_when_its_last_part_has_ended_and_only_then() {
    let bed = Bed::new().await;
    let both = at_both(&bed).await;
    let second = &both[1];
    let batch = bed.batch(&plain()).await;
    bed.settle(&batch, &Settlement::Done).await;
    assert!(bed.queue.audit().verify(&both).await.unwrap().is_empty());
    assert_eq!(bed.queue.work().carry_outbox(&bed.target, &RETENTION).await.unwrap(), []);
    assert!(bed.queue.produce().part_is_recorded(id("j1"), &bed.target.name).await.unwrap());
    assert!(!bed.queue.produce().part_is_recorded(id("j1"), &second.name).await.unwrap());
    assert!(bed.queue.audit().verify(&both).await.unwrap().is_empty());
    let batch = bed.batch_of(second, &plain()).await;
    bed.queue.work().settle(second, &batch.id, &[(1, failed("x"))], &RETENTION).await.unwrap();
    bed.pass(3);
    assert_eq!(
        bed.queue.work().carry_outbox(second, &RETENTION).await.unwrap(),
        [(id("j1"), JobState::Partial)]
    );
    for target in &both {
        assert_eq!(bed.queue.work().carry_outbox(target, &RETENTION).await.unwrap(), []);
    }
    let job = bed.queue.inspect().job(id("j1"), &both).await.unwrap().unwrap();
    assert_eq!((job.state, job.ended_ms), (JobState::Partial, Some(bed.now() - 3)));
    let counts = PartCounts { items: 1, succeeded: 0, failed: 1, cancelled: 0 };
    assert_eq!(job.parts[&second.name].counts, counts);
    assert!(bed.queue.audit().verify(&both).await.unwrap().is_empty());
    let ended: Vec<_> = events(&bed).await.into_iter().filter(|event| event["what"] == "job_ended").collect();
    assert_eq!(ended.len(), 1);
    assert_eq!((ended[0]["job"].as_str(), ended[0]["state"].as_str()), (&*id("j1").to_string(), "partial"));
}

/// Word of the part that ended last may come first, when another's carrier is away for a while.
#[tokio::test]
async fn a_job_ends_at_the_time_of_its_last_part_whoever_hears_of_it_last() {
    let bed = Bed::new().await;
    let both = at_both(&bed).await;
    for target in &both {
        let batch = bed.batch_of(target, &plain()).await;
        bed.pass(50);
        bed.queue.work().settle(target, &batch.id, &[(1, Settlement::Done)], &RETENTION).await.unwrap();
    }
    let ended_ms = bed.now();
    bed.pass(50);
    for target in both.iter().rev() {
        bed.queue.work().carry_outbox(target, &RETENTION).await.unwrap();
    }
    let job = bed.queue.inspect().job(id("j1"), &both).await.unwrap().unwrap();
    assert_eq!((job.state, job.ended_ms), (JobState::Succeeded, Some(ended_ms)));
    let ended: Vec<_> = events(&bed).await.into_iter().filter(|event| event["what"] == "job_ended").collect();
    assert_eq!(ended[0]["at"], ended_ms.to_string());
}

#[tokio::test]
async fn what_a_carrier_left_when_it_died_is_carried() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a")]).await;
    let batch = bed.batch(&plain()).await;
    bed.settle(&batch, &failed("x")).await;
    // It had ended the job and died before it told anybody.
    let key = bed.queue.keys().outbox(&bed.target);
    let before = bed.queue.manager().dump_entries(&key).await;
    bed.queue.work().carry_outbox(&bed.target, &RETENTION).await.unwrap();
    let told = events(&bed).await.len();
    bed.queue.manager().del(bed.queue.keys().events()).await.unwrap();
    for entry in &before {
        let mut add = redis::cmd("XADD");
        add.arg(&key).arg("*");
        for (name, value) in entry {
            add.arg(name).arg(value);
        }
        let _: String = add.query_async(&mut bed.queue.manager()).await.unwrap();
    }
    // The job does not end twice, but whoever watches hears of it.
    assert_eq!(bed.queue.work().carry_outbox(&bed.target, &RETENTION).await.unwrap(), []);
    assert_eq!(events(&bed).await.len(), told);
    assert_eq!(events(&bed).await.iter().filter(|event| event["what"] == "job_ended").count(), 1);
    bed.check().await;
}

trait Entries {
    async fn dump_entries(&mut self, key: &str) -> Vec<Vec<(String, String)>>;
}

impl Entries for purgeline_queue::Connection {
    async fn dump_entries(&mut self, key: &str) -> Vec<Vec<(String, String)>> {
        let entries: Vec<(String, Vec<(String, String)>)> =
            redis::cmd("XRANGE").arg(key).arg("-").arg("+").query_async(self).await.unwrap();
        entries.into_iter().map(|(_, fields)| fields).collect()
    }
}

#[tokio::test]
async fn what_a_dead_carrier_had_in_hand_is_carried_after_a_while() {
    let bed = Bed::new().await;
    bed.ask("j0", &[&url("a")]).await;
    let batch = bed.batch(&plain()).await;
    bed.settle(&batch, &Settlement::Done).await;
    bed.queue.work().carry_outbox(&bed.target, &RETENTION).await.unwrap();
    bed.ask("j1", &[&url("a")]).await;
    let batch = bed.batch(&plain()).await;
    bed.settle(&batch, &Settlement::Done).await;
    let key = bed.queue.keys().outbox(&bed.target);
    let mut redis = bed.queue.manager();
    let mut read = redis::cmd("XREADGROUP");
    read.arg("GROUP").arg("carriers").arg("carrier").arg("STREAMS").arg(&key).arg(">");
    let taken: redis::streams::StreamReadReply = read.query_async(&mut redis).await.unwrap();
    let entry = &taken.keys[0].ids[0].id;
    assert_eq!(bed.queue.work().carry_outbox(&bed.target, &RETENTION).await.unwrap(), []);
    bed.check().await;
    let mut age = redis::cmd("XCLAIM");
    age.arg(&key).arg("carriers").arg("carrier").arg(0).arg(entry).arg("IDLE").arg(30_000);
    let _: redis::Value = age.query_async(&mut redis).await.unwrap();
    let ended = bed.queue.work().carry_outbox(&bed.target, &RETENTION).await.unwrap();
    assert_eq!(ended, [(id("j1"), JobState::Succeeded)]);
    assert_eq!(bed.queue.inspect().stats(&bed.target).await.unwrap().outbox, 0);
    bed.check().await;
    // Nothing is left of it, also not where it died between removing and acknowledging.
    bed.ask("j2", &[&url("a")]).await;
    let batch = bed.batch(&plain()).await;
    bed.settle(&batch, &Settlement::Done).await;
    let taken: redis::streams::StreamReadReply = read.query_async(&mut redis).await.unwrap();
    let entry = &taken.keys[0].ids[0].id;
    redis.xdel(&key, &[entry]).await.unwrap();
    let mut age = redis::cmd("XCLAIM");
    age.arg(&key).arg("carriers").arg("carrier").arg(0).arg(entry).arg("IDLE").arg(30_000);
    let _: redis::Value = age.query_async(&mut redis).await.unwrap();
    assert_eq!(bed.queue.work().carry_outbox(&bed.target, &RETENTION).await.unwrap(), []);
    let waits: redis::Value =
        redis::cmd("XPENDING").arg(&key).arg("carriers").query_async(&mut redis).await.unwrap();
    assert!(matches!(&waits, redis::Value::Array(all) if all[0] == redis::Value::Int(0)), "{waits:?}");
}

#[tokio::test]
async fn carriers_do_not_tell_twice() {
    let bed = Bed::new().await;
    for n in 0..300 {
        bed.ask(&format!("j{n}"), &[&url("a")]).await;
    }
    let batch = bed.batch(&plain()).await;
    bed.settle(&batch, &Settlement::Done).await;
    let work = bed.queue.work();
    let carry = || work.carry_outbox(&bed.target, &RETENTION);
    let (a, b, c) = tokio::join!(carry(), carry(), carry());
    let ended: Vec<_> = [a, b, c].into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(ended.len(), 300);
    assert_eq!(events(&bed).await.len(), 300);
    assert_eq!(bed.queue.inspect().stats(&bed.target).await.unwrap().outbox, 0);
    bed.check().await;
}

#[tokio::test]
async fn who_watches_hears_of_dead_letters_and_holds() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a")]).await;
    let batch = bed.batch(&plain()).await;
    bed.settle(&batch, &failed("400034")).await;
    let paused = purgeline_queue::HoldName::Paused;
    bed.queue.operate().hold(&bed.target, paused, None, &crate::bed::cause("c"), "me").await.unwrap();
    bed.queue.operate().release(&bed.target, paused).await.unwrap();
    bed.queue.work().carry_outbox(&bed.target, &RETENTION).await.unwrap();
    let mut told: Vec<_> = events(&bed).await.iter().map(|event| event["what"].clone()).collect();
    told.sort();
    assert_eq!(told, ["dead_letter", "held", "job_ended", "released"]);
    let events = events(&bed).await;
    let dead = events.iter().find(|event| event["what"] == "dead_letter").unwrap();
    assert_eq!((dead["target"].as_str(), dead["dead"].as_str(), &dead["item"]), ("www", "b1-1", &url("a")));
}

#[tokio::test]
async fn jobs_are_listed_newest_first_and_forgotten_when_they_are_gone() {
    let bed = Bed::new().await;
    for name in ["j1", "j2", "j3"] {
        let mut job = new_job(name, &[&bed.target]);
        job.source = Some(name.into());
        bed.queue.produce().create_job(&job).await.unwrap();
        let items = [(url("a"), lane(Priority::Normal, &url("a")).to_string())];
        bed.queue.produce().enqueue(&bed.target, &chunk(name, &items), 10).await.unwrap();
        bed.pass(1);
    }
    let targets = std::slice::from_ref(&bed.target);
    let list = async |filter: JobFilter, most| {
        let jobs = bed.queue.inspect().jobs(targets, &filter, most, 100).await.unwrap();
        jobs.iter().map(|job| job.source.clone().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(list(JobFilter::default(), 10).await, ["j3", "j2", "j1"]);
    assert_eq!(list(JobFilter::default(), 2).await, ["j3", "j2"]);
    assert_eq!(list(JobFilter { source: Some("j2".into()), ..JobFilter::default() }, 9).await, ["j2"]);
    let ended = JobFilter { state: Some(JobState::Succeeded), ..JobFilter::default() };
    assert!(list(ended, 9).await.is_empty());
    bed.queue.manager().del(bed.queue.keys().job(id("j1"))).await.unwrap();
    assert_eq!(bed.queue.work().tend_jobs(targets, &RETENTION).await.unwrap().removed, 1);
    assert_eq!(bed.queue.work().tend_jobs(targets, &RETENTION).await.unwrap().removed, 0);
    assert_eq!(list(JobFilter::default(), 10).await, ["j3", "j2"]);
}

#[tokio::test]
async fn an_unaccepted_job_is_discarded_and_an_unaccepted_part_cancelled() {
    let bed = Bed::new().await;
    let second = Target::alone("images".parse().unwrap());
    let both = [bed.target.clone(), second.clone()];
    bed.queue.produce().create_job(&new_job("j1", &[&bed.target])).await.unwrap();
    bed.queue.produce().discard_job(id("j1")).await.unwrap();
    assert!(bed.queue.inspect().job(id("j1"), &both).await.unwrap().is_none());
    bed.queue.produce().create_job(&new_job("j2", &[&bed.target, &second])).await.unwrap();
    let items = [(url("a"), lane(Priority::Normal, &url("a")).to_string())];
    bed.queue.produce().enqueue(&bed.target, &chunk("j2", &items), 10).await.unwrap();
    assert_eq!(bed.queue.produce().cancel_part(id("j2"), &second.name, 1, &RETENTION).await.unwrap(), None);
    assert!(bed.queue.audit().verify(&both).await.unwrap().is_empty());
    let batch = bed.batch(&plain()).await;
    bed.settle(&batch, &Settlement::Done).await;
    let ended = bed.queue.work().carry_outbox(&bed.target, &RETENTION).await.unwrap();
    assert_eq!(ended, [(id("j2"), JobState::Partial)]);
    // Also when the part that is cancelled is the last.
    bed.queue.produce().create_job(&new_job("j3", &[&second])).await.unwrap();
    let ended = bed.queue.produce().cancel_part(id("j3"), &second.name, 1, &RETENTION).await.unwrap();
    assert_eq!(ended, Some(JobState::Cancelled));
    assert_eq!(events(&bed).await.last().unwrap()["state"], "cancelled");
    assert!(bed.queue.audit().verify(&both).await.unwrap().is_empty());
}
