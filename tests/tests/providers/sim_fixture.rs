//! A simulator, an environment and a worker in one time that the test turns.

use purgeline_core::{Item, JobId, JobOptions, JobRequest, JobState, Kind, Resource, config::WorkerConfig};
use purgeline_producer::Accept;
use purgeline_queue::{DeadLetter, Hold, Job};
use purgeline_sim::{CallKind, CallRecord, FaultPlan, FaultRule, Options, Sim};
use purgeline_tests::{
    Clocks, PATIENCE, ProviderCase, RETENTION, RunningWorker, TestEnv, merge, provider_case::Way, target,
    worker_config,
};
use purgeline_worker::Worker;
use redis::AsyncTypedCommands;
use serde_json::{Map, Value, json};
use std::{
    num::NonZeroU64,
    sync::Arc,
    time::{Duration, Instant},
};

/// 15.5 hours before the next day in UTC+8.
const MORNING: &str = "2026-01-02T00:30:00Z";

/// How long a batch belongs to its worker, in ms: longer than any test's time.
const LEASE_MS: u64 = 1_000_000_000;

/// A provider under test.
pub(crate) struct SimFixture {
    pub(crate) provider: &'static ProviderCase,
    pub(crate) sim: Sim,
    pub(crate) env: TestEnv,
    pub(crate) clocks: Clocks,
    /// By how much time moves on at once.
    pub(crate) step: Duration,
    /// So many steps at once where nothing is under way for long. One, where windows are looked at: a
    /// call that is granted meanwhile arrives that much later.
    pub(crate) hurry: u32,
    workers: Vec<RunningWorker>,
}

/// Where items wait and calls are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QueueCounts {
    pub(crate) pending: u64,
    pub(crate) in_flight: u64,
    /// Halves of split batches that wait to be leased.
    pub(crate) ready: u64,
    pub(crate) open: u64,
}

impl SimFixture {
    /// `account` is merged into the provider's simulated account, `config` into its target, neither
    /// of which has limits over time. A worker is at work.
    pub(crate) async fn start(provider: &'static ProviderCase, account: Value, config: Value) -> Self {
        let mut of_account = (provider.account)();
        merge(&mut of_account, account);
        let asks = provider.rows.iter().flat_map(|row| row.poll).any(|way| !matches!(way, Way::Never(_)));
        let mut of_target = if asks { json!({ "settings": { "polls": polls() } }) } else { json!({}) };
        of_target["limits"] = lifted(provider);
        merge(&mut of_target, config);
        let mut fixture = Self::set(provider, of_account, of_target).await;
        fixture.work(50);
        fixture
    }

    /// For this simulated account and target; nobody is at work yet.
    pub(crate) async fn set(provider: &'static ProviderCase, account: Value, config: Value) -> Self {
        let clocks = Clocks::at(MORNING);
        let options = Options::with_clock(clocks.sim.clone());
        let sim = purgeline_sim::start(provider.sim, options, account).await.unwrap();
        let mut of_target = json!({
            "provider": provider.registry_name,
            "hosts": ["*.example.com"],
            "retry_initial_ms": 20,
            "retry_max_ms": 200,
        });
        merge(&mut of_target, config);
        // The simulator's address is known by now.
        merge(&mut of_target["settings"], (provider.settings)(sim.base_url()));
        let env = TestEnv::timed(vec![target("cdn", of_target)], &clocks).await;
        let fixture = Self {
            provider,
            sim,
            env,
            clocks,
            step: Duration::from_millis(20),
            hurry: 10,
            workers: Vec::new(),
        };
        fixture.behave();
        fixture
    }

    /// Has one more worker start. `headroom_ms`: by how much it keeps windows longer than the provider.
    pub(crate) fn work(&mut self, headroom_ms: u64) {
        let config = WorkerConfig {
            lease_ms: NonZeroU64::new(LEASE_MS).unwrap(),
            // Time may have moved on far meanwhile.
            idle_poll_ms: NonZeroU64::new(5).unwrap(),
            headroom_ms,
            ..worker_config()
        };
        let (queue, targets) = (self.env.queue.clone(), self.env.targets.clone());
        let name = format!("w{}", self.workers.len() + 1);
        let worker = Worker::new(queue.work(), targets, config, RETENTION, name);
        self.workers.push(RunningWorker::run(worker.with_clock(Arc::new(self.clocks.queue.clone()))));
    }

    /// Everything has ended, and nothing in Redis breaks an invariant.
    pub(crate) async fn end(self) {
        self.env.at_rest().await;
        for worker in self.workers {
            worker.stop().await;
        }
    }

    // === the simulator ===

    /// It does this, and what it does for the provider anyway.
    pub(crate) fn misbehave(&self, rules: Vec<FaultRule>) {
        let rules = rules.into_iter().chain((self.provider.plays)()).collect();
        self.sim.set_faults(FaultPlan { seed: 0, rules }).unwrap();
    }

    pub(crate) fn behave(&self) {
        self.misbehave(Vec::new());
    }

    /// The calls that purge, in order of arrival.
    pub(crate) fn purges(&self) -> Vec<Arc<CallRecord>> {
        self.sim.log().of_kind(self.provider.purges).cloned().collect()
    }

    /// The calls that carry an item.
    pub(crate) fn carrying(&self, item: &Item) -> Vec<Arc<CallRecord>> {
        self.purges().into_iter().filter(|call| self.provider.carries(call, item)).collect()
    }

    /// Whether a call met with a fault that the test has ordered.
    pub(crate) fn is_struck(&self, call: &CallRecord) -> bool {
        let plays = self.provider.purges == CallKind::Other && call.code() == Some("http 200");
        call.fault.is_some() && !plays
    }

    // === jobs ===

