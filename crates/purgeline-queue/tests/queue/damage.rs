//! A queue that has something of everything, and what can be done to it by hand.

use crate::bed::{Bed, RETENTION, dir, expires_at, id, not_before, plain, retry, url};
use purgeline_core::{
    Item,
    Priority::{Bulk, Urgent},
};
use purgeline_queue::{Connection, LeasedBatch, Settlement};

/// A queue that has something of everything.
pub(crate) struct Full {
    pub(crate) bed: Bed,
    redis: Connection,
    base: String,
    leased: LeasedBatch,
    /// What it calls the embargoed item.
    embargoed: String,
    /// The ids of the coverage of a dir in a batch, and of one that waits.
    coverages: [String; 2],
}

/// The jobs that it has.
pub(crate) fn jobs() -> Vec<String> {
    let some = ["done", "late", "open", "leased", "embargoed", "expires", "waits", "sent"];
    some.into_iter().map(str::to_owned).chain((0..20).map(|n| format!("hot{n}"))).collect()
}

impl Full {
    pub(crate) async fn new() -> Self {
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
        bed.ask_as(Urgent, "sent", &[&dir("s/"), &url("s/x"), &url("s/y")]).await;
        let sent = bed.batch(&plain()).await.items[0].covers.clone().unwrap();
        bed.queue.split(&bed.target, &ready.id, "w1", "bad").await.unwrap();
        bed.ask_timed(not_before(bed.now() + 5_000), "embargoed", &[&url("embargoed")]).await;
        bed.ask_timed(expires_at(bed.now() + 99_000_000), "expires", &[&url("expires")]).await;
        bed.ask_as(Bulk, "waits", &[&url("a"), &url("b"), &dir("d/"), &url("d/x")]).await;
        bed.check().await;
        let redis = bed.queue.manager();
        let base = bed.queue.keys().target(&bed.target);
        let embargoed = format!("{} {}", bed.now() + 5_000, url("embargoed"));
        let (item, action) = Item::from_name(&url("d/x")).unwrap();
        let record = bed.queue.pending_item(&bed.target, &item, action).await.unwrap().unwrap().record;
        let open = record.covered_by().unwrap().to_owned();
        Self { bed, redis, base, leased, embargoed, coverages: [sent, open] }
    }

    fn key(&self, what: &str) -> String {
        format!("{}:{what}", self.base)
    }

    fn named(&self, text: &str) -> String {
        let [sent, open] = &self.coverages;
        text.replace("LEASED", &self.leased.id).replace("SENT", sent).replace("OPEN", open)
    }

    /// Carries out Redis commands; keys that begin with `~` are the target's, and LEASED is its
    /// leased batch, EMBARGOED its embargoed item, SENT and OPEN its coverages.
    pub(crate) async fn damage(&mut self, command: &str) {
        let command = self.named(command);
        for command in command.split(" ; ") {
            let mut words = command.split(' ');
            let mut damage = redis::cmd(words.next().unwrap());
            for word in words {
                match (word, word.strip_prefix('~')) {
                    (_, Some(key)) => damage.arg(self.key(key)),
                    ("EMBARGOED", _) => damage.arg(&self.embargoed),
                    _ => damage.arg(word),
                };
            }
            let _: redis::Value = damage.query_async(&mut self.redis).await.unwrap();
        }
    }

    /// The words of what verify finds.
    pub(crate) async fn found(&self) -> Vec<String> {
        let found = self.bed.queue.verify(std::slice::from_ref(&self.bed.target)).await.unwrap();
        found.iter().map(ToString::to_string).collect()
    }

    pub(crate) async fn finds(&self, expected: &str) {
        let (found, expected) = (self.found().await, self.named(expected));
        assert!(
            found.iter().any(|violation| violation.contains(&expected)),
            "{expected:?} not in {found:#?}"
        );
    }
}

