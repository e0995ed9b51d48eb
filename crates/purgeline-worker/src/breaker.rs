use crate::{context::TargetContext, persist::persist};
use purgeline_queue::{Asked, Change, Fate, Heard, QueueError};
use tracing::{error, info, warn};

impl TargetContext {
    /// Tells the target's breaker whether a call was answered, before its items can be leased
    /// again.
    pub(crate) async fn hear(&self, asked: Asked<'_>, fate: &Fate) -> Result<Heard, QueueError> {
        let heard = persist(self.patience(), "breaker", || {
            self.queue.answered(self.target(), asked, fate, &self.breaker)
        })
        .await?;
        let target = &self.target().name;
        match (heard.change, fate) {
            (Change::Opened, Fate::Unauthorised(cause)) => {
                error!(%target, %cause, "target {target} refuses its credentials, everything waits: {cause}");
            }
            (Change::Opened, Fate::Down(cause)) => {
                error!(%target, %cause, "target {target} is down, everything waits: {cause}");
            }
            (Change::ProbeFailed, Fate::Down(cause) | Fate::Unauthorised(cause)) => {
                warn!(%target, %cause, wait_ms = heard.wait_ms, "target {target} was tried once more in vain: {cause}");
            }
            (Change::Closed, _) => info!(%target, "target {target} answers again, everything goes"),
            (Change::None | Change::Opened | Change::ProbeFailed, _) => {}
        }
        Ok(heard)
    }
}
