//! Running one case.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use purgeline_core::JobRequest;
use purgeline_producer::Accept;
use purgeline_sim::{CallKind, CallRecord, Sim};
use serde_json::json;

use super::{
    case::Case,
    report::{CaseReport, Row},
};
use crate::{
    process::Process,
    trial_dir::{self, TrialDir},
};

const WORKERS: usize = 4;
/// A worker leaves, and another joins, this often.
const CHURN: Duration = Duration::from_secs(2);
/// The log is looked at this often.
const LOOK: Duration = Duration::from_millis(100);
/// URLs of one job.
const JOB_URLS: u64 = 10_000;
/// A dead worker's items go out again after this long, as at the end of a short backlog they must.
const LEASE_MS: u64 = 5_000;

/// The worker processes of a case.
struct WorkerPool<'a> {
    trial_dir: &'a TrialDir,
    redis_url: &'a str,
    running: Vec<Process>,
    joined: usize,
    terminated: usize,
    killed: usize,
}

pub(super) async fn run(case: &Case) -> Result<CaseReport> {
    let sim = case.account.start().await?;
    let targets = json!({ "cdn": case.account.target(&sim) });
    let trial_dir = TrialDir::new("limits", 5_000, &json!({ "lease_ms": LEASE_MS }), &targets)?;
    let redis = trial_dir.redis().await?;
    let producer = trial_dir::producer(trial_dir.config(), redis.url())?;
    for from in (0..case.backlog).step_by(usize::try_from(JOB_URLS)?) {
        let urls = (from..case.backlog.min(from + JOB_URLS))
            .map(|number| format!("https://www.example.com/{number:07}"))
            .collect();
        producer.submit(&JobRequest { urls, ..JobRequest::default() }, Accept::Whole).await?;
    }
    let mut pool = WorkerPool {
        trial_dir: &trial_dir,
        redis_url: redis.url(),
        running: Vec::new(),
        joined: 0,
        terminated: 0,
        killed: 0,
    };
    for _ in 0..WORKERS {
        pool.join()?;
    }
    let worked = pool.work_off(case, &sim).await;
    if let Err(error) = worked {
        let dir = trial_dir.keep();
        return Err(error.context(format!("see the workers' logs in {}", dir.display())));
    }
    let (joined, terminated, killed) = (pool.joined, pool.terminated, pool.killed);
    for worker in pool.running {
        worker.terminate().await?;
    }
    Ok(measure(case, &sim, (joined, terminated, killed)))
}

impl WorkerPool<'_> {
    fn join(&mut self) -> Result<()> {
        self.joined += 1;
        let worker = self.trial_dir.worker(&format!("worker-{}", self.joined), self.redis_url)?;
        self.running.push(worker);
        Ok(())
    }

    /// Waits until every item of the backlog has arrived at least once.
    async fn work_off(&mut self, case: &Case, sim: &Sim) -> Result<()> {
        let patience = Duration::from_millis(4 * case.worth * case.binding.window_ms);
        let (begun, mut turned) = (Instant::now(), Instant::now());
        while sim.log().stats().items_distinct < case.backlog {
            if begun.elapsed() > patience {
                bail!("{} of {} items have arrived", sim.log().stats().items_distinct, case.backlog);
            }
            for worker in &mut self.running {
                if let Some(status) = worker.ended()? {
                    bail!("a worker ended by itself, with {status}");
                }
            }
            if case.churn && turned.elapsed() >= CHURN {
                turned = Instant::now();
                self.turn_over().await?;
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// The oldest leaves, another joins.
    async fn turn_over(&mut self) -> Result<()> {
        let worker = self.running.remove(0);
        self.join()?;
        if self.terminated > self.killed {
            self.killed += 1;
            worker.kill().await
        } else {
            self.terminated += 1;
            worker.terminate().await
        }
    }
}

fn measure(case: &Case, sim: &Sim, (joined, terminated, killed): (usize, usize, usize)) -> CaseReport {
    let log = sim.log();
    let of_kind =
        |kind: CallKind| log.calls().iter().map(AsRef::as_ref).filter(move |call| call.kind == kind);
    let refused = |call: &&CallRecord| call.limited || call.refused() > 0;
    let rows = case.limits.iter().map(|&(kind, limit)| Row {
        kind,
        limit,
        worst: limit.worst(of_kind(kind)),
        used: (limit == case.binding && kind == CallKind::Purge)
            .then(|| limit.used(of_kind(kind), case.worth))
            .flatten(),
        binding: limit == case.binding && kind == CallKind::Purge,
    });
    CaseReport {
        provider: case.provider,
        title: case.title.clone(),
        rows: rows.collect(),
        refusals: log.calls().iter().map(AsRef::as_ref).filter(refused).count(),
        calls: of_kind(CallKind::Purge).count(),
        items: log.stats().items_asked,
        workers_joined: joined,
        workers_terminated: terminated,
        workers_killed: killed,
    }
}
