use crate::bed::{Bed, RETENTION, cause, dir, failed, id, names, plain, policy, retry, url};
use purgeline_core::{Item, JobState, Priority};
use purgeline_queue::{Retention, Settlement};
use redis::AsyncTypedCommands;

#[tokio::test]
async fn done_counts_for_every_job_that_waits() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a"), &url("b")]).await;
    bed.ask("j2", &[&url("b")]).await;
    let batch = bed.batch(&plain()).await;
    assert_eq!(bed.settle(&batch, &Settlement::Done).await, 2);
    assert_eq!((bed.ended("j1").await, bed.ended("j2").await), ((2, 0), (1, 0)));
    assert!(!bed.key_exists(&format!("batch:{}", batch.id)).await);
    assert!(!bed.key_exists("inflight").await && !bed.key_exists("leases").await);
    assert_eq!(bed.counter("succeeded").await, 2);
    bed.check().await;
}

#[tokio::test]
async fn a_failed_item_leaves_a_dead_letter() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a"), &url("b")]).await;
    bed.pass(7);
    bed.ask("j2", &[&url("a")]).await;
    let batch = bed.batch(&plain()).await;
    bed.pass(5);
    assert_eq!(bed.settle_some(&batch.id, &[(1, failed("400034")), (2, Settlement::Done)]).await, 2);
    assert_eq!((bed.ended("j1").await, bed.ended("j2").await), ((1, 1), (0, 1)));
    let letters = bed.queue.inspect().dead_letters(&bed.target, 10).await.unwrap();
    let [letter] = letters.as_slice() else { panic!("{letters:?}") };
    assert_eq!((letter.item.as_str(), &letter.cause), (url("a").as_str(), &cause("400034")));
    assert_eq!((letter.attempts, letter.batch.as_str(), letter.more_jobs), (1, batch.id.as_str(), false));
    assert_eq!(letter.jobs, [id("j1"), id("j2")]);
    assert_eq!((letter.since_ms, letter.failed_at_ms), (bed.now() - 12, bed.now()));
    let job = bed.queue.inspect().job(id("j1"), std::slice::from_ref(&bed.target)).await.unwrap().unwrap();
    assert_eq!(job.parts[&bed.target.name].dead, std::slice::from_ref(&letter.id));
    assert_eq!(bed.counter("failed").await, 1);
    bed.check().await;
}

#[tokio::test]
async fn the_oldest_dead_letters_make_room() {
    let bed = Bed::new().await;
    let two = Retention { max_dead_letters: 2, ..RETENTION };
    for item in ["a", "b", "c", "d"] {
        bed.ask(item, &[&url(item)]).await;
        let batch = bed.batch(&plain()).await;
        bed.queue.work().settle(&bed.target, &batch.id, &[(1, failed("x"))], &two).await.unwrap();
        bed.pass(1);
    }
    let letters = bed.queue.inspect().dead_letters(&bed.target, 10).await.unwrap();
    assert_eq!(letters.iter().map(|letter| letter.item.clone()).collect::<Vec<_>>(), [url("d"), url("c")]);
    assert!(bed.queue.inspect().dead_letter(&bed.target, "b1-1").await.unwrap().is_none());
}

#[tokio::test]
async fn settling_again_changes_nothing() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a"), &url("b"), &url("c")]).await;
    let batch = bed.batch(&plain()).await;
    let outcomes = [(1, Settlement::Done), (1, Settlement::Done), (2, failed("x")), (2, Settlement::Done)];
    assert_eq!(bed.settle_some(&batch.id, &outcomes).await, 2);
    assert_eq!(bed.settle_some(&batch.id, &outcomes).await, 0);
    assert_eq!(bed.ended("j1").await, (1, 1));
    bed.check().await;
    assert_eq!(bed.settle(&batch, &Settlement::Done).await, 1);
    assert_eq!(bed.settle(&batch, &failed("y")).await, 0);
    assert_eq!(bed.ended("j1").await, (2, 1));
    assert_eq!(bed.queue.inspect().dead_letters(&bed.target, 10).await.unwrap().len(), 1);
    bed.check().await;
}

#[tokio::test]
async fn a_retry_waits_for_its_time() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a")]).await;
    let batch = bed.batch(&plain()).await;
    assert_eq!(bed.settle(&batch, &retry(5000)).await, 1);
    let stats = bed.queue.inspect().stats(&bed.target).await.unwrap();
    assert_eq!((stats.pending, stats.delayed, stats.in_batches), (1, 1, 0));
    bed.check().await;
    assert_eq!(bed.wait(&plain()).await, ("delayed".into(), Some(5000)));
    // One more request joins it and does not hasten it.
    bed.ask("j2", &[&url("a")]).await;
    bed.pass(4999);
    assert_eq!(bed.wait(&plain()).await, ("delayed".into(), Some(1)));
    bed.pass(1);
    let batch = bed.batch(&plain()).await;
    let record = &batch.items[0].record;
    assert_eq!((record.attempts, record.cause.as_deref(), record.due_ms), (1, Some("http-503"), None));
    bed.check().await;
    bed.settle(&batch, &Settlement::Done).await;
    assert_eq!((bed.ended("j1").await, bed.ended("j2").await), ((1, 0), (1, 0)));
    bed.check().await;
}

