use crate::{QueueError, WorkQueue};
use futures::future::try_join_all;
use purgeline_core::JobId;
use redis::AsyncTypedCommands;

impl WorkQueue {
    /// Forgets ids of jobs that are no longer kept, looking at the `look` oldest. Gives how many.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn trim_jobs(&self, look: isize) -> Result<usize, QueueError> {
        let mut redis = self.store.manager();
        let ids = redis.zrange(self.store.keys().jobs(), 0, look - 1).await?;
        let kept = try_join_all(ids.iter().filter_map(|id| id.parse().ok()).map(|id: JobId| {
            let mut redis = self.store.manager();
            let key = self.store.keys().job(id);
            async move { redis.exists(key).await }
        }))
        .await?;
        let gone: Vec<_> = ids.iter().zip(kept).filter(|(_, kept)| !kept).map(|(id, _)| id).collect();
        if gone.is_empty() {
            return Ok(0);
        }
        Ok(redis.zrem(self.store.keys().jobs(), gone).await?)
    }
}
