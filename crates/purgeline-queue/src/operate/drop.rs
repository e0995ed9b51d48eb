use crate::{OperateQueue, QueueError, redis::scripts};
use purgeline_core::Target;

/// Letters of one script call.
const SLICE: usize = 500;

impl OperateQueue {
    /// Drops dead letters; what they tell of stays failed. Gives how many there were.
    ///
    /// # Errors
    /// When Redis cannot be asked; some letters may have been dropped.
    pub async fn drop_dead(&self, target: &Target, ids: &[String]) -> Result<u64, QueueError> {
        let mut all = 0;
        for slice in ids.chunks(SLICE) {
            let mut script = self.store.script(&scripts::DROP, target);
            for id in slice {
                script.arg(id);
            }
            all += self.store.invoke::<u64>(&script).await?;
        }
        Ok(all)
    }
}
