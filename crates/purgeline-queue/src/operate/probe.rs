use crate::{OperateQueue, QueueError, redis::scripts};
use purgeline_core::Target;

impl OperateQueue {
    /// Has a target's breaker, if it is open, probe at once instead of waiting: somebody has mended
    /// what was wrong. Gives the name of its hold, `broken` or `unauthorised`.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn probe(&self, target: &Target) -> Result<Option<String>, QueueError> {
        let name: String = self.store.invoke(&self.store.script(&scripts::PROBE, target)).await?;
        Ok(Some(name).filter(|name| !name.is_empty()))
    }
}
