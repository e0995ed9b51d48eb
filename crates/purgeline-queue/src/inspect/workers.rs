use crate::{InspectQueue, QueueError, WorkerInfo};
use redis::AsyncTypedCommands;
use std::collections::HashMap;

/// A worker that has not been heard of for this long, in milliseconds, counts as dead.
pub(crate) const SILENT_MS: i64 = 30_000;

impl InspectQueue {
    /// The workers that are alive, by name. Forgets those that died without a word.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn workers(&self) -> Result<Vec<WorkerInfo>, QueueError> {
        let key = self.store.keys().workers();
        let texts: HashMap<String, String> = self.store.manager().hgetall(&key).await?;
        let now = self.store.now_ms().await?;
        let mut alive = Vec::new();
        for (name, text) in texts {
            // What another version wrote differently is that version's to read.
            let Ok(worker) = serde_json::from_str::<WorkerInfo>(&text) else { continue };
            if now - worker.seen_ms > SILENT_MS {
                self.store.manager().hdel(&key, &name).await?;
            } else {
                alive.push(worker);
            }
        }
        alive.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(alive)
    }
}
