use crate::{Queue, QueueError};
use futures::StreamExt;
use purgeline_core::Target;
use redis::aio::PubSubStream;

/// Wake-ups of some targets: something was enqueued, given back or released, or a call returned,
/// so that it is worth asking for a lease. They may be lost with the connection; whoever waits
/// polls slowly besides.
pub struct Wakeups {
    channels: Vec<String>,
    messages: PubSubStream,
    // Dropping the sink would end the subscription.
    _sink: redis::aio::PubSubSink,
}

impl Queue {
    /// Subscribes to the wake-ups of these targets, on a connection of its own.
    ///
    /// # Errors
    /// When Redis cannot be reached.
    pub async fn wakeups(&self, targets: &[Target]) -> Result<Wakeups, QueueError> {
        let channels: Vec<_> = targets.iter().map(|target| self.keys().of_target(target, "wake")).collect();
        let (mut sink, messages) = self.client().get_async_pubsub().await?.split();
        sink.subscribe(&channels).await?;
        Ok(Wakeups { channels, messages, _sink: sink })
    }
}

impl Wakeups {
    /// The next wake-up: the position of its target among those subscribed to. `None` when the
    /// connection is gone.
    pub async fn next(&mut self) -> Option<usize> {
        loop {
            let message = self.messages.next().await?;
            let channel = message.get_channel_name();
            if let Some(at) = self.channels.iter().position(|known| known == channel) {
                return Some(at);
            }
        }
    }
}

impl std::fmt::Debug for Wakeups {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wakeups").field("channels", &self.channels).finish_non_exhaustive()
    }
}