#[tokio::test]
async fn again_is_no_attempt() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a")]).await;
    bed.ask("j2", &[&url("b"), &url("c"), &url("d")]).await;
    let batch = bed.batch(&plain()).await;
    let again = Settlement::Again { after_ms: 0, cause: cause("throttled") };
    assert_eq!(bed.settle(&batch, &again).await, 3);
    bed.check().await;
    let batch = bed.batch(&plain()).await;
    // Back in front of what has not been leased, in the same order.
    assert_eq!(names(&batch), [url("a"), url("b"), url("c")]);
    assert_eq!(batch.items[0].record.attempts, 0);
    assert_eq!(batch.items[0].record.cause.as_deref(), Some("throttled"));
}

#[tokio::test]
async fn a_cause_of_several_words_does_not_break_the_record() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a")]).await;
    let batch = bed.batch(&plain()).await;
    let mut odd = cause("x");
    odd.code = "due=0 spill=1 jobs=\tX".to_owned();
    bed.settle(&batch, &Settlement::Retry { after_ms: 10, cause: odd }).await;
    bed.check().await;
    bed.pass(10);
    assert_eq!(bed.batch(&plain()).await.items[0].record.attempts, 1);
}

#[tokio::test]
async fn a_retry_joins_a_newer_request() {
    let bed = Bed::new().await;
    bed.ask_as(Priority::Urgent, "j1", &[&url("a")]).await;
    let first = bed.batch(&plain()).await;
    bed.pass(50);
    bed.ask_as(Priority::Bulk, "j2", &[&url("a")]).await;
    bed.settle(&first, &retry(3000)).await;
    assert_eq!(bed.pending().await, 1);
    assert_eq!(bed.waiting(&url("a"), &["j1", "j2"]).await, Some(vec!["j2".to_owned(), "j1".to_owned()]));
    bed.check().await;
    // The delay holds for both, and so does the haste.
    assert_eq!(bed.wait(&plain()).await, ("delayed".into(), Some(3000)));
    assert_eq!(bed.lane_of(&url("a")).await, "urgent/url");
    bed.pass(3000);
    let second = bed.batch(&plain()).await;
    assert_eq!(second.items[0].record.attempts, 1);
    assert_eq!(second.items[0].record.since_ms, bed.now() - 3050);
    bed.settle(&second, &Settlement::Done).await;
    assert_eq!((bed.ended("j1").await, bed.ended("j2").await), ((1, 0), (1, 0)));
    bed.check().await;
}

#[tokio::test]
async fn what_is_given_back_hastens_a_newer_request() {
    let bed = Bed::new().await;
    bed.ask_as(Priority::Urgent, "j1", &[&url("a")]).await;
    let first = bed.batch(&plain()).await;
    bed.ask_as(Priority::Bulk, "j2", &[&url("a")]).await;
    bed.queue.work().give_back(&bed.target, &first.id, "w1").await.unwrap();
    assert_eq!(bed.lane_of(&url("a")).await, "urgent/url");
    bed.check().await;
    assert_eq!(names(&bed.batch(&plain()).await), [url("a")]);
}

#[tokio::test]
async fn a_shorter_delay_does_not_shorten_a_longer_one() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a")]).await;
    let first = bed.batch(&plain()).await;
    bed.ask_as(Priority::Urgent, "j2", &[&url("a")]).await;
    let second = bed.batch(&plain()).await;
    bed.settle(&second, &retry(9000)).await;
    bed.settle(&first, &retry(1000)).await;
    bed.check().await;
    assert_eq!(bed.wait(&plain()).await, ("delayed".into(), Some(9000)));
}

