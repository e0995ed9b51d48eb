use crate::{
    QueueError, Retention, WorkQueue,
    redis::{scripts, store::Store},
};
use purgeline_core::{Cause, Target};

/// Items of one script call: together with the jobs in their records it then holds Redis for a
/// millisecond or two.
const MAX_SETTLED: usize = 100;
/// Waiting jobs of one call that counts a hot item's outcome, or items of one that settles what a dir
/// covered.
const MAX_DRAINED: usize = 500;

/// How one item of a batch is settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// Its purge ended well.
    Done,
    /// It failed for good.
    Failed(Cause),
    /// It is sent again, not before so many milliseconds; that was an attempt.
    Retry {
        /// Milliseconds from now.
        after_ms: u64,
        /// Why.
        cause: Cause,
    },
    /// It was accepted and never came to an end. It is sent again, not before so many
    /// milliseconds; that was an attempt, and is counted apart too.
    Unanswered {
        /// Milliseconds from now.
        after_ms: u64,
        /// Why.
        cause: Cause,
    },
    /// It is sent again, not before so many milliseconds; what happened does not count against it
    /// (the whole target was refused, not the item).
    Again {
        /// Milliseconds from now.
        after_ms: u64,
        /// Why.
        cause: Cause,
    },
}

/// What a call of [`settle`](WorkQueue::settle) did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Items that were settled now; those that had been before are not counted.
    pub items: u64,
    /// Whether parts of jobs ended, so that the outbox has word of them.
    pub parts_ended: bool,
}

impl WorkQueue {
    /// Settles items of a batch, by their index in it: counts each outcome for each job that
    /// waits, writes dead letters, puts retries back. An item that has settled before is skipped,
    /// so that repeating it changes nothing.
    ///
    /// # Errors
    /// When Redis cannot be asked; some items may have been settled.
    pub async fn settle(
        &self,
        target: &Target,
        batch: &str,
        outcomes: &[(u32, Settlement)],
        retention: &Retention,
    ) -> Result<Settled, QueueError> {
        let mut all = Settled::default();
        let mut left_to_drain = false;
        // Backwards, since what goes back to the front of its lane goes before what went there first.
        for slice in outcomes.rchunks(MAX_SETTLED) {
            let mut script = self.store.script(&scripts::SETTLE, target);
            script
                .arg(batch)
                .arg(retention.succeeded_ms)
                .arg(retention.failed_ms)
                .arg(retention.max_dead_letters)
                .arg(retention.history_ms)
                .arg(retention.max_history);
            for (index, settlement) in slice {
                let (outcome, ms, cause) = match settlement {
                    Settlement::Done => ("done", 0, None),
                    Settlement::Failed(cause) => ("failed", 0, Some(cause)),
                    Settlement::Retry { after_ms, cause } => ("retry", *after_ms, Some(cause)),
                    Settlement::Unanswered { after_ms, cause } => ("unanswered", *after_ms, Some(cause)),
                    Settlement::Again { after_ms, cause } => ("again", *after_ms, Some(cause)),
                };
                script.arg(index).arg(outcome).arg(ms);
                match cause {
                    Some(cause) => script.arg(cause.class.as_str()).arg(&cause.code).arg(&cause.message),
                    None => script.arg("").arg("").arg(""),
                };
            }
            let (items, left, ended): (u64, bool, bool) = self.store.invoke(&script).await?;
            all.items += items;
            all.parts_ended |= ended;
            left_to_drain |= left;
        }
        if left_to_drain {
            all.parts_ended |= self.store.drain(target, retention).await?;
        }
        Ok(all)
    }

    /// Counts what hot items' outcomes have left to count, for all jobs that wait for them, and settles
    /// what a dir covered whose purge ended well, a bounded number a script call. Also what is left from a worker that died in the middle.
    /// True if parts of jobs ended.
    ///
    /// # Errors
    /// When Redis cannot be asked; the rest is left for a later call.
    pub async fn drain(&self, target: &Target, retention: &Retention) -> Result<bool, QueueError> {
        self.store.drain(target, retention).await
    }
}

impl Store {
    /// Counts what hot items' outcomes have left to count. True if parts of jobs ended.
    pub(crate) async fn drain(&self, target: &Target, retention: &Retention) -> Result<bool, QueueError> {
        let mut any_ended = false;
        loop {
            let (left, ended) = self.drain_once(target, retention).await?;
            any_ended |= ended;
            if !left {
                return Ok(any_ended);
            }
        }
    }

    /// One script call of [`drain`](Self::drain). Gives whether more is left, and whether parts of
    /// jobs ended.
    pub(crate) async fn drain_once(
        &self,
        target: &Target,
        retention: &Retention,
    ) -> Result<(bool, bool), QueueError> {
        let mut script = self.script(&scripts::DRAIN, target);
        script
            .arg(retention.succeeded_ms)
            .arg(retention.failed_ms)
            .arg(MAX_DRAINED)
            .arg(retention.history_ms)
            .arg(retention.max_history);
        let (left, ended): (u64, bool) = self.invoke(&script).await?;
        Ok((left > 0, ended))
    }
}
