use crate::{Queue, QueueError, Retention, scripts};
use futures::{StreamExt, TryStreamExt, stream};
use purgeline_core::{JobId, Target};

/// Jobs that are reopened at once.
const AT_ONCE: usize = 64;
/// Whoever began to reopen a part and has not done it for so long, in milliseconds, is dead.
const DEAD_MS: u64 = 60_000;
/// Parts of one script call.
const SLICE: usize = 100;

/// A part that has ended and is to be reopened, and the round that it will then be in.
pub(super) type Promise = (JobId, u64);

impl Queue {
    /// Makes jobs active again, before parts of them are. Jobs that are not kept any more are left
    /// out: their items are retried all the same.
    pub(super) async fn reopen_jobs(&self, target: &Target, promises: &[Promise]) -> Result<(), QueueError> {
        let reopen = |(job, round): Promise| async move {
            let mut script = scripts::REOPEN_JOB.prepare_invoke();
            script.key(self.keys().job(job)).arg(target.name.as_str()).arg(round);
            self.invoke::<u8>(&script).await
        };
        stream::iter(promises.iter().copied())
            .map(reopen)
            .buffer_unordered(AT_ONCE)
            .try_for_each(|_| async { Ok(()) })
            .await
    }

    /// Says again how the parts ended that somebody began to reopen and did not, since he died in
    /// the middle: their jobs end as they had. Gives how many.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn repeat_ends(&self, target: &Target, retention: &Retention) -> Result<usize, QueueError> {
        let mut all = 0;
        loop {
            let mut script = self.script(&scripts::REPEAT_ENDS, target);
            script.arg(DEAD_MS).arg(retention.succeeded_ms).arg(retention.failed_ms).arg(SLICE);
            let done: usize = self.invoke(&script).await?;
            all += done;
            if done < SLICE {
                return Ok(all);
            }
        }
    }
}