#[tokio::test]
async fn many_waiting_jobs_spill_into_a_list_and_are_all_counted() {
    let bed = Bed::new().await;
    let jobs: Vec<_> = (0..1200).map(|n| format!("j{n}")).collect();
    for job in &jobs {
        bed.ask(job, &[&url("hot")]).await;
    }
    bed.check().await;
    let (item, action) = purgeline_core::Item::from_name(&url("hot")).unwrap();
    let record = bed.queue.inspect().pending_item(&bed.target, &item, action).await.unwrap().unwrap().record;
    assert!(record.more_jobs && record.jobs.len() < 12);
    let batch = bed.batch(&plain()).await;
    bed.check().await;
    bed.settle(&batch, &Settlement::Done).await;
    bed.check().await;
    for job in &jobs {
        assert_eq!(bed.ended(job).await, (1, 0), "{job}");
    }
    let ended = bed.queue.work().carry_outbox(&bed.target, &RETENTION).await.unwrap();
    assert_eq!(ended.len(), jobs.len());
    assert!(ended.iter().all(|(_, state)| *state == JobState::Succeeded));
    bed.check().await;
    let left = bed.queue.manager().keys("*waiters*").await.unwrap();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn lists_of_hot_items_survive_retries_joins_and_coverage() {
    let bed = Bed::new().await;
    let (hot, above) = (url("d/hot"), dir("d/"));
    let mut jobs = Vec::new();
    let mut round = 0;
    let mut crowd = async |bed: &Bed, item: &str| {
        round += 1;
        for n in 0..20 {
            jobs.push(format!("j{round}-{n}"));
            bed.ask(&jobs[jobs.len() - 1], &[item]).await;
        }
    };
    crowd(&bed, &hot).await;
    let first = bed.batch(&plain()).await;
    crowd(&bed, &hot).await;
    // The first list joins the second record by its name.
    bed.settle(&first, &retry(0)).await;
    bed.check().await;
    bed.pass(100);
    let second = bed.batch(&plain()).await;
    bed.check().await;
    crowd(&bed, &hot).await;
    bed.settle(&second, &retry(0)).await;
    crowd(&bed, &above).await;
    bed.check().await;
    // All of it waits for the dir.
    let third = bed.batch(&policy(|limits| limits.call.mix_kinds = true)).await;
    assert_eq!(names(&third), std::slice::from_ref(&above));
    bed.check().await;
    crowd(&bed, &hot).await;
    bed.settle(&third, &failed("x")).await;
    bed.check().await;
    let dead = bed.queue.inspect().dead_letters(&bed.target, 5).await.unwrap();
    assert_eq!((dead.len(), dead[0].jobs.len(), dead[0].more_jobs), (1, 20, false));
    bed.pass(100);
    let fourth = bed.batch(&plain()).await;
    assert_eq!(names(&fourth), std::slice::from_ref(&hot));
    bed.settle(&fourth, &Settlement::Done).await;
    for (at, job) in jobs.iter().enumerate() {
        let failed = (60..80).contains(&at);
        assert_eq!(bed.ended(job).await, if failed { (0, 1) } else { (1, 0) }, "{job}");
    }
    bed.check().await;
}

#[tokio::test]
async fn a_part_is_kept_as_long_as_its_state_asks() {
    let bed = Bed::new().await;
    bed.ask("good", &[&url("a")]).await;
    bed.ask("bad", &[&url("b")]).await;
    let batch = bed.batch(&plain()).await;
    bed.settle_some(&batch.id, &[(1, Settlement::Done), (2, failed("x"))]).await;
    for (job, keep) in [("good", RETENTION.succeeded_ms), ("bad", RETENTION.failed_ms)] {
        let key = bed.queue.keys().part(&bed.target, id(job));
        let ms: u64 =
            redis::cmd("PEXPIRETIME").arg(&key).query_async(&mut bed.queue.manager()).await.unwrap();
        let now: u64 = redis::cmd("TIME")
            .query_async::<(u64, u64)>(&mut bed.queue.manager())
            .await
            .map(|(seconds, micros)| seconds * 1000 + micros / 1000)
            .unwrap();
        // By Redis's own clock, which has gone on a little since.
        assert!(ms <= now + keep && ms > now + keep - 300_000, "{job}: {ms} {now}");
    }
}

#[tokio::test]
async fn what_never_ended_is_counted_apart() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a")]).await;
    let unanswered = Settlement::Unanswered { after_ms: 0, cause: cause("poll-deadline") };
    for (settlement, counts) in [
        (retry(0), (1, 0)),
        (unanswered.clone(), (2, 1)),
        (retry(0), (3, 1)),
        (Settlement::Again { after_ms: 0, cause: cause("rest") }, (3, 1)),
        (unanswered, (4, 2)),
    ] {
        let batch = bed.batch(&plain()).await;
        // A newer request for the same item takes over what was counted.
        bed.ask(&format!("j-{counts:?}"), &[&url("a")]).await;
        bed.settle(&batch, &settlement).await;
        bed.check().await;
        let (item, action) = Item::from_name(&url("a")).unwrap();
        let record =
            bed.queue.inspect().pending_item(&bed.target, &item, action).await.unwrap().unwrap().record;
        assert_eq!((record.attempts, record.unanswered), counts, "{settlement:?}");
    }
    let batch = bed.batch(&plain()).await;
    assert_eq!((batch.items[0].record.attempts, batch.items[0].record.unanswered), (4, 2));
    bed.settle(&batch, &Settlement::Done).await;
    assert_eq!(bed.ended("j1").await, (1, 0));
    bed.check().await;
}
