//! What each test stands on: a redis-server of its own, a clock that is turned by hand, and
//! short ways to say who asks for what.

use jiff::{SignedDuration, Timestamp};
use purgeline_core::config::{Durability, RedisConfig};
use purgeline_core::{
    Cause, Class, Clock, Item, JobId, Kind, Lane, Limits, ManualClock, PartCounts, Priority, Receipt, Target,
};
use purgeline_queue::{
    Chunk, Enqueued, Lease, LeasePolicy, LeasedBatch, NewJob, Queue, QueueError, Quiet, Retention,
    Settlement, Timing,
};
use purgeline_redis_server::RedisServer;
use redis::AsyncTypedCommands;
use std::{any::Any, collections::BTreeMap, num::NonZeroU32, path::Path};

/// A day and two weeks, as in the default configuration.
pub(crate) const RETENTION: Retention = Retention {
    succeeded_ms: 86_400_000,
    failed_ms: 1_209_600_000,
    max_dead_letters: 10_000,
    max_jobs: 1_000_000,
    max_events: 10_000,
    history_ms: 604_800_000,
    max_history: 100_000,
};
/// How long a leased batch belongs to its worker, in ms.
pub(crate) const LEASE_MS: u64 = 60_000;
/// How long a part-full chunk waits for company, in ms.
pub(crate) const LINGER_MS: u64 = 100;
pub(crate) const ROOM: u64 = 1_000_000;

pub(crate) struct Bed {
    redis: Box<dyn Any + Send + Sync>,
    pub(crate) queue: Queue,
    pub(crate) clock: ManualClock,
    pub(crate) target: Target,
}

impl Bed {
    pub(crate) async fn new() -> Self {
        Self::on(RedisServer::for_test().option("appendonly", "no").start().await.unwrap())
    }

    pub(crate) fn on(server: RedisServer) -> Self {
        let queue = open(&server);
        Self::over(server, queue)
    }

    /// On a queue in whatever this is.
    pub(crate) fn over(redis: impl Any + Send + Sync, queue: Queue) -> Self {
        let clock = ManualClock::new(Timestamp::from_millisecond(1_763_700_000_000).unwrap());
        let queue = queue.with_clock(clock.clone());
        let target = Target::alone("www".parse().unwrap());
        Self { redis: Box::new(redis), queue, clock, target }
    }

