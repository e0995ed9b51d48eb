use crate::{QueueError, WorkQueue, redis::scripts};
use purgeline_core::{Rate, Target};

impl WorkQueue {
    /// Widens the head room of the windows of a target's account to at least so many milliseconds,
    /// for a minute: a worker turns out to need longer from its permits to its calls than is
    /// configured. Gives the head room that is in force now. The whole fleet keeps its windows
    /// longer by it, until no call that was made by such a permit is left in one.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn widen_headroom(
        &self,
        target: &Target,
        headroom_ms: u64,
        rates: &[Rate],
    ) -> Result<u64, QueueError> {
        let longest = rates.iter().map(|rate| rate.window_ms.get()).max().unwrap_or_default();
        let mut script = self.store.script(&scripts::WIDEN_HEADROOM, target);
        script.arg(headroom_ms).arg(longest);
        self.store.invoke(&script).await
    }
}
