use purgeline_queue::QueueError;
use std::{future::Future, time::Duration};
use tokio::time::Instant;
use tracing::warn;

const FIRST_WAIT: Duration = Duration::from_millis(50);
const MAX_WAIT: Duration = Duration::from_secs(2);

/// Repeats a write until Redis takes it, for so long: what a provider has answered must not be
/// lost to a restart of Redis. The write must be one that changes nothing when repeated.
pub(crate) async fn persist<T, F>(
    patience: Duration,
    what: &'static str,
    mut write: impl FnMut() -> F,
) -> Result<T, QueueError>
where
    F: Future<Output = Result<T, QueueError>>,
{
    let give_up = Instant::now() + patience;
    let mut wait = FIRST_WAIT;
    loop {
        match write().await {
            Err(QueueError::Redis(error)) if Instant::now() + wait < give_up => {
                warn!(%error, wait_ms = wait.as_millis(), "{what}: Redis is away, trying again");
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(MAX_WAIT);
            }
            result => return result,
        }
    }
}
