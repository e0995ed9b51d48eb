//! An item below a waiting dir waits for that dir's purge to end, and for nothing else of it.

use crate::bed::{
    Bed, RETENTION, cause, count, dir, expires_at, failed, id, names, plain, policy, retry, url,
};
use purgeline_core::{Action, Item, Kind, Priority::Urgent, Quota, Rate, RateUnit};
use purgeline_queue::{Enqueued, HoldName, LeasePolicy, LeasedBatch, QueueError, Settlement};
use redis::AsyncTypedCommands;

const fn added(new: u64, joined: u64, covered: u64) -> Enqueued {
    Enqueued::Added { new, joined, covered }
}

/// A dir and what it covers, with the dir leased.
async fn leased() -> (Bed, LeasedBatch) {
    let bed = Bed::new().await;
    assert_eq!(bed.ask("dir", &[&dir("d/")]).await, added(1, 0, 0));
    assert_eq!(bed.ask("urls", &[&url("d/a"), &url("d/b")]).await, added(0, 0, 2));
    bed.check().await;
    let batch = bed.batch(&plain()).await;
    assert_eq!(names(&batch), [dir("d/")]);
    bed.check().await;
    (bed, batch)
}

/// The items that the dir covered go by themselves.
async fn go_by_themselves(bed: &Bed) {
    bed.check().await;
    bed.pass(100);
    let batch = bed.batch(&plain()).await;
    assert_eq!(names(&batch), [url("d/a"), url("d/b")]);
    bed.check().await;
    bed.settle(&batch, &Settlement::Done).await;
    assert_eq!(bed.ended("urls").await, (2, 0));
    bed.check().await;
}

/// No key tells of a coverage any more.
async fn forgotten(bed: &Bed) {
    let keys: Vec<String> =
        redis::cmd("KEYS").arg("*cover*").query_async(&mut bed.queue.manager()).await.unwrap();
    assert!(keys.is_empty(), "{keys:?}");
}

#[tokio::test]
async fn dir_success_settles_covered_urls() {
    let (bed, batch) = leased().await;
    assert_eq!(bed.pending().await, 2, "each has a record of its own");
    bed.settle(&batch, &Settlement::Done).await;
    assert_eq!((bed.ended("dir").await, bed.ended("urls").await), ((1, 0), (2, 0)));
    assert_eq!(bed.pending().await, 0);
    bed.check().await;
    forgotten(&bed).await;
}

#[tokio::test]
async fn dir_failure_releases_covered_urls() {
    let (bed, batch) = leased().await;
    bed.settle(&batch, &failed("400034")).await;
    assert_eq!((bed.ended("dir").await, bed.ended("urls").await), ((0, 1), (0, 0)));
    go_by_themselves(&bed).await;
    forgotten(&bed).await;
}

#[tokio::test]
async fn dir_retry_releases_covered_urls() {
    for again in [
        retry(9_000),
        Settlement::Again { after_ms: 9_000, cause: cause("429") },
        Settlement::Unanswered { after_ms: 9_000, cause: cause("late") },
    ] {
        let (bed, batch) = leased().await;
        bed.settle(&batch, &again).await;
        go_by_themselves(&bed).await;
        assert_eq!(bed.ended("dir").await, (0, 0));
        forgotten(&bed).await;
    }
}

#[tokio::test]
async fn dir_split_releases_covered_urls() {
    let (bed, batch) = leased().await;
    assert!(bed.queue.work().split(&bed.target, &batch.id, "w1", "bad").await.unwrap());
    let half = bed.batch(&plain()).await;
    assert_eq!(names(&half), [dir("d/")]);
    go_by_themselves(&bed).await;
    bed.settle(&half, &Settlement::Done).await;
    assert_eq!(bed.ended("dir").await, (1, 0));
    bed.check().await;
    forgotten(&bed).await;
}

#[tokio::test]
async fn dir_given_back_releases_covered_urls() {
    let (bed, batch) = leased().await;
    assert_eq!(bed.queue.work().give_back(&bed.target, &batch.id, "w1").await.unwrap(), 1);
    bed.check().await;
    assert_eq!(names(&bed.batch(&plain()).await), [dir("d/")]);
    go_by_themselves(&bed).await;
    forgotten(&bed).await;
}

