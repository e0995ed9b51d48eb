use crate::{QueueError, WorkQueue};
use purgeline_core::TargetName;
use redis::AsyncTypedCommands;
use serde::{Deserialize, Serialize};

/// A worker process that is alive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerInfo {
    /// Its name.
    pub name: String,
    /// The version of purgeline that it runs.
    pub version: String,
    /// The library of Redis Functions that it uses ([`Queue::library_name`](crate::Queue::library_name)).
    pub library: String,
    /// Its process id, on its own machine.
    pub pid: u32,
    /// The targets that it works for.
    pub targets: Vec<TargetName>,
    /// When it started, in milliseconds since 1970 by Redis's clock; 0 until it has been told.
    pub since_ms: i64,
    /// When it was last heard of, in milliseconds since 1970 by Redis's clock.
    pub seen_ms: i64,
}

impl WorkQueue {
    /// Says that a worker is alive; to be repeated every ten seconds or so.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn worker_seen(&self, worker: &mut WorkerInfo) -> Result<(), QueueError> {
        worker.seen_ms = self.store.now_ms().await?;
        if worker.since_ms == 0 {
            worker.since_ms = worker.seen_ms;
        }
        // Strings and numbers always serialise.
        let text = serde_json::to_string(worker).unwrap_or_default();
        self.store.manager().hset(self.store.keys().workers(), &worker.name, text).await?;
        Ok(())
    }

    /// Says that a worker has stopped.
    ///
    /// # Errors
    /// When Redis cannot be asked; it then counts as alive a little longer.
    pub async fn worker_gone(&self, name: &str) -> Result<(), QueueError> {
        self.store.manager().hdel(self.store.keys().workers(), name).await?;
        Ok(())
    }
}
