use crate::{context::TargetContext, persist::persist, verdict::refuses_credentials};
use purgeline_queue::{Asked, QueueError, ToldBy};
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
                if let Err(error) = self.ask_for_quotas().await {
                    warn!(%error, target = %self.target().name, "what is left of the quotas was not written");
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        end.run_until_cancelled(watch).await;
    }

    async fn ask_for_quotas(&self) -> Result<(), QueueError> {
        let mark =
            persist(self.patience(), "mark", || self.queue.quota_mark(self.target(), &self.quota_policy))
                .await?;
        let signals = self.provider.quota().await;
        if let Some(refused) = refuses_credentials(&signals) {
            self.hear(Asked::Question, &refused).await?;
        }
        persist(self.patience(), "quotas", || self.heed(&signals, ToldBy::Question(&mark))).await
    }
}