#[tokio::test]
async fn dir_of_a_dead_worker_releases_covered_urls() {
    let (bed, _) = leased().await;
    bed.pass(60_000);
    assert_eq!(bed.queue.work().reap(&bed.target, 10).await.unwrap().len(), 1);
    bed.check().await;
    assert_eq!(names(&bed.batch(&plain()).await), [dir("d/")]);
    go_by_themselves(&bed).await;
    forgotten(&bed).await;
}

/// A dir and what it covers, both waiting.
async fn waiting() -> Bed {
    let bed = Bed::new().await;
    let timing = expires_at(bed.now() + 4_000);
    bed.ask_timed(timing, "dir", &[&dir("d/")]).await;
    assert_eq!(bed.ask("urls", &[&url("d/a"), &url("d/b")]).await, added(0, 0, 2));
    bed.check().await;
    bed
}

#[tokio::test]
async fn dir_expiry_releases_covered_urls() {
    let bed = waiting().await;
    bed.pass(4_000);
    bed.queue.work().drain(&bed.target, &RETENTION).await.unwrap();
    assert_eq!(bed.counts("dir").await.cancelled, 1);
    go_by_themselves(&bed).await;
    forgotten(&bed).await;
}

#[tokio::test]
async fn dir_cancel_releases_covered_urls() {
    let bed = waiting().await;
    bed.queue.operate().cancel(&bed.target, id("dir"), "by hand", &RETENTION, false).await.unwrap();
    assert_eq!(bed.counts("dir").await.cancelled, 1);
    go_by_themselves(&bed).await;
    forgotten(&bed).await;
}

/// The dir may not go: it covers nothing, now and for who comes later, until it is leased.
async fn stopped(bed: &Bed, policy: &LeasePolicy) {
    let batch = bed.batch(policy).await;
    assert_eq!(names(&batch), [url("d/a"), url("d/b")]);
    bed.check().await;
    forgotten(bed).await;
    assert_eq!(bed.ask("later", &[&url("d/c")]).await, added(1, 0, 0));
    bed.settle(&batch, &Settlement::Done).await;
    let batch = bed.batch(policy).await;
    assert_eq!(names(&batch), [url("d/c")]);
    bed.settle(&batch, &Settlement::Done).await;
    bed.check().await;
}

#[tokio::test]
async fn dirs_held_release_covered_urls() {
    let bed = waiting().await;
    bed.queue
        .operate()
        .hold(&bed.target, HoldName::Kind(Kind::Dir), None, &cause("why"), "me")
        .await
        .unwrap();
    stopped(&bed, &plain()).await;
    bed.queue.operate().release(&bed.target, HoldName::Kind(Kind::Dir)).await.unwrap();
    let batch = bed.batch(&plain()).await;
    assert_eq!(names(&batch), [dir("d/")]);
    assert_eq!(batch.items[0].record.cause, None, "it goes, and so it is stopped no more");
}

#[tokio::test]
async fn dirs_not_permitted_release_covered_urls() {
    let bed = waiting().await;
    let no_dirs = policy(|limits| {
        limits.call.max_of_kind.remove(&Kind::Dir);
    });
    stopped(&bed, &no_dirs).await;
    assert_eq!(names(&bed.batch(&plain()).await), [dir("d/")]);
}

#[tokio::test]
async fn dir_quota_spent_releases_covered_urls() {
    let bed = Bed::new().await;
    let dirs = |per_host| Quota {
        kind: Some(Kind::Dir),
        max: Some(count(1)),
        day_utc_offset_hours: 8,
        per_host,
        configured: false,
    };
    for (job, per_host) in [("", false), ("host", true)] {
        let policy = policy(|limits| limits.quotas = vec![dirs(per_host)]);
        let name = |what: &str| format!("{what}{job}");
        bed.ask(&name("first"), &[&dir("e/")]).await;
        let first = bed.batch(&policy).await;
        bed.ask(&name("dir"), &[&dir("d/")]).await;
        assert_eq!(bed.ask(&name("urls"), &[&url("d/a"), &url("d/b")]).await, added(0, 0, 2));
        bed.pass(100);
        // Redis has not heard yet that the day's dirs are spent.
        let batch = bed.batch(&policy).await;
        assert_eq!(names(&batch), [url("d/a"), url("d/b")]);
        bed.check().await;
        forgotten(&bed).await;
        bed.settle(&batch, &Settlement::Done).await;
        assert_eq!(bed.ended(&name("urls")).await, (2, 0));
        assert_eq!(bed.ask(&name("later"), &[&url("d/c")]).await, added(1, 0, 0));
        bed.pass(100);
        let batch = bed.batch(&policy).await;
        bed.settle(&batch, &Settlement::Done).await;
        bed.settle(&first, &Settlement::Done).await;
        bed.pass(86_400_000);
        let batch = bed.batch(&policy).await;
        assert_eq!(names(&batch), [dir("d/")]);
        bed.settle(&batch, &Settlement::Done).await;
        bed.check().await;
        bed.pass(86_400_000);
    }
}