    pub(crate) async fn submit(&self, items: &[Item]) -> JobId {
        let texts = |kind| {
            let of_kind = items.iter().filter(move |item| item.kind() == kind);
            of_kind.map(|item| item.text().to_owned()).collect::<Vec<_>>()
        };
        let request = JobRequest {
            urls: texts(Kind::Url),
            dirs: texts(Kind::Dir),
            resources: texts(Kind::Resource).iter().map(|text| resource(text)).collect(),
            options: JobOptions { targets: vec![self.env.target().name.clone()], ..JobOptions::default() },
        };
        self.env.producer.submit(&request, Accept::Whole).await.unwrap().job
    }

    /// Lets time pass until the job has ended.
    pub(crate) async fn ended(&self, id: JobId) -> Job {
        self.pass_until(&format!("job {id} ends"), async || {
            let job = self.env.job(id).await;
            (job.state != JobState::Active).then_some(job)
        })
        .await
    }

    /// Items of the job that have succeeded and failed.
    pub(crate) async fn counts(&self, id: JobId) -> (u64, u64) {
        let job = self.env.job(id).await;
        let counts = job.parts[&self.env.target().name].counts;
        (counts.succeeded, counts.failed)
    }

    pub(crate) async fn dead_letters(&self) -> Vec<DeadLetter> {
        self.env.queue.inspect().dead_letters(self.env.target(), 10_000).await.unwrap()
    }

    /// What is held now.
    pub(crate) async fn holds(&self) -> Vec<Hold> {
        self.env.queue.inspect().holds(self.env.target()).await.unwrap()
    }

    /// Until when an item waits by itself, in ms since 1970, and the code why; `None` if it does
    /// not wait, or may go.
    pub(crate) async fn due(&self, item: &Item) -> Option<(i64, String)> {
        let action = purgeline_core::Action::Default;
        let waits = self.env.queue.inspect().pending_item(self.env.target(), item, action).await.unwrap()?;
        Some((waits.record.due_ms?, waits.record.cause.unwrap_or_default()))
    }

    pub(crate) async fn is_in_batch(&self, item: &Item) -> bool {
        let action = purgeline_core::Action::Default;
        self.env.queue.inspect().batch_of(self.env.target(), item, action).await.unwrap().is_some()
    }

    // === time ===

    /// Milliseconds since 1970.
    pub(crate) fn now_ms(&self) -> i64 {
        purgeline_core::Clock::now(&self.clocks.queue).as_millisecond()
    }

    pub(crate) fn jump_to(&self, ms: i64) {
        if let Ok(ahead) = u64::try_from(ms - self.now_ms()) {
            self.advance(Duration::from_millis(ahead));
        }
    }

    /// Turns time on to the end of a rest that the provider asked for, if it did.
    pub(crate) async fn skip_rest(&self) {
        while !self.is_still().await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let throttled = self.holds().await.into_iter().find(|hold| hold.name == "throttled");
        if let Some(until) = throttled.and_then(|hold| hold.until_ms) {
            self.jump_to(until - 100);
        }
    }

    /// The simulator first: a call that is granted in the new time must not arrive in the old one.
    fn advance(&self, by: Duration) {
        self.clocks.sim.advance(by);
        self.clocks.queue.advance(jiff::SignedDuration::try_from(by).unwrap());
    }

    /// Lets time pass, step by step, until there is an answer. It stands still while a call is
    /// under way: so a call arrives at most one step after it was granted, however slow the machine.
    /// Where nothing is under way for long, as in a hold of minutes, the steps are ten times as long.
    pub(crate) async fn pass_until<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let begun = Instant::now();
        let mut still = 0;
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "it never came that {what}: {:?}, {:?}",
                self.queue_counts().await,
                self.holds().await
            );
            if self.is_still().await {
                still += 1;
                self.advance(if still > 500 { self.step * self.hurry } else { self.step });
            } else {
                still = 0;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Waits for a state without a step of time.
    pub(crate) async fn stand_until<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(begun.elapsed() < PATIENCE, "it never came that {what}: {:?}", self.queue_counts().await);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Whether no call is under way: neither a batch is leased nor a question being asked.
    async fn is_still(&self) -> bool {
        let mut redis = self.env.queue.manager();
        let (keys, target) = (self.env.queue.keys(), self.env.target());
        let leased = redis.zcard(keys.leases(target)).await.unwrap();
        // A batch that is being asked about is due again only when its worker counts as dead.
        let asked_about = self.now_ms() + i64::try_from(LEASE_MS / 2).unwrap();
        leased == 0 && redis.zcount(keys.polls(target), asked_about, "+inf").await.unwrap() == 0
    }

    pub(crate) async fn queue_counts(&self) -> QueueCounts {
        let stats = self.env.stats().await;
        QueueCounts {
            pending: stats.pending,
            in_flight: stats.in_flight,
            ready: stats.ready_batches,
            open: stats.open_batches,
        }
    }
}

/// The rates that the provider declares, so high that they never matter.
fn lifted(provider: &ProviderCase) -> Value {
    let rates = provider.descriptor().limits.rates;
    let rates: Vec<_> = rates
        .iter()
        .map(|rate| json!({ "unit": rate.unit, "max": 1_000_000, "window_ms": rate.window_ms }))
        .collect();
    json!({ "exceed_documented": true, "rates": rates })
}

/// Questions soon and often, until long after any test has ended.
fn polls() -> Value {
    json!({ "first_ms": 20, "then_ms": 20, "max_ms": 100, "deadline_ms": 1_000_000_000 })
}

/// A resource from its canonical JSON.
fn resource(text: &str) -> Resource {
    let mut params: Map<String, Value> = serde_json::from_str(text).unwrap();
    let Some(Value::String(title)) = params.remove("resource_title") else { panic!("no title: {text}") };
    Resource { title, params }
}
