use super::abandoned_job::ABANDONED_MS;
use crate::{QueueError, Retention, WorkQueue, redis::scripts};
use purgeline_core::{JobId, Target};
use redis::AsyncTypedCommands;

/// A lane this much longer than there are pending items is rid of stale hints.
const SLACK_HINTS: usize = 10_000;
/// Hints looked at in one script call.
const COMPACT_SLICE: usize = 1_000;

/// A batch that was taken from a worker whose lease ran out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaped {
    /// The batch; it is gone.
    pub batch: String,
    /// The worker that had it.
    pub worker: String,
    /// Items that were put back.
    pub items: u64,
}

/// A part of a job whose producer died before it had enqueued all items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Abandoned {
    /// The job.
    pub job: JobId,
    /// Items that had been enqueued.
    pub enqueued: u64,
    /// Items that the producer had announced.
    pub announced: u64,
}

impl WorkQueue {
    /// Puts the items of batches whose leases ran out back to the front of their lanes, one
    /// batch a script call, at most `most` batches.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn reap(&self, target: &Target, most: usize) -> Result<Vec<Reaped>, QueueError> {
        let mut all = Vec::new();
        while all.len() < most {
            let reaped: Vec<String> = self.store.invoke(&self.store.script(&scripts::REAP, target)).await?;
            let [batch, worker, items] = reaped.as_slice() else { break };
            all.push(Reaped {
                batch: batch.clone(),
                worker: worker.clone(),
                items: items
                    .parse()
                    .map_err(|_| QueueError::malformed("the answer of reap.lua", "a count", items))?,
            });
        }
        Ok(all)
    }

    /// Closes the parts of jobs whose producers have not come back for a day, with the items that
    /// they got.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn abandon(
        &self,
        target: &Target,
        retention: &Retention,
    ) -> Result<Vec<Abandoned>, QueueError> {
        let mut all = Vec::new();
        loop {
            let mut script = self.store.script(&scripts::ABANDON, target);
            script.arg(ABANDONED_MS).arg(retention.succeeded_ms).arg(retention.failed_ms);
            let closed: Vec<String> = self.store.invoke(&script).await?;
            let [job, enqueued, announced] = closed.as_slice() else { return Ok(all) };
            let malformed =
                || QueueError::malformed("the answer of abandon.lua", "job, enqueued, announced", &closed);
            let job = job.parse().map_err(|_| malformed())?;
            self.store.mark_abandoned(job).await?;
            all.push(Abandoned {
                job,
                enqueued: enqueued.parse().map_err(|_| malformed())?,
                announced: announced.parse().map_err(|_| malformed())?,
            });
        }
    }

    /// Rids lanes of stale hints where they have grown far beyond the items that wait. Gives the
    /// hints dropped.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn compact(&self, target: &Target) -> Result<u64, QueueError> {
        let mut redis = self.store.manager();
        let pending = redis.hlen(self.store.keys().pending(target)).await?;
        let lanes = redis.zrange(self.store.keys().lanes(target), 0, -1).await?;
        let mut dropped = 0;
        for lane in lanes {
            let length = redis.llen(self.store.keys().lane(target, &lane)).await?;
            if length < pending + SLACK_HINTS {
                continue;
            }
            // Exactly one turn, or what is kept would lose its order.
            for from in (0..length).step_by(COMPACT_SLICE) {
                let mut script = self.store.script(&scripts::COMPACT, target);
                script.arg(&lane).arg(COMPACT_SLICE.min(length - from));
                dropped += self.store.invoke::<u64>(&script).await?;
            }
        }
        Ok(dropped)
    }
}
