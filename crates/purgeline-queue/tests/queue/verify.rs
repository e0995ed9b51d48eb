//! Each kind of damage is planted by hand in a queue that is sound, and must be found.

use crate::bed::{Bed, RETENTION, dir, expires_at, id, not_before, plain, retry, url};
use purgeline_core::Priority::{Bulk, Urgent};
use purgeline_queue::Connection;
use purgeline_queue::{LeasedBatch, Settlement};
use redis::AsyncTypedCommands;

/// A queue that has something of everything.
struct Full {
    bed: Bed,
    redis: Connection,
    base: String,
    leased: LeasedBatch,
}

impl Full {
    async fn new() -> Self {
        let bed = Bed::new().await;
        bed.ask("done", &[&url("done")]).await;
        let done = bed.batch(&plain()).await;
        bed.settle(&done, &Settlement::Done).await;
        bed.queue.carry_outbox(&bed.target, &RETENTION).await.unwrap();
        for n in 0..20 {
            bed.ask(&format!("hot{n}"), &[&url("hot")]).await;
        }
        bed.ask("late", &[&url("late")]).await;
        let late = bed.batch(&plain()).await;
        let outcomes: Vec<_> = late.items.iter().map(|item| (item.index, retry(9000))).collect();
        bed.settle_some(&late.id, &outcomes).await;
        bed.ask_as(Urgent, "open", &[&url("open"), &url("split")]).await;
        let open = bed.batch(&plain()).await;
        bed.settle_some(&open.id, &[(2, retry(0))]).await;
        bed.submitted(&open, 1000).await;
        let half = bed.batch(&plain()).await;
        bed.queue.split(&bed.target, &half.id, "w1", "bad").await.unwrap();
        let ready = bed.queue.stats(&bed.target).await.unwrap().ready_batches;
        assert_eq!(ready, 1);
        let ready = bed.batch(&plain()).await;
        bed.ask_as(Urgent, "leased", &[&url("leased")]).await;
        let leased = bed.batch(&plain()).await;
        bed.queue.split(&bed.target, &ready.id, "w1", "bad").await.unwrap();
        bed.ask_as(Bulk, "waits", &[&url("a"), &url("b"), &dir("d/"), &url("d/x")]).await;
        bed.ask_timed(not_before(bed.now() + 7_000), "embargoed", &[&url("scoop")]).await;
        bed.ask_timed(expires_at(bed.now() + 7_000), "expires", &[&url("live")]).await;
        bed.check().await;
        let redis = bed.queue.manager();
        let base = bed.queue.keys().target(&bed.target);
        Self { bed, redis, base, leased }
    }

    fn key(&self, what: &str) -> String {
        format!("{}:{what}", self.base)
    }

    /// Carries out a Redis command; keys that begin with `~` are the target's.
    async fn damage(&mut self, command: &str) {
        let mut words = command.split(' ');
        let mut damage = redis::cmd(words.next().unwrap());
        for word in words {
            match word.strip_prefix('~') {
                Some(key) => damage.arg(self.key(key)),
                None => damage.arg(word),
            };
        }
        let _: redis::Value = damage.query_async(&mut self.redis).await.unwrap();
    }

    async fn finds(&self, expected: &str) {
        let found = self.bed.queue.verify(std::slice::from_ref(&self.bed.target)).await.unwrap();
        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert!(found.iter().any(|violation| violation.contains(expected)), "{expected:?} not in {found:#?}");
    }
}

#[tokio::test]
async fn a_sound_queue_has_nothing_to_find() {
    let full = Full::new().await;
    full.bed.check().await;
    let stats = full.bed.queue.stats(&full.bed.target).await.unwrap();
    let zero = [stats.pending, stats.delayed, stats.in_batches, stats.in_flight, stats.open_batches];
    assert!(zero.iter().all(|count| *count > 0), "{stats:?}");
}

/// Damage, and what must be found.
async fn planted(cases: &[(&str, &str)]) {
    for (damage, expected) in cases {
        let mut full = Full::new().await;
        full.damage(&damage.replace("LEASED", &full.leased.id)).await;
        full.finds(&expected.replace("LEASED", &full.leased.id)).await;
    }
}

