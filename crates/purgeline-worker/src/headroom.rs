use crate::{context::TargetContext, permit::InTime, persist::persist};
use purgeline_queue::QueueError;
use tracing::warn;

impl TargetContext {
    /// Where permits come too late all the time, has the whole fleet keep its windows longer for a
    /// while. Before the permit is given back: the next one is good by the new head room.
    pub(crate) async fn widen_headroom(&self, in_time: InTime) -> Result<(), QueueError> {
        let InTime::Never { headroom_ms } = in_time else { return Ok(()) };
        let rates = &self.configured.descriptor.limits.rates;
        let now = persist(self.patience(), "head room", || {
            self.queue.widen_headroom(self.target(), headroom_ms, rates)
        })
        .await?;
        warn!(
            target = %self.target().name, headroom_ms = now, configured_ms = self.worker.headroom_ms,
            "permits come too late for worker.headroom_ms here: for a minute the fleet keeps its windows longer by \
             {now} ms, and sends less. If that happens often, set worker.headroom_ms to so much, or look why this \
             machine or the way to Redis is slow"
        );
        Ok(())
    }
}
