//! When no more goes wrong: everything is worked off, and what is left is taken down.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{
    evidence::{AccountLog, Evidence, FinalJob, FinalLetter, Finals},
    fleet::Fleet,
    journal::{self, Line},
};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(500);
/// What has not changed for so long stands still. Longer than any wait that the simulators give
/// cause for.
const STANDSTILL: Duration = Duration::from_secs(120);
/// Dead letters that are read.
const MOST_DEAD: usize = 1_000_000;
/// Jobs that are read at once.
const AT_ONCE: usize = 32;

/// Has the producers finish, waits until nothing waits any more, and ends the workers.
pub(super) async fn drain(fleet: &Fleet) -> Result<()> {
    for (at, slot) in fleet.producers.iter().enumerate() {
        let process = slot.process.lock().await.take();
        if let Some(process) = process
            && let Err(error) = process.terminate().await
        {
            fleet.trouble(format!("producer {at} did not stop as told: {error:#}"));
        }
    }
    for at in 0..fleet.producers.len() {
        let mut process = fleet.producer(at, true)?;
        if let Err(error) = process.succeeded().await {
            fleet.trouble(format!("what producer {at} had begun was never accepted: {error:#}"));
        }
    }
    rest(fleet).await?;
    for (at, slot) in fleet.workers.iter().enumerate() {
        let process = slot.process.lock().await.take();
        if let Some(process) = process
            && let Err(error) = process.terminate().await
        {
            fleet.trouble(format!("worker {at} did not stop as told: {error:#}"));
        }
    }
    Ok(())
}

/// Waits until every target is at rest, or nothing has changed for long.
async fn rest(fleet: &Fleet) -> Result<()> {
    let (mut last, mut changed) = (None, Instant::now());
    loop {
        fleet.look_after().await?;
        let stats = fleet.stats().await?;
        if stats.values().all(|target| busy(target) == 0) {
            return Ok(());
        }
        let progress = progress(&stats);
        if last.as_ref() != Some(&progress) {
            (last, changed) = (Some(progress), Instant::now());
        }
        if changed.elapsed() > STANDSTILL {
            fleet.trouble(format!(
                "nothing has ended for {} s: {}",
                STANDSTILL.as_secs(),
                serde_json::to_string_pretty(&stats)?
            ));
            return Ok(());
        }
        sleep(LOOK).await;
    }
}

fn number(stats: &Value, name: &str) -> u64 {
    stats[name].as_u64().unwrap_or_default()
}

/// What waits or is under way at a target.
fn busy(stats: &Value) -> u64 {
    ["pending", "in_batches", "open_batches", "ready_batches", "in_flight", "outbox"]
        .iter()
        .map(|name| number(stats, name))
        .sum()
}

/// What changes when something ends. Sending the same again and again is no progress.
fn progress(stats: &BTreeMap<String, Value>) -> Vec<u64> {
    let of = |stats: &Value| {
        let counters = &stats["counters"];
        [
            number(stats, "pending") + number(stats, "in_batches"),
            number(counters, "jobs_ended"),
            number(counters, "succeeded"),
            number(counters, "failed"),
            number(stats, "outbox"),
        ]
    };
    stats.values().flat_map(of).collect()
}

/// Takes the simulators' logs and the final states down in the run's directory.
pub(super) async fn take_down(fleet: &Fleet) -> Result<()> {
    let mut accounts = BTreeMap::new();
    let mut finals = Finals { troubles: fleet.troubles(), ..Finals::default() };
    for sim_account in &fleet.sim_accounts {
        let name = sim_account.account.name.to_owned();
        let limits = sim_account.account.limits.to_vec();
        let calls = sim_account.sim.log().calls().iter().map(|call| (**call).clone()).collect();
        finals.limits.insert(name.clone(), limits.clone());
        accounts.insert(name, AccountLog { limits, calls, tasks: sim_account.sim.tasks() });
    }
    let mut ids = Vec::new();
    for at in 0..fleet.producers.len() {
        let lines = journal::read(&fleet.trial_dir.dir().join(format!("producer-{at}.jsonl")))?;
        ids.extend(lines.into_iter().filter_map(|line| match line {
            Line::Accepted(accepted) => Some(accepted.job),
            Line::Trying { .. } => None,
        }));
    }
    let mut jobs = stream::iter(ids)
        .map(|id| async move { anyhow::Ok((id, fleet.queue.inspect().job(id, &fleet.targets).await?)) })
        .buffer_unordered(AT_ONCE);
    while let Some((id, job)) = jobs.try_next().await? {
        if let Some(job) = job {
            let job: FinalJob =
                serde_json::from_value(serde_json::to_value(job)?).context("a job as JSON")?;
            finals.jobs.insert(id, job);
        }
    }
    for target in &fleet.targets {
        let letters = fleet.queue.inspect().dead_letters(target, MOST_DEAD).await?;
        let letters = letters.into_iter().map(|letter| FinalLetter {
            item: letter.item,
            code: letter.cause.code,
            jobs: letter.jobs,
            more_jobs: letter.more_jobs,
        });
        finals.dead.insert(target.name.to_string(), letters.collect());
    }
    let violations = fleet.queue.audit().verify(&fleet.targets).await?;
    finals.verify = violations.into_iter().map(|found| format!("{}: {}", found.target, found.what)).collect();
    Evidence::write(fleet.trial_dir.dir(), &accounts, &finals)
}
