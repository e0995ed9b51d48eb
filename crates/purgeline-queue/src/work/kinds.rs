use crate::{HoldName, QueueError, WorkQueue, redis::scripts};
use purgeline_core::{Cause, Kind, Target};

impl WorkQueue {
    /// Holds a target's items of one kind for so many milliseconds, as its provider says. False if a
    /// longer hold of the kind stands.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn hold_kind(
        &self,
        target: &Target,
        kind: Kind,
        for_ms: u64,
        cause: &Cause,
    ) -> Result<bool, QueueError> {
        self.store.hold(target, HoldName::Kind(kind), Some(for_ms), cause, "provider").await
    }

    /// No worker calls any target of the account for so many milliseconds. False if a longer
    /// throttle stands.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn throttle(&self, target: &Target, for_ms: u64, cause: &Cause) -> Result<bool, QueueError> {
        let mut script = self.store.script(&scripts::THROTTLE, target);
        script.arg(for_ms).arg(&cause.code).arg(&cause.message);
        self.store.invoke(&script).await
    }
}