    /// What the queue is in.
    pub(crate) fn redis<T: 'static>(&self) -> &T {
        self.redis.downcast_ref().unwrap()
    }

    pub(crate) fn pass(&self, ms: i64) {
        self.clock.advance(SignedDuration::from_millis(ms));
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.now().as_millisecond()
    }

    /// Submits a job of these items to the target.
    pub(crate) async fn ask(&self, name: &str, items: &[&str]) -> Enqueued {
        self.ask_as(Priority::Normal, name, items).await
    }

    pub(crate) async fn ask_as(&self, priority: Priority, name: &str, items: &[&str]) -> Enqueued {
        let items = items.iter().map(|item| (item.to_string(), lane(priority, item).to_string()));
        self.ask_lanes(priority, name, &items.collect::<Vec<_>>()).await
    }

    /// Submits a job that says when its items go.
    pub(crate) async fn ask_timed(&self, timing: Timing, name: &str, items: &[&str]) -> Enqueued {
        self.ask_timed_as(Priority::Normal, timing, name, items).await
    }

    pub(crate) async fn ask_timed_as(
        &self,
        priority: Priority,
        timing: Timing,
        name: &str,
        items: &[&str],
    ) -> Enqueued {
        let items = items.iter().map(|item| (item.to_string(), lane(priority, item).to_string()));
        self.submit(priority, name, &items.collect::<Vec<_>>(), timing).await
    }

    pub(crate) async fn ask_lanes(
        &self,
        priority: Priority,
        name: &str,
        items: &[(String, String)],
    ) -> Enqueued {
        self.submit(priority, name, items, Timing::default()).await
    }

    async fn submit(
        &self,
        priority: Priority,
        name: &str,
        items: &[(String, String)],
        timing: Timing,
    ) -> Enqueued {
        let names: Vec<_> = items.iter().take(100).map(|(name, _)| name.as_str()).collect();
        self.create_of(name, items.len(), &names.join("\n"), timing).await;
        let chunk = Chunk { priority, timing, ..chunk(name, items) };
        self.queue.produce().enqueue(&self.target, &chunk, ROOM).await.unwrap()
    }

    /// Writes a job without its items.
    pub(crate) async fn create(&self, name: &str, items: usize) {
        self.create_of(name, items, "", Timing::default()).await;
    }

    async fn create_of(&self, name: &str, items: usize, first_items: &str, timing: Timing) {
        let job = NewJob {
            id: id(name),
            digest: name.to_owned(),
            targets: vec![(self.target.name.clone(), items as u64)],
            items: items as u64,
            first_items: first_items.to_owned(),
            priority: Priority::Normal,
            source: None,
            timing,
        };
        self.queue.produce().create_job(&job).await.unwrap();
    }

    /// One chunk of many.
    pub(crate) async fn chunk(
        &self,
        name: &str,
        (index, chunks, job_items): (usize, usize, usize),
        items: &[&str],
        room: u64,
    ) -> Result<Enqueued, QueueError> {
        let items: Vec<_> =
            items.iter().map(|item| (item.to_string(), lane(Priority::Normal, item).to_string())).collect();
        let chunk = Chunk { index, chunks, job_items, ..chunk(name, &items) };
        self.queue.produce().enqueue(&self.target, &chunk, room).await
    }

    pub(crate) async fn lease(&self, policy: &LeasePolicy) -> Lease {
        self.queue.work().lease(&self.target, "w1", policy).await.unwrap()
    }

    pub(crate) async fn batch(&self, policy: &LeasePolicy) -> LeasedBatch {
        self.batch_of(&self.target, policy).await
    }

    /// Another target's next batch.
    pub(crate) async fn batch_of(&self, target: &Target, policy: &LeasePolicy) -> LeasedBatch {
        match self.queue.work().lease(target, "w1", policy).await.unwrap() {
            Lease::Batch(batch) => batch,
            Lease::Wait { after, why } => panic!("expected a batch, came: wait {after:?} {why}"),
        }
    }

    /// Why nothing may go, and the ms until it is worth asking again.
    pub(crate) async fn wait(&self, policy: &LeasePolicy) -> (String, Option<u64>) {
        match self.lease(policy).await {
            Lease::Wait { after, why } => (why, after.map(|after| after.as_millis().try_into().unwrap())),
            Lease::Batch(batch) => panic!("expected to wait, came: {batch:?}"),
        }
    }

    /// Settles all items of a batch alike.
    pub(crate) async fn settle(&self, batch: &LeasedBatch, settlement: &Settlement) -> u64 {
        let outcomes: Vec<_> = batch.items.iter().map(|item| (item.index, settlement.clone())).collect();
        self.settle_some(&batch.id, &outcomes).await
    }

    pub(crate) async fn settle_some(&self, batch: &str, outcomes: &[(u32, Settlement)]) -> u64 {
        self.queue.work().settle(&self.target, batch, outcomes, &RETENTION).await.unwrap().items
    }

    pub(crate) async fn submitted(&self, batch: &LeasedBatch, first_poll_ms: u64) -> bool {
        let receipt = Receipt(format!("receipt-{}", batch.id));
        self.queue.work().submitted(&self.target, &batch.id, "w1", &receipt, first_poll_ms).await.unwrap()
    }

    /// A job's counters at the target.
    pub(crate) async fn counts(&self, name: &str) -> PartCounts {
        let job =
            self.queue.inspect().job(id(name), std::slice::from_ref(&self.target)).await.unwrap().unwrap();
        job.parts[&self.target.name].counts
    }

    /// How many of a job's items succeeded and failed.
    pub(crate) async fn ended(&self, name: &str) -> (u64, u64) {
        let counts = self.counts(name).await;
        (counts.succeeded, counts.failed)
    }

    /// The jobs that wait in an item's pending record, by the names they were submitted under.
    pub(crate) async fn waiting(&self, item: &str, jobs: &[&str]) -> Option<Vec<String>> {
        let (item, action) = Item::from_name(item).unwrap();
        let record = self.queue.inspect().pending_item(&self.target, &item, action).await.unwrap()?.record;
        let names: BTreeMap<_, _> = jobs.iter().map(|name| (id(name), *name)).collect();
        Some(record.jobs.iter().map(|job| names[job].to_owned()).collect())
    }

    pub(crate) async fn lane_of(&self, item: &str) -> String {
        let (item, action) = Item::from_name(item).unwrap();
        let record =
            self.queue.inspect().pending_item(&self.target, &item, action).await.unwrap().unwrap().record;
        record.lane.to_string()
    }

    pub(crate) async fn pending(&self) -> u64 {
        self.queue.inspect().stats(&self.target).await.unwrap().pending
    }

    pub(crate) async fn counter(&self, name: &str) -> u64 {
        self.queue
            .inspect()
            .stats(&self.target)
            .await
            .unwrap()
            .counters
            .get(name)
            .copied()
            .unwrap_or_default()
    }

    /// Nothing in Redis breaks the invariants.
    pub(crate) async fn check(&self) {
        let found = self.queue.audit().verify(std::slice::from_ref(&self.target)).await.unwrap();
        assert!(found.is_empty(), "{}", found.iter().map(|v| format!("{v}\n")).collect::<String>());
    }

    pub(crate) async fn key_exists(&self, what: &str) -> bool {
        self.queue
            .manager()
            .exists(format!("{}:{what}", self.queue.keys().target(&self.target)))
            .await
            .unwrap()
    }
}