type Cases = Vec<(String, &'static str)>;

/// Damage to what waits, and what must be found.
pub(crate) fn to_what_waits() -> Cases {
    let (a, late, hot) = (url("a"), url("late"), url("hot"));
    vec![
        (format!("HDEL ~pending {a}"), "4 items were enqueued, but 0 have settled and 3 wait"),
        (format!("HSET ~pending {a} nonsense"), "expected a record"),
        (format!("HSET ~pending {a} lane=bulk/url,jobs={}", id("waits")), "expected a record"),
        (format!("LREM ~lane:bulk/url 0 {a}"), "has no hint in lane bulk/url"),
        ("DEL ~lane:bulk/url".to_owned(), "has no hint in lane bulk/url"),
        ("ZREM ~lanes bulk/url".to_owned(), "lane bulk/url is not ranked"),
        ("DEL ~lanes".to_owned(), "lane bulk/dir is not ranked"),
        ("DEL ~delayed".to_owned(), "but delayed says None"),
        (format!("ZADD ~delayed 17 {late}"), "but delayed says Some(17"),
        (format!("ZADD ~delayed 17 {a}"), "stands in its lane, but delayed says"),
        (
            "ZADD ~delayed 17 url:https://h/nobody".to_owned(),
            "delayed url:https://h/nobody has no pending record",
        ),
        ("DEL ~expiring".to_owned(), "but expiring says None"),
        (format!("ZINCRBY ~expiring 1 {}", url("expires")), "but expiring says Some(17637"),
        ("DEL ~coverages".to_owned(), "covering:bulk/dir says that dir:https://h/d/ has coverage c"),
        ("DEL ~covering:bulk/dir".to_owned(), "no dir has coverage c"),
        (
            format!("HSET ~covering:bulk/url {} c99", dir("d/")),
            "covering:bulk/url says that dir:https://h/d/ has coverage c99, but it does not",
        ),
        (format!("HDEL ~pending {}", dir("d/")), "says that dir:https://h/d/ has coverage"),
        ("HSET ~coverages c99 dir:https://h/nobody/".to_owned(), "no dir has coverage c99"),
        (
            "DEL ~covered:OPEN".to_owned(),
            "url:https://h/d/x waits for coverage OPEN, but covered:OPEN does not",
        ),
        (format!("LREM ~covered:SENT 0 {}", url("s/y")), "url:https://h/s/y waits for coverage SENT"),
        ("RPUSH ~covered:c99 url:https://h/nobody".to_owned(), "the 1 names in covered:c99 would wait"),
        ("DEL ~embargoes".to_owned(), "embargoes says None"),
        ("DEL ~embargoed".to_owned(), "embargoes has 1763700"),
        ("ZADD ~embargoes 17 EMBARGOED".to_owned(), "embargoes says Some(17)"),
        ("HSET ~embargoed EMBARGOED nonsense".to_owned(), "expected a record"),
        ("HINCRBY ~stats dirs 1".to_owned(), "stats says dirs=2, but 1 wait"),
        ("HINCRBY ~stats under_way 1".to_owned(), "stats says under_way=1, but 0 wait"),
        (
            format!("DEL ~waiters:{hot}"),
            "says that more jobs wait for it, but waiters:url:https://h/hot is not there",
        ),
        (format!("HDEL ~pending {hot}"), "entries of waiters:url:https://h/hot: they would wait for ever"),
        (
            format!("RENAME ~waiters:{hot} ~waiters:b99:7"),
            "entries of waiters:b99:7: they would wait for ever",
        ),
        (format!("RENAME ~waiters:{hot} ~waiters:covered:99"), "nothing leads to the "),
        (
            format!("RENAME ~waiters:{hot} ~waiters:{a}"),
            "says that no more jobs wait for it, but waiters:url:https://h/a is there",
        ),
        (format!("RPUSH ~waiters:{hot} nonsense"), "holds \"nonsense\", which is no job"),
    ]
}

/// Damage to batches.
pub(crate) fn to_batches() -> Cases {
    let leased = url("leased");
    vec![
        ("ZREM ~leases LEASED".to_owned(), "batch LEASED is Some(\"leased\") but stands in"),
        ("ZADD ~polls 5 LEASED".to_owned(), "batch LEASED is Some(\"leased\") but stands in"),
        ("LPUSH ~ready LEASED".to_owned(), "batch LEASED is Some(\"leased\") but stands in"),
        ("DEL ~ready".to_owned(), "is Some(\"ready\") but stands in"),
        ("DEL ~polls".to_owned(), "is Some(\"submitted\") but stands in"),
        (
            "DEL ~batch:LEASED".to_owned(),
            "batch LEASED is leased, ready or asked about, but its record is gone",
        ),
        ("HDEL ~batch:LEASED state".to_owned(), "batch LEASED is None but stands in"),
        ("ZADD ~polls 5 b77".to_owned(), "batch b77 is leased, ready or asked about, but its record is gone"),
        ("RPUSH ~ready b77".to_owned(), "batch b77 is leased, ready or asked about, but its record is gone"),
        ("HDEL ~batch:LEASED 1".to_owned(), "says open=Some(\"1\") and holds 0 items"),
        ("HSET ~batch:LEASED open 7".to_owned(), "says open=Some(\"7\") and holds 1 items"),
        ("HSET ~batch:LEASED 1 nonsense".to_owned(), "expected a record and item="),
        (format!("HSET ~batch:LEASED 1 jobs={},item={leased}", id("leased")), "expected a record and item="),
        (format!("HDEL ~inflight {leased}"), "but inflight does not say so"),
        (
            "HSET ~inflight url:https://h/nobody b7".to_owned(),
            "inflight says that batch b7 holds url:https://h/nobody",
        ),
        (format!("HSET ~inflight {leased} LEASED,b99"), "inflight says that batch b99 holds"),
    ]
}

/// Damage to jobs and to what they hear.
pub(crate) fn to_jobs() -> Cases {
    let (waits, done) = (id("waits"), id("done"));
    vec![
        (format!("HINCRBY ~job:{waits} succeeded 1"), "4 items were enqueued, but 1 have settled and 4 wait"),
        (format!("HINCRBY ~job:{waits} enqueued 1"), "5 items were enqueued"),
        (
            format!("HINCRBY ~job:{waits} enqueued -1"),
            "3 of 4 items were enqueued and submitting does not name it",
        ),
        (format!("HINCRBY ~job:{waits} items -1"), "4 items were enqueued, more than its 3"),
        (format!("HSET ~job:{waits} state failed"), "is \"failed\" here, but its counters mean active"),
        (format!("HSET ~job:{done} state active"), "is \"active\" here, but its counters mean succeeded"),
        (format!("DEL ~job:{waits}"), "4 items wait for job"),
        (format!("HSET purgeline:v1:job:{waits} state failed"), "is failed but its parts are active"),
        (format!("HSET purgeline:v1:job:{done} state active"), "is active but its parts are succeeded"),
        ("RPUSH ~settling nonsense".to_owned(), "settling holds \"nonsense\""),
        ("HINCRBY ~stats announced 2".to_owned(), "stats says that 2 items are announced"),
        ("XADD ~outbox * what part_ended job nonsense".to_owned(), "can be carried by nobody: "),
        (
            "DEL ~outbox ; XADD ~outbox 17-1 what held name paused".to_owned(),
            "outbox 17-1 waits for somebody to carry it",
        ),
    ]
}
