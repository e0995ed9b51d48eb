use crate::{QueueError, WorkQueue, redis::scripts};
use purgeline_core::{Receipt, Target};

impl WorkQueue {
    /// Takes down that the provider accepted items of a leased batch: they are asked about first
    /// after `first_poll_ms`, and hold no worker. Items that were not accepted are settled apart.
    /// Saying it again changes nothing. False if the lease was lost meanwhile.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn submitted(
        &self,
        target: &Target,
        batch: &str,
        worker: &str,
        receipt: &Receipt,
        first_poll_ms: u64,
    ) -> Result<bool, QueueError> {
        let mut script = self.store.script(&scripts::SUBMITTED, target);
        script.arg(batch).arg(worker).arg(&receipt.0).arg(first_poll_ms);
        self.store.invoke(&script).await
    }

    /// Splits a leased batch that was refused for an item that the provider did not name. Its
    /// halves are leased next. False if the lease was lost meanwhile.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn split(
        &self,
        target: &Target,
        batch: &str,
        worker: &str,
        code: &str,
    ) -> Result<bool, QueueError> {
        let mut script = self.store.script(&scripts::SPLIT, target);
        script.arg(batch).arg(worker).arg(code);
        let halves: Vec<String> = self.store.invoke(&script).await?;
        Ok(!halves.is_empty())
    }

    /// Splits an accepted batch that has ended badly for an item that the provider did not name.
    /// Its halves are leased next. False if it is no longer open.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn split_open(&self, target: &Target, batch: &str, code: &str) -> Result<bool, QueueError> {
        self.split(target, batch, "", code).await
    }

    /// Puts the items of a leased batch that was not sent back to the front of their lanes, and
    /// its permits back into the windows. Says how many items; 0 if the lease was lost meanwhile.
    ///
    /// # Errors
    /// When Redis cannot be asked; the lease then runs out by itself.
    pub async fn give_back(&self, target: &Target, batch: &str, worker: &str) -> Result<u64, QueueError> {
        let mut script = self.store.script(&scripts::GIVE_BACK, target);
        script.key(self.store.keys().account(target)).arg(batch).arg(worker);
        self.store.invoke(&script).await
    }

    /// Keeps the leases of `worker` on these batches for another `lease_ms`. Gives those that
    /// were lost meanwhile.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn renew(
        &self,
        target: &Target,
        worker: &str,
        lease_ms: u64,
        batches: &[String],
    ) -> Result<Vec<String>, QueueError> {
        let mut script = self.store.script(&scripts::RENEW, target);
        script.arg(worker).arg(lease_ms).arg(batches);
        self.store.invoke(&script).await
    }

    /// The time in milliseconds since 1970 by which batches were accepted and are due.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn now_ms(&self) -> Result<i64, QueueError> {
        self.store.now_ms().await
    }
}
