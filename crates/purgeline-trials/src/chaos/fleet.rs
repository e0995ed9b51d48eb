//! Everything that takes part in a fault run: processes, their ways to Redis, the simulators.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex as StdMutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::{Context, Result};
use purgeline_core::Target;
use purgeline_queue::Queue;
use purgeline_redis_server::RedisServer;
use serde_json::{Value, json};
use tokio::{process::Command, sync::Mutex};

use super::{
    accounts::{self, ACCOUNTS, SimAccount},
    plan::FleetSize,
};
use crate::{
    process::Process,
    proxy::{Late, Proxy},
    trial_dir::{self, TrialDir},
};

/// A worker or a producer: its way to Redis, and its process if it is up.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) proxy: Proxy,
    /// Held by the fault that is at it: on a busy machine the plan's times run into one another,
    /// and a process that is stopped must be continued before it is told to end.
    pub(super) turn: Mutex<()>,
    pub(super) process: Mutex<Option<Process>>,
    starts: AtomicUsize,
}

#[derive(Debug)]
pub(super) struct Fleet {
    pub(super) trial_dir: TrialDir,
    seed: u64,
    pause_ms: u64,
    pub(super) redis: Mutex<RedisServer>,
    pub(super) workers: Vec<Slot>,
    pub(super) producers: Vec<Slot>,
    pub(super) sim_accounts: Vec<SimAccount>,
    /// The queue by a way of our own, and its targets.
    pub(super) queue: Queue,
    pub(super) targets: Vec<Target>,
    troubles: StdMutex<Vec<String>>,
}

/// Between two lives of a wire: shorter than in production, so that answers are given up and leases
/// run out within seconds.
const REDIS_TIMEOUT_MS: u64 = 1_000;

impl Fleet {
    /// Sets everything up; no worker and no producer runs yet.
    pub(super) async fn new(seed: u64, pause_ms: u64, size: FleetSize) -> Result<Self> {
        let mut sim_accounts = Vec::new();
        for account in &ACCOUNTS {
            sim_accounts.push(SimAccount::start(account).await?);
        }
        let targets = accounts::targets(&sim_accounts);
        let worker = json!({
            "lease_ms": size.lease_ms,
            "shutdown_grace_ms": 10_000,
            // Everything runs on one machine, mostly without optimisation.
            "headroom_ms": 300,
        });
        let trial_dir = TrialDir::new("chaos", REDIS_TIMEOUT_MS, &worker, &targets)?;
        let redis = trial_dir.redis().await?;
        let address = trial_dir::redis_address(&redis)?;
        let mut slots = [Vec::new(), Vec::new()];
        for (slots, count) in slots.iter_mut().zip([size.workers, size.producers]) {
            for _ in 0..count {
                let proxy = Proxy::start(address, Late::Deliver).await?;
                slots.push(Slot {
                    proxy,
                    turn: Mutex::default(),
                    process: Mutex::default(),
                    starts: AtomicUsize::new(0),
                });
            }
        }
        let [workers, producers] = slots;
        let queue = Queue::open(redis.url())?;
        let targets = sim_accounts
            .iter()
            .map(|account| Ok(Target::alone(account.account.name.parse()?)))
            .collect::<Result<_>>()?;
        Ok(Self {
            trial_dir,
            seed,
            pause_ms,
            redis: Mutex::new(redis),
            workers,
            producers,
            sim_accounts,
            queue,
            targets,
            troubles: StdMutex::default(),
        })
    }

    /// Records what must not be.
    pub(super) fn trouble(&self, what: String) {
        eprintln!("!! {what}");
        // A list of texts is whole after any panic.
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    pub(super) fn troubles(&self) -> Vec<String> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Starts a worker that is not up.
    pub(super) async fn start_worker(&self, at: usize) -> Result<()> {
        let slot = &self.workers[at];
        let mut process = slot.process.lock().await;
        if process.is_none() {
            // No two may share a name.
            let name = format!("worker-{at}.{}", slot.starts.fetch_add(1, Ordering::Relaxed));
            *process = Some(self.trial_dir.worker(&name, &trial_dir::redis_url(slot.proxy.address()))?);
        }
        Ok(())
    }

    /// Starts a producer that is not up.
    pub(super) async fn start_producer(&self, at: usize) -> Result<()> {
        let mut process = self.producers[at].process.lock().await;
        if process.is_none() {
            *process = Some(self.producer(at, false)?);
        }
        Ok(())
    }

    /// A producer's process; one that only finishes what it had begun.
    pub(super) fn producer(&self, at: usize, finish: bool) -> Result<Process> {
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        let mut command = Command::new(program);
        command
            .arg("produce")
            .args(["--redis", &trial_dir::redis_url(self.producers[at].proxy.address())])
            .arg("--config")
            .arg(self.trial_dir.config())
            .arg("--journal")
            .arg(self.trial_dir.dir().join(format!("producer-{at}.jsonl")))
            .args(["--seed", &self.seed.to_string()])
            .args(["--producer", &at.to_string()])
            .args(["--pause-ms", &self.pause_ms.to_string()]);
        if finish {
            command.arg("--finish");
        }
        let name = format!("producer-{at}");
        Process::start(&name, &mut command, &self.trial_dir.dir().join(format!("{name}.log")))
    }

    /// Notes processes that ended though nobody asked them to, and starts them again.
    pub(super) async fn look_after(&self) -> Result<()> {
        for (what, slots) in [("worker", &self.workers), ("producer", &self.producers)] {
            for (at, slot) in slots.iter().enumerate() {
                let ended = match slot.process.lock().await.as_mut() {
                    Some(process) => process.ended()?,
                    None => None,
                };
                let Some(status) = ended else { continue };
                self.trouble(format!("{what} {at} ended by itself, with {status}; see its log"));
                *slot.process.lock().await = None;
                if what == "worker" { self.start_worker(at).await? } else { self.start_producer(at).await? }
            }
        }
        Ok(())
    }

    /// The statistics of each target, as JSON; an error while Redis is away.
    pub(super) async fn stats(&self) -> Result<BTreeMap<String, Value>> {
        let mut by_target = BTreeMap::new();
        for target in &self.targets {
            let stats = self.queue.inspect().stats(target).await?;
            by_target.insert(target.name.to_string(), serde_json::to_value(stats)?);
        }
        Ok(by_target)
    }
}
