//! Quotas of the provider's day, and what else the targets of an account share.

use crate::bed::{Bed, chunk, count, dir, failed, lane, names, policy, url};
use purgeline_core::{Item, Kind, Limits, Priority, Quota, Target};
use purgeline_queue::{
    Lease, LeasePolicy, LeasedBatch, QuotaPolicy, QuotaWait, Settlement, SpentQuota, ToldBy,
};
use redis::AsyncTypedCommands;

/// From the bed's first moment to the next midnight in UTC+8, in ms.
const TO_MIDNIGHT: u64 = 40_800_000;

fn quota(kind: Option<Kind>, max: Option<u32>, per_host: bool) -> Quota {
    Quota { kind, max: max.map(count), day_utc_offset_hours: 8, per_host, configured: false }
}

fn with(quotas: &[Quota], reserve_percent: u8) -> (LeasePolicy, QuotaPolicy) {
    let mut limits = crate::bed::limits();
    limits.quotas = quotas.to_vec();
    let policy = policy(|own| *own = limits.clone()).reserve_percent(reserve_percent);
    (policy, QuotaPolicy::new(&limits, reserve_percent))
}

fn urls(max: u32) -> Quota {
    quota(Some(Kind::Url), Some(max), false)
}

async fn ask_urls(bed: &Bed, name: &str, count: usize) {
    let items: Vec<_> = (0..count).map(|at| url(format_args!("{name}/{at}"))).collect();
    bed.ask(name, &items.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

async fn done(bed: &Bed, batch: &LeasedBatch) {
    bed.settle(batch, &Settlement::Done).await;
}

async fn send(bed: &Bed, policy: &LeasePolicy) -> usize {
    let batch = bed.batch(policy).await;
    done(bed, &batch).await;
    batch.items.len()
}

/// Spent and left of the first quota.
async fn standing(bed: &Bed, quotas: &QuotaPolicy) -> (u64, Option<u64>) {
    let uses = bed.queue.inspect().quotas(&bed.target, quotas).await.unwrap();
    (uses[0].spent, uses[0].left)
}

#[tokio::test]
async fn what_has_no_quota_waits_coalesces_and_goes_when_the_day_turns() {
    let bed = Bed::new().await;
    let (policy, quotas) = with(&[urls(4)], 0);
    ask_urls(&bed, "j", 6).await;
    assert_eq!((send(&bed, &policy).await, send(&bed, &policy).await), (3, 1));
    assert_eq!(bed.wait(&policy).await, ("quota urls".into(), Some(TO_MIDNIGHT)));
    bed.ask("k", &[&url("j/5")]).await;
    assert_eq!(bed.pending().await, 2, "it joined");
    let (item, _) = Item::from_name(&url("j/5")).unwrap();
    let waits = bed.queue.inspect().quota_wait(&bed.target, &quotas, &item, Priority::Normal).await.unwrap();
    let until_ms = bed.now() + i64::try_from(TO_MIDNIGHT).unwrap();
    assert_eq!(waits, Some(QuotaWait { quota: "urls".into(), until_ms }));
    bed.pass(i64::try_from(TO_MIDNIGHT).unwrap() - 1);
    assert_eq!(bed.wait(&policy).await, ("quota urls".into(), Some(1)));
    bed.pass(1);
    assert_eq!(send(&bed, &policy).await, 2);
    let key = format!("{}:quota:urls:2025-11-21", bed.queue.keys().account(&bed.target));
    assert!(matches!(
        bed.queue.manager().ttl(&key).await.unwrap(),
        redis::IntegerReplyOrNoOp::IntegerReply(1..)
    ));
    bed.check().await;
}

#[tokio::test]
async fn the_reserve_is_for_the_urgent() {
    let bed = Bed::new().await;
    let (policy, quotas) = with(&[urls(5)], 40);
    ask_urls(&bed, "j", 4).await;
    assert_eq!(send(&bed, &policy).await, 3);
    assert_eq!(bed.wait(&policy).await.0, "quota urls");
    bed.ask_as(Priority::Urgent, "u", &[&url("u/1"), &url("u/2"), &url("u/3")]).await;
    let batch = bed.batch(&policy).await;
    assert_eq!(names(&batch), [url("u/1"), url("u/2")], "nothing that is not urgent goes along");
    assert_eq!(bed.wait(&policy).await.0, "quota urls");
    assert_eq!(standing(&bed, &quotas).await, (5, Some(0)));
    done(&bed, &batch).await;
    bed.check().await;
}

#[tokio::test]
async fn a_spent_kind_stops_no_other_and_all_kinds_may_share_one() {
    let bed = Bed::new().await;
    let (policy, _) = with(&[urls(1), quota(None, Some(3), false)], 0);
    bed.ask("j", &[&url("a"), &url("b"), &dir("c/"), &dir("d/")]).await;
    let mut sent = Vec::new();
    while let Lease::Batch(batch) = bed.lease(&policy).await {
        sent.extend(names(&batch));
        done(&bed, &batch).await;
    }
    sent.sort();
    assert_eq!(sent, [dir("c/"), dir("d/"), url("a")]);
    assert_eq!(bed.wait(&policy).await.0, "quota urls");
    bed.pass(i64::try_from(TO_MIDNIGHT).unwrap());
    ask_urls(&bed, "k", 1).await;
    bed.ask("l", &[&dir("e/"), &dir("f/"), &dir("g/")]).await;
    let mut kinds = Vec::new();
    while let Lease::Batch(batch) = bed.lease(&policy).await {
        kinds.extend(batch.items.iter().map(|item| item.item.kind()));
        done(&bed, &batch).await;
    }
    assert_eq!(kinds, [Kind::Url, Kind::Dir, Kind::Dir]);
    assert_eq!(bed.wait(&policy).await, ("quota items".into(), Some(86_400_000)));
    bed.check().await;
}

#[tokio::test]
async fn a_spent_host_stops_nobody_else() {
    let bed = Bed::new().await;
    let (policy, quotas) = with(&[quota(Some(Kind::Dir), Some(1), true)], 0);
    // Their lane was made before hosts had quotas.
    bed.ask("j", &["dir:https://h1/a/", "dir:https://h1/b/", "dir:https://h1:80/c/", "dir:https://h2/a/"])
        .await;
    let mut sent = Vec::new();
    while let Lease::Batch(batch) = bed.lease(&policy).await {
        sent.extend(names(&batch));
        done(&bed, &batch).await;
    }
    assert_eq!(sent, ["dir:https://h1/a/", "dir:https://h2/a/"]);
    assert_eq!(bed.wait(&policy).await, ("quota dirs-per-host".into(), Some(TO_MIDNIGHT)));
    assert_eq!(bed.lane_of("dir:https://h1/b/").await, "normal/dir@h1");
    let uses = bed.queue.inspect().quotas(&bed.target, &quotas).await.unwrap();
    let shown: Vec<_> = uses.iter().map(|of| (of.host.as_deref().unwrap(), of.left)).collect();
    assert_eq!(shown, [("h1", Some(0)), ("h2", Some(0))]);
    // A url below a dir that waits for tomorrow does not wait for it.
    bed.ask("k", &["url:https://h1/b/x"]).await;
    assert_eq!(names(&bed.batch(&policy).await), ["url:https://h1/b/x"]);
    bed.pass(i64::try_from(TO_MIDNIGHT).unwrap());
    assert_eq!(names(&bed.batch(&policy).await), ["dir:https://h1/b/"]);
    bed.check().await;
}

#[tokio::test]
async fn what_was_not_sent_or_refused_as_a_whole_is_given_back() {
    let bed = Bed::new().await;
    let dirs = quota(Some(Kind::Dir), Some(3), true);
    let (policy, quotas) = with(&[quota(Some(Kind::Dir), Some(5), false), dirs], 0);
    bed.ask("j", &[&dir("a/"), &dir("b/")]).await;
    let batch = bed.batch(&policy).await;
    assert_eq!(standing(&bed, &quotas).await, (2, Some(3)));
    bed.queue.work().give_back(&bed.target, &batch.id, "w1").await.unwrap();
    assert_eq!(standing(&bed, &quotas).await, (0, Some(5)));
    let batch = bed.batch(&policy).await;
    assert!(bed.queue.work().split(&bed.target, &batch.id, "w1", "bad").await.unwrap());
    assert_eq!(standing(&bed, &quotas).await, (0, Some(5)));
    let halves = [bed.batch(&policy).await, bed.batch(&policy).await];
    assert_eq!(standing(&bed, &quotas).await, (2, Some(3)));
    // A worker that died may have sent it.
    bed.pass(i64::try_from(crate::bed::LEASE_MS).unwrap());
    bed.queue.work().reap(&bed.target, 2).await.unwrap();
    assert_eq!(standing(&bed, &quotas).await, (2, Some(3)));
    assert_eq!(halves[0].items.len() + bed.batch(&policy).await.items.len(), 2, "one more of that host");
    bed.check().await;
}

#[tokio::test]
async fn a_half_that_the_day_has_no_room_for_waits_in_its_lane() {
    let bed = Bed::new().await;
    let (policy, quotas) = with(&[urls(3)], 0);
    ask_urls(&bed, "j", 3).await;
    let batch = bed.batch(&policy).await;
    bed.queue.work().split(&bed.target, &batch.id, "w1", "bad").await.unwrap();
    bed.queue.work().spend_quota(&bed.target, &quotas, Some(Kind::Url), None).await.unwrap();
    assert_eq!(bed.wait(&policy).await.0, "quota urls");
    ask_urls(&bed, "j", 3).await;
    let stats = bed.queue.inspect().stats(&bed.target).await.unwrap();
    assert_eq!((stats.pending, stats.ready_batches), (3, 0), "they joined");
    bed.pass(i64::try_from(TO_MIDNIGHT).unwrap());
    assert_eq!(send(&bed, &policy).await, 3);
    bed.check().await;
}

#[tokio::test]
async fn what_the_provider_tells_corrects_the_count() {
    let bed = Bed::new().await;
    let (policy, quotas) = with(&[quota(Some(Kind::Url), None, false)], 0);
    ask_urls(&bed, "j", 60).await;
    let learn = async |left, max, told: ToldBy<'_>| {
        bed.queue.work().learn_quota(&bed.target, &quotas, Kind::Url, (left, max), told).await.unwrap()
    };
    // Two answers are heard one after the other, before either call is done with.
    let batches = [bed.batch(&policy).await, bed.batch(&policy).await];
    learn(14, 20, ToldBy::Answer(&batches[1].id)).await;
    assert_eq!(standing(&bed, &quotas).await, (9, Some(11)), "3 may be among the 6, or not");
    for _ in 0..2 {
        learn(17, 20, ToldBy::Answer(&batches[0].id)).await;
        assert_eq!(standing(&bed, &quotas).await, (6, Some(14)));
    }
    for batch in &batches {
        done(&bed, batch).await;
    }
    bed.pass(86_400_000);
    // Nothing is known, nothing bounds. Then one answer tells; the other call is in doubt.
    let batches = [bed.batch(&policy).await, bed.batch(&policy).await];
    assert!(learn(17, 20, ToldBy::Answer(&batches[0].id)).await);
    assert_eq!(standing(&bed, &quotas).await, (6, Some(14)));
    done(&bed, &batches[0]).await;
    // Its own answer ends the doubt: somebody else has used the account.
    learn(12, 20, ToldBy::Answer(&batches[1].id)).await;
    done(&bed, &batches[1]).await;
    assert_eq!(standing(&bed, &quotas).await, (8, Some(12)));
    // An answer that comes late tells of less, and is not believed.
    let batch = bed.batch(&policy).await;
    learn(17, 20, ToldBy::Answer(&batch.id)).await;
    assert_eq!(standing(&bed, &quotas).await, (8, Some(12)), "8 of which the call's own are 3");
    bed.settle(&batch, &failed("500")).await;
    // What came back without a count stays in doubt until somebody asks.
    let batch = bed.batch(&policy).await;
    bed.settle(&batch, &failed("500")).await;
    assert_eq!(standing(&bed, &quotas).await, (11, Some(9)));
    let mark = bed.queue.work().quota_mark(&bed.target, &quotas).await.unwrap();
    let batch = bed.batch(&policy).await;
    learn(12, 20, ToldBy::Question(&mark)).await;
    assert_eq!(standing(&bed, &quotas).await, (11, Some(9)), "3 that were not counted, 3 under way");
    // A mark of another day says nothing.
    bed.pass(i64::try_from(TO_MIDNIGHT).unwrap() + 300_000);
    assert!(!learn(0, 20, ToldBy::Question(&mark)).await);
    assert!(!learn(0, 20, ToldBy::Answer(&batch.id)).await);
    assert_eq!(standing(&bed, &quotas).await, (0, None));
}

#[tokio::test]
async fn a_refusal_spends_the_day_but_not_in_its_first_minutes() {
    let bed = Bed::new().await;
    let (policy, quotas) = with(&[urls(40), quota(Some(Kind::Dir), Some(9), true)], 0);
    ask_urls(&bed, "j", 3).await;
    let spend =
        async |kind, host| bed.queue.work().spend_quota(&bed.target, &quotas, kind, host).await.unwrap();
    assert_eq!(spend(Some(Kind::Url), None).await, SpentQuota::Spent(1));
    assert_eq!(standing(&bed, &quotas).await, (40, Some(0)));
    assert_eq!(bed.wait(&policy).await.0, "quota urls");
    assert_eq!(spend(Some(Kind::Dir), None).await, SpentQuota::Spent(0), "it is not counted");
    assert_eq!(spend(Some(Kind::Dir), Some("h")).await, SpentQuota::Spent(1));
    bed.ask("k", &[&dir("a/"), "dir:https://h2/"]).await;
    assert_eq!(names(&bed.batch(&policy).await), ["dir:https://h2/"]);
    // By the provider's clock it may be the day before.
    bed.pass(i64::try_from(TO_MIDNIGHT).unwrap() + 1_000);
    assert_eq!(spend(Some(Kind::Url), None).await, SpentQuota::Unsure(299_000));
    assert_eq!(standing(&bed, &quotas).await, (0, Some(40)));
}

#[tokio::test]
async fn calls_and_tasks_are_counted_over_the_account() {
    let bed = Bed::new().await;
    let other = Target { name: "images".parse().unwrap(), account: bed.target.account.clone() };
    let limited = |change: fn(&mut Limits)| policy(change);
    let policy = limited(|limits| {
        limits.max_in_flight = count(2);
        limits.max_tasks = Some(count(3));
    });
    let lease = async |target: &Target| bed.queue.work().lease(target, "w1", &policy).await.unwrap();
    let why = async |target: &Target| match lease(target).await {
        Lease::Wait { why, .. } => why,
        Lease::Batch(batch) => panic!("expected to wait, came {batch:?}"),
    };
    ask_urls(&bed, "j", 30).await;
    let items: Vec<_> = (0..9).map(|at| url(format_args!("o/{at}"))).collect();
    let items: Vec<_> =
        items.iter().map(|item| (item.clone(), lane(Priority::Normal, item).to_string())).collect();
    bed.queue.produce().enqueue(&other, &chunk("o", &items), 100).await.unwrap();
    let mut wakeups = bed.queue.work().wakeups(std::slice::from_ref(&other)).await.unwrap();
    let first = bed.batch(&policy).await;
    assert!(matches!(lease(&other).await, Lease::Batch(_)));
    assert_eq!((why(&bed.target).await, why(&other).await), ("in_flight".into(), "in_flight".into()));
    // A call of the one returns: the other is woken.
    bed.submitted(&first, 60_000).await;
    assert_eq!(wakeups.next().await, Some(0));
    let second = bed.batch(&policy).await;
    assert_eq!(why(&bed.target).await, "in_flight");
    bed.submitted(&second, 60_000).await;
    assert_eq!((why(&bed.target).await, why(&other).await), ("tasks".into(), "tasks".into()));
    done(&bed, &first).await;
    assert!(matches!(lease(&other).await, Lease::Batch(_)));
    assert_eq!(why(&other).await, "in_flight");
    bed.check().await;
}