#[tokio::test]
async fn a_dir_in_a_spent_window_goes_on_covering() {
    let bed = waiting().await;
    let dirs = Rate { unit: RateUnit::Dirs, max: count(1), window_ms: 3_000.try_into().unwrap() };
    let policy = policy(|limits| limits.rates = vec![dirs]);
    bed.ask_as(Urgent, "first", &[&dir("e/")]).await;
    assert_eq!(names(&bed.batch(&policy).await), [dir("e/")]);
    assert_eq!(bed.wait(&policy).await.0, "rate dirs-3000ms");
    bed.pass(3_001);
    assert_eq!(names(&bed.batch(&policy).await), [dir("d/")]);
    bed.check().await;
}

#[tokio::test]
async fn a_request_that_comes_after_the_dir_was_leased_is_not_settled_by_it() {
    let (bed, batch) = leased().await;
    assert_eq!(bed.ask("new", &[&url("d/c")]).await, added(1, 0, 0));
    // One that joins takes along those that waited for the dir.
    assert_eq!(bed.ask("late", &[&url("d/a")]).await, added(0, 1, 0));
    bed.check().await;
    bed.settle(&batch, &Settlement::Done).await;
    assert_eq!(
        (bed.ended("urls").await, bed.ended("late").await, bed.ended("new").await),
        ((1, 0), (0, 0), (0, 0))
    );
    bed.check().await;
    let own = bed.batch(&plain()).await;
    assert_eq!(names(&own), [url("d/c"), url("d/a")]);
    bed.settle(&own, &Settlement::Done).await;
    assert_eq!(
        (bed.ended("urls").await, bed.ended("late").await, bed.ended("new").await),
        ((2, 0), (1, 0), (1, 0))
    );
    bed.check().await;
}

#[tokio::test]
async fn a_request_before_the_lease_joins_a_covered_url() {
    let bed = waiting().await;
    assert_eq!(bed.ask("more", &[&url("d/a")]).await, added(0, 1, 0));
    let batch = bed.batch(&plain()).await;
    assert_eq!(names(&batch), [dir("d/")]);
    bed.settle(&batch, &Settlement::Done).await;
    assert_eq!((bed.ended("urls").await, bed.ended("more").await), ((2, 0), (1, 0)));
    bed.check().await;
}

#[tokio::test]
async fn an_urgent_request_takes_a_covered_url_along() {
    let bed = waiting().await;
    assert_eq!(bed.ask_as(Urgent, "now", &[&url("d/a")]).await, added(0, 1, 0));
    bed.check().await;
    let batch = bed.batch(&plain()).await;
    assert_eq!(names(&batch), [url("d/a")]);
    bed.settle(&batch, &Settlement::Done).await;
    assert_eq!((bed.ended("now").await, bed.ended("urls").await), ((1, 0), (1, 0)));
    // The other one goes on waiting for the dir, also when that gets the same haste.
    bed.ask_as(Urgent, "dir now", &[&dir("d/")]).await;
    bed.check().await;
    assert_eq!(bed.ask_as(Urgent, "b now", &[&url("d/b")]).await, added(0, 1, 0));
    let batch = bed.batch(&plain()).await;
    assert_eq!(names(&batch), [dir("d/")]);
    bed.settle(&batch, &Settlement::Done).await;
    assert_eq!((bed.ended("b now").await, bed.ended("urls").await), ((1, 0), (2, 0)));
    bed.check().await;
    forgotten(&bed).await;
}

