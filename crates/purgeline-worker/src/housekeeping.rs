use crate::{CrashPoint, context::TargetContext};
use purgeline_queue::{QueueError, WorkQueue, WorkerInfo};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// How often dead workers' items are looked for, and what they left undone is done.
const PAUSE: Duration = Duration::from_millis(500);
/// Batches taken from dead workers at a time.
const REAPED: usize = 100;
/// Rounds between two looks at what grows slowly: about a minute.
const SLOW_ROUNDS: u32 = 120;

/// How often a worker says that it is alive.
const ALIVE_PAUSE: Duration = Duration::from_secs(10);

/// Says that the worker is alive, until told to end, and then that it is gone.
pub(crate) async fn show_alive(queue: &WorkQueue, mut worker: WorkerInfo, end: &CancellationToken) {
    loop {
        if let Err(error) = queue.worker_seen(&mut worker).await {
            warn!(%error, "this worker cannot say that it is alive");
        }
        if end.run_until_cancelled(tokio::time::sleep(ALIVE_PAUSE)).await.is_none() {
            break;
        }
    }
    if let Err(error) = queue.worker_gone(&worker.name).await {
        warn!(%error, "this worker cannot say that it is gone: it counts as alive for a little");
    }
}

impl TargetContext {
    /// Does what belongs to no batch of this worker, until told to end. Any number of workers may
    /// do it at once. Outlives any outage of Redis.
    pub(crate) async fn keep_house(&self, end: &CancellationToken) {
        let mut round: u32 = 0;
        while end.run_until_cancelled(tokio::time::sleep(PAUSE)).await.is_some() {
            if let Err(error) = self.clean(round.is_multiple_of(SLOW_ROUNDS)).await {
                warn!(%error, target = %self.target().name, "housekeeping failed, trying again");
            }
            round = round.wrapping_add(1);
        }
    }

    async fn clean(&self, slow: bool) -> Result<(), QueueError> {
        let target = self.target();
        for reaped in self.queue.reap(target, REAPED).await? {
            self.reached(CrashPoint::Reaped);
            warn!(batch = %reaped.batch, worker = %reaped.worker, items = reaped.items, target = %target.name,
                "batch {} of worker {}, whose lease ran out, goes out again", reaped.batch, reaped.worker);
        }
        self.queue.drain(target, &self.retention).await?;
        self.carry().await?;
        if slow {
            for closed in self.queue.abandon(target, &self.retention).await? {
                warn!(job = %closed.job, enqueued = closed.enqueued, announced = closed.announced, target = %target.name,
                    "job {} was never enqueued whole, closed with what it got", closed.job);
            }
            let jobs = self.queue.repeat_ends(target, &self.retention).await?;
            if jobs > 0 {
                warn!(jobs, target = %target.name, "whoever began to retry dead letters of {jobs} jobs died in the middle: they end as they had");
            }
            self.queue.resume_cancels(target, &self.retention).await?;
            self.queue.compact(target).await?;
            self.queue.tend_jobs(std::slice::from_ref(target), &self.retention).await?;
        }
        Ok(())
    }
}
