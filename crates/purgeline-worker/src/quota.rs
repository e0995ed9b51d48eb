use crate::{context::TargetContext, persist::persist, verdict::refuses_credentials};
use purgeline_core::Signal;
use purgeline_queue::{Asked, QueueError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// How often providers are asked what is left of the day's quotas. They count by the day, but an
/// account's day may be used by others too, and its quota raised.
const PAUSE: Duration = Duration::from_secs(3_600);

impl TargetContext {
    /// Asks at start and then every hour what is left of the provider's quotas, until told to end.
    /// Any number of workers may do it at once.
    pub(crate) async fn watch_quotas(&self, end: &CancellationToken) {
        let watch = async {
            loop {
                let signals = self.provider.quota().await;
                if let Err(error) = self.heed_quotas(&signals).await {
                    warn!(%error, target = %self.target().name, "what is left of the quotas was not written");
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        end.run_until_cancelled(watch).await;
    }

    async fn heed_quotas(&self, signals: &[Signal]) -> Result<(), QueueError> {
        if let Some(refused) = refuses_credentials(signals) {
            self.hear(Asked::Question, &refused).await?;
        }
        persist(self.patience(), "quotas", || self.heed(signals)).await
    }
}