#[tokio::test]
async fn a_narrower_dir_waits_for_a_wider_one_with_all_that_it_covered() {
    let bed = Bed::new().await;
    bed.ask("narrow", &[&dir("d/e/"), &url("d/e/a")]).await;
    bed.ask_as(Urgent, "wide", &[&dir("d/")]).await;
    bed.pass(1);
    bed.ask("deep", &[&dir("d/e/f/"), &url("d/e/f/a")]).await;
    bed.check().await;
    let wide = bed.batch(&plain()).await;
    assert_eq!(names(&wide), [dir("d/")]);
    bed.check().await;
    bed.settle(&wide, &Settlement::Done).await;
    assert_eq!((bed.ended("wide").await, bed.ended("deep").await), ((1, 0), (2, 0)));
    bed.check().await;
    assert_eq!(bed.ended("narrow").await, (2, 0));
    assert_eq!(bed.pending().await, 0);
    bed.check().await;
    forgotten(&bed).await;
}

#[tokio::test]
async fn a_narrower_dir_is_released_with_all_that_it_covered() {
    let bed = Bed::new().await;
    bed.ask("narrow", &[&dir("d/e/"), &url("d/e/a"), &url("d/x")]).await;
    bed.pass(1);
    bed.ask("wide", &[&dir("d/")]).await;
    let mixed = policy(|limits| limits.call.mix_kinds = true);
    let batch = bed.batch(&mixed).await;
    assert_eq!(names(&batch), [dir("d/")]);
    bed.check().await;
    bed.settle(&batch, &failed("403")).await;
    bed.check().await;
    let batch = bed.batch(&mixed).await;
    assert_eq!(names(&batch), [dir("d/e/"), url("d/x")], "the rest is covered anew");
    bed.settle(&batch, &Settlement::Done).await;
    assert_eq!((bed.ended("narrow").await, bed.ended("wide").await), ((3, 0), (0, 1)));
    bed.check().await;
    forgotten(&bed).await;
}

#[tokio::test]
async fn a_dir_that_waits_for_an_earlier_call_covers_nothing() {
    let bed = Bed::new().await;
    let policy = plain().not_while_open(true);
    bed.ask("first", &[&dir("d/")]).await;
    let first = bed.batch(&policy).await;
    bed.ask("dir", &[&dir("d/")]).await;
    assert_eq!(bed.ask("urls", &[&url("d/a"), &url("d/b")]).await, added(0, 0, 2));
    bed.pass(1_000);
    let urls = bed.batch(&policy).await;
    assert_eq!(names(&urls), [url("d/a"), url("d/b")]);
    bed.check().await;
    bed.settle(&first, &Settlement::Done).await;
    assert_eq!(names(&bed.batch(&policy).await), [dir("d/")]);
    bed.check().await;
    forgotten(&bed).await;
}

#[tokio::test]
async fn all_jobs_of_a_hot_covered_url_end_with_the_dir() {
    let bed = Bed::new().await;
    bed.ask("dir", &[&dir("d/")]).await;
    for n in 0..40 {
        bed.ask(&format!("j{n}"), &[&url("d/hot")]).await;
    }
    bed.check().await;
    let batch = bed.batch(&plain()).await;
    bed.check().await;
    bed.settle(&batch, &Settlement::Done).await;
    for n in 0..40 {
        assert_eq!(bed.ended(&format!("j{n}")).await, (1, 0));
    }
    bed.check().await;
    let hot = Item::url("https://h/d/hot").unwrap();
    let last = bed.queue.inspect().last_outcomes(&bed.target, &hot, Action::Default).await.unwrap();
    assert_eq!((last[0].item.as_str(), last[0].batch.as_str()), (url("d/hot").as_str(), batch.id.as_str()));
}

#[tokio::test]
async fn covered_urls_count_in_a_full_queue() {
    let bed = Bed::new().await;
    bed.create("j", 3).await;
    let items = [dir("d/"), url("d/a"), url("d/b")];
    let names: Vec<_> = items.iter().map(String::as_str).collect();
    assert!(matches!(bed.chunk("j", (0, 1, 3), &names, 2).await, Err(QueueError::Full { waiting: 0, .. })));
    bed.check().await;
    assert_eq!(bed.chunk("j", (0, 1, 3), &names, 3).await.unwrap(), added(1, 0, 2));
    bed.check().await;
}