#[tokio::test]
async fn damage_to_what_waits() {
    let a = url("a");
    planted(&[
        (&format!("HDEL ~pending {a}"), "4 items were enqueued, but 0 have settled and 3 wait"),
        (&format!("HSET ~pending {a} nonsense"), "expected a record"),
        (&format!("LREM ~lane:bulk/url 0 {a}"), "has no hint in lane bulk/url"),
        ("ZREM ~lanes bulk/url", "lane bulk/url is not ranked"),
        ("DEL ~delayed", "but delayed says None"),
        (&format!("ZADD ~delayed 17 {}", url("late")), "but delayed says Some(17"),
        (&format!("ZADD ~delayed 17 {a}"), "stands in its lane, but delayed says"),
        ("ZADD ~delayed 17 url:https://h/nobody", "delayed url:https://h/nobody has no pending record"),
        ("HINCRBY ~stats dirs 1", "stats says dirs=2, but 1 wait"),
        ("HINCRBY ~stats under_way 1", "stats says under_way=1, but 0 wait"),
        (&format!("DEL ~waiters:{}", url("hot")), "wait"),
        ("DEL ~embargoes", "url:https://h/scoop: embargoes says None"),
        ("DEL ~embargoed", "url:https://h/scoop, but embargoed does not"),
        ("DEL ~embargoed", "1 items were enqueued, but 0 have settled and 0 wait"),
        ("DEL ~expiring", "but expiring says None"),
        (&format!("ZINCRBY ~expiring 1 {}", url("live")), "but expiring says Some(17637"),
    ])
    .await;
}

#[tokio::test]
async fn damage_to_batches() {
    planted(&[
        ("ZREM ~leases LEASED", "batch LEASED is Some(\"leased\") but stands in"),
        ("ZADD ~polls 5 LEASED", "batch LEASED is Some(\"leased\") but stands in"),
        ("DEL ~ready", "is Some(\"ready\") but stands in"),
        ("DEL ~polls", "is Some(\"submitted\") but stands in"),
        ("DEL ~batch:LEASED", "batch LEASED is leased, ready or asked about, but its record is gone"),
        ("HDEL ~batch:LEASED 1", "says open=Some(\"1\") and holds 0 items"),
        ("HSET ~batch:LEASED 1 nonsense", "expected a record and item="),
        (&format!("HDEL ~inflight {}", url("leased")), "but inflight does not say so"),
        ("HSET ~inflight url:https://h/nobody b7", "inflight says that batch b7 holds url:https://h/nobody"),
        (&format!("HSET ~inflight {} LEASED,b99", url("leased")), "inflight says that batch b99 holds"),
    ])
    .await;
}

#[tokio::test]
async fn damage_to_jobs() {
    let (waits, done) = (id("waits"), id("done"));
    planted(&[
        (
            &format!("HINCRBY ~job:{waits} succeeded 1"),
            "4 items were enqueued, but 1 have settled and 4 wait",
        ),
        (&format!("HINCRBY ~job:{waits} enqueued 1"), "5 items were enqueued"),
        (&format!("HINCRBY ~job:{waits} items -1"), "4 items were enqueued, more than its 3"),
        (&format!("HSET ~job:{waits} state failed"), "is \"failed\" here, but its counters mean active"),
        (&format!("HSET ~job:{done} state active"), "is \"active\" here, but its counters mean succeeded"),
        (&format!("DEL ~job:{waits}"), "4 items wait for job"),
        (&format!("HSET purgeline:v1:job:{waits} state failed"), "is failed but its parts are active"),
        (&format!("HSET purgeline:v1:job:{done} state active"), "is active but its parts are succeeded"),
        ("RPUSH ~settling nonsense", "settling holds \"nonsense\""),
        ("HINCRBY ~stats announced 2", "stats says that 2 items are announced"),
    ])
    .await;
}

#[tokio::test]
async fn word_that_is_under_way_is_no_damage() {
    let bed = Bed::new().await;
    bed.ask("j1", &[&url("a")]).await;
    let batch = bed.batch(&plain()).await;
    bed.settle(&batch, &Settlement::Done).await;
    bed.check().await;
    bed.queue.manager().del(bed.queue.keys().of_target(&bed.target, "outbox")).await.unwrap();
    let found = bed.queue.verify(std::slice::from_ref(&bed.target)).await.unwrap();
    assert_eq!(found.len(), 1);
    assert!(found[0].what.contains("is active but its parts are succeeded"), "{found:?}");
}