/// The queue on a server, with the patience that a loaded machine needs.
pub(crate) fn open(server: &RedisServer) -> Queue {
    Queue::new(&server.url().into(), &config(server.dir(), 60_000)).unwrap()
}

pub(crate) fn config(data_dir: &Path, timeout_ms: u64) -> RedisConfig {
    RedisConfig {
        url: None,
        data_dir: data_dir.to_owned(),
        timeout_ms,
        durability: Durability::Everysec,
        replicas: count(1),
        replication_timeout_ms: 1_000.try_into().unwrap(),
    }
}

pub(crate) fn id(name: &str) -> JobId {
    JobId::from_idempotency_key(name)
}

/// A job's only chunk.
pub(crate) fn chunk<'a>(name: &str, items: &'a [(String, String)]) -> Chunk<'a> {
    Chunk {
        job: id(name),
        index: 0,
        chunks: 1,
        job_items: items.len(),
        priority: Priority::Normal,
        source: "test",
        timing: Timing::default(),
        items,
    }
}

/// Waits for quiet.
pub(crate) fn quiet(quiet_ms: u64, max_wait_ms: u64) -> Timing {
    Timing { quiet: Some(Quiet { quiet_ms, max_wait_ms }), ..Timing::default() }
}

pub(crate) fn not_before(ms: i64) -> Timing {
    Timing { not_before_ms: Some(ms), ..Timing::default() }
}

pub(crate) fn expires_at(ms: i64) -> Timing {
    Timing { expires_at_ms: Some(ms), ..Timing::default() }
}

/// The lane of an item at a target that does not bound the hosts of a call.
pub(crate) fn lane(priority: Priority, item: &str) -> Lane {
    let (item, action) = Item::from_name(item).unwrap();
    Lane { priority, kind: item.kind(), action, host: None }
}

/// The lane of an item at a target that bounds them.
pub(crate) fn host_lane(priority: Priority, item: &str) -> Lane {
    let (parsed, _) = Item::from_name(item).unwrap();
    Lane { host: parsed.authority().map(str::to_owned), ..lane(priority, item) }
}

pub(crate) fn url(path: impl std::fmt::Display) -> String {
    format!("url:https://h/{path}")
}

pub(crate) fn dir(path: impl std::fmt::Display) -> String {
    format!("dir:https://h/{path}")
}

pub(crate) fn count(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

/// Three items a call, of one kind, ten calls at once, no rates.
pub(crate) fn limits() -> Limits {
    Limits {
        call: purgeline_core::CallLimits {
            max_items: count(3),
            max_of_kind: BTreeMap::from([(Kind::Url, count(3)), (Kind::Dir, count(2))]),
            mix_kinds: false,
            max_hosts: None,
            max_bytes: None,
        },
        rates: Vec::new(),
        max_in_flight: count(10),
        max_tasks: None,
        quotas: Vec::new(),
    }
}

/// The policy of limits that start as [`limits`].
pub(crate) fn policy(change: impl FnOnce(&mut Limits)) -> LeasePolicy {
    let mut limits = limits();
    change(&mut limits);
    LeasePolicy::new(&limits, LINGER_MS, LEASE_MS, 0)
}

pub(crate) fn plain() -> LeasePolicy {
    policy(|_| ())
}

pub(crate) fn names(batch: &LeasedBatch) -> Vec<String> {
    batch.items.iter().map(|item| item.item.name(item.action)).collect()
}

pub(crate) fn cause(code: &str) -> Cause {
    Cause::new(Class::Soon, code, format!("the provider said {code}"))
}

pub(crate) fn failed(code: &str) -> Settlement {
    Settlement::Failed(cause(code))
}

pub(crate) fn retry(after_ms: u64) -> Settlement {
    Settlement::Retry { after_ms, cause: cause("http-503") }
}