#[tokio::test]
async fn a_list_of_stale_hints_is_given_up() {
    let bed = Bed::new().await;
    bed.ask("dir", &[&dir("d/")]).await;
    for n in 0..1_100 {
        let job = format!("j{n}");
        bed.ask(&job, &[&url("d/a")]).await;
        if n < 1_099 {
            bed.queue.operate().cancel(&bed.target, id(&job), "by hand", &RETENTION, false).await.unwrap();
        }
    }
    let keys = bed.queue.keys();
    let lists: Vec<String> = redis::cmd("KEYS")
        .arg(keys.covered(&bed.target, "*"))
        .query_async(&mut bed.queue.manager())
        .await
        .unwrap();
    assert_eq!(lists.len(), 2, "{lists:?}");
    for list in &lists {
        let hints = bed.queue.manager().llen(list).await.unwrap();
        assert!(hints <= 1_005, "{list} has {hints}");
    }
    bed.check().await;
    bed.queue.work().drain(&bed.target, &RETENTION).await.unwrap();
    assert!(!bed.key_exists("uncovering").await);
    bed.check().await;
    let batch = bed.batch(&plain()).await;
    assert_eq!(names(&batch), [dir("d/")]);
    bed.settle(&batch, &Settlement::Done).await;
    assert_eq!(bed.ended("j1099").await, (1, 0));
    bed.check().await;
    forgotten(&bed).await;
}

#[tokio::test]
async fn a_covered_url_that_comes_back_goes_by_itself() {
    let bed = Bed::new().await;
    bed.ask("first", &[&url("d/a")]).await;
    let first = bed.batch(&plain()).await;
    bed.ask("dir", &[&dir("d/")]).await;
    assert_eq!(bed.ask("urls", &[&url("d/a")]).await, added(0, 0, 1));
    bed.settle(&first, &retry(500)).await;
    bed.check().await;
    let batch = bed.batch(&plain()).await;
    assert_eq!(names(&batch), [dir("d/")]);
    bed.settle(&batch, &Settlement::Done).await;
    assert_eq!((bed.ended("first").await, bed.ended("urls").await), ((0, 0), (0, 0)));
    bed.pass(500);
    let batch = bed.batch(&plain()).await;
    assert_eq!((names(&batch), batch.items[0].record.attempts), (vec![url("d/a")], 1));
    bed.settle(&batch, &Settlement::Done).await;
    assert_eq!((bed.ended("first").await, bed.ended("urls").await), ((1, 0), (1, 0)));
    bed.check().await;
    forgotten(&bed).await;
}

#[tokio::test]
async fn the_dir_that_an_item_waits_for_is_told() {
    let bed = Bed::new().await;
    bed.ask("narrow", &[&dir("d/e/"), &url("d/e/a")]).await;
    let told = async || {
        let (item, action) = Item::from_name(&url("d/e/a")).unwrap();
        let record =
            bed.queue.inspect().pending_item(&bed.target, &item, action).await.unwrap().unwrap().record;
        let told = bed.queue.inspect().covering_dir(&bed.target, &item, action, &record).await.unwrap();
        told.map(|told| (told.dir.name(action), told.batch))
    };
    assert_eq!(told().await, Some((dir("d/e/"), None)));
    bed.pass(1);
    bed.ask("wide", &[&dir("d/")]).await;
    let batch = bed.batch(&plain()).await;
    assert_eq!((names(&batch), told().await), (vec![dir("d/")], Some((dir("d/e/"), None))));
    bed.settle(&batch, &failed("403")).await;
    let narrow = bed.batch(&plain()).await;
    assert_eq!(names(&narrow), [dir("d/e/")]);
    bed.settle(&narrow, &failed("403")).await;
    assert_eq!(told().await, None);
    let (bed, batch) = leased().await;
    let (item, action) = Item::from_name(&url("d/a")).unwrap();
    let record = bed.queue.inspect().pending_item(&bed.target, &item, action).await.unwrap().unwrap().record;
    let told = bed.queue.inspect().covering_dir(&bed.target, &item, action, &record).await.unwrap().unwrap();
    assert_eq!((told.dir.name(action), told.batch), (dir("d/"), Some(batch.id)));
}
