use crate::{QueueError, Retention, WorkQueue};
use purgeline_core::Target;

/// Whoever cancels and has not gone on for so long, in milliseconds, is dead; and what came back to
/// wait since the last walk is looked for again after as long.
const AGAIN_MS: i64 = 60_000;

impl WorkQueue {
    /// Goes on with cancels that nobody has gone on with for a minute. Gives how many.
    ///
    /// # Errors
    /// When Redis cannot be asked; the rest is left for a later call.
    pub async fn resume_cancels(&self, target: &Target, retention: &Retention) -> Result<usize, QueueError> {
        let until = self.store.now_ms().await? - AGAIN_MS;
        let mut overdue = redis::cmd("ZRANGEBYSCORE");
        overdue.arg(self.store.keys().cancelling(target)).arg("-inf").arg(until);
        let jobs: Vec<String> =
            overdue.arg("LIMIT").arg(0).arg(100).query_async(&mut self.store.manager()).await?;
        for job in &jobs {
            self.store.go_on_cancelling(target, job.clone(), retention).await?;
        }
        Ok(jobs.len())
    }
}
