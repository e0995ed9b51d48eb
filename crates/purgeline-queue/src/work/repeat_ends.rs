use crate::{QueueError, Retention, WorkQueue, redis::scripts};
use purgeline_core::Target;

/// Whoever began to reopen a part and has not done it for so long, in milliseconds, is dead.
const DEAD_MS: u64 = 60_000;
/// Parts of one script call.
const SLICE: usize = 100;

impl WorkQueue {
    /// Says again how the parts ended that somebody began to reopen and did not, since he died in
    /// the middle: their jobs end as they had. Gives how many.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn repeat_ends(&self, target: &Target, retention: &Retention) -> Result<usize, QueueError> {
        let mut all = 0;
        loop {
            let mut script = self.store.script(&scripts::REPEAT_ENDS, target);
            script.arg(DEAD_MS).arg(retention.succeeded_ms).arg(retention.failed_ms).arg(SLICE);
            let done: usize = self.store.invoke(&script).await?;
            all += done;
            if done < SLICE {
                return Ok(all);
            }
        }
    }
}
