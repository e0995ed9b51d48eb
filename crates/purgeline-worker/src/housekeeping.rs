use crate::{CrashPoint, context::TargetContext, jitter::between};
use purgeline_queue::{Chores, QueueError, Tend, WorkQueue, WorkerInfo};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// The longest time between two looks of a target's housekeeper.
const PAUSE: Duration = Duration::from_secs(1);
/// The place of a housekeeper that died is free after half a lease, at most after this time, so that
/// its own batches are recovered within the lease time of their end.
const MAX_PLACE: Duration = Duration::from_secs(15);
/// Looks for which a housekeeper keeps its place without asking: one that fails costs nothing.
const LOOKS_A_PLACE: u32 = 3;
/// Batches taken from dead workers at a time.
const REAPED: usize = 100;
/// Between two looks at what grows slowly.
const SLOW_PAUSE: Duration = Duration::from_secs(60);

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
    /// Keeps the target's house whenever no other worker does, until told to end: does what belongs
    /// to no batch of this worker. Outlives any outage of Redis.
    pub(crate) async fn keep_house(&self, end: &CancellationToken) {
        let place = (Duration::from_millis(self.worker.lease_ms.get()) / 2).min(MAX_PLACE);
        let look = (place / LOOKS_A_PLACE).min(PAUSE);
        let mut slow_at = Instant::now();
        let mut pause = between(Duration::ZERO, look);
        while end.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
            pause = match self.look_after_house(place, &mut slow_at).await {
                // Workers that wait for the same place do not ask at the same moment.
                Ok(Some(free_in)) => free_in + between(Duration::ZERO, look),
                Ok(None) => between(look * 3 / 4, look),
                Err(error) => {
                    warn!(%error, target = %self.target().name, "housekeeping failed, trying again");
                    look
                }
            };
        }
        if self.is_housekeeper()
            && let Err(error) = self.queue.leave_house(self.target(), &self.name).await
        {
            warn!(%error, target = %self.target().name, "another worker becomes housekeeper a little later");
        }
    }

    /// Gives the time after which the place may be free, if another worker has it.
    async fn look_after_house(
        &self,
        place: Duration,
        slow_at: &mut Instant,
    ) -> Result<Option<Duration>, QueueError> {
        // Half a lease, 15 seconds at most.
        let place_ms = u64::try_from(place.as_millis()).unwrap_or(u64::MAX).max(1);
        match self.queue.tend(self.target(), &self.name, place_ms).await? {
            Tend::Another(free_in) => {
                self.set_housekeeper(false);
                Ok(Some(free_in))
            }
            Tend::Chores(chores) => {
                self.set_housekeeper(true);
                let slow = Instant::now() >= *slow_at;
                if slow {
                    *slow_at = Instant::now() + SLOW_PAUSE;
                }
                self.clean(chores, slow).await?;
                Ok(None)
            }
        }
    }

    async fn clean(&self, chores: Chores, slow: bool) -> Result<(), QueueError> {
        let target = self.target();
        if chores.work {
            // Whoever should have been woken may have missed it.
            self.wake.notify_one();
        }
        if chores.reap {
            for reaped in self.queue.reap(target, REAPED).await? {
                self.reached(CrashPoint::Reaped);
                warn!(batch = %reaped.batch, worker = %reaped.worker, items = reaped.items, target = %target.name,
                    "batch {} of worker {}, whose lease ran out, goes out again", reaped.batch, reaped.worker);
            }
        }
        if chores.drain {
            self.queue.drain(target, &self.retention).await?;
        }
        if chores.carry || chores.drain {
            self.carry().await?;
        }
        if slow {
            self.clean_slowly().await?;
        }
        Ok(())
    }

    /// What grows slowly, or is left by those that died.
    async fn clean_slowly(&self) -> Result<(), QueueError> {
        let target = self.target();
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
        if self.queue.takes_turn_at_jobs().await? {
            let tended = self.queue.tend_jobs(&self.all_targets, &self.retention).await?;
            for job in tended.abandoned {
                warn!(%job, "the producer of job {job} stayed away for a day: what never came is cancelled");
            }
            if tended.removed > 0 {
                info!(jobs = tended.removed, "{} jobs are no longer listed", tended.removed);
            }
        }
        Ok(())
    }
}
