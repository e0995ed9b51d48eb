use crate::{Queue, QueueError};
use futures::StreamExt;
use purgeline_core::Target;
use redis::{
    Msg, Value,
    aio::{PubSubSink, PubSubStream},
};
use std::time::Duration;
use tokio::time::timeout;

/// After so long without a message the server is asked whether it is still there, and has as long
/// to answer. A machine that vanished, or was cut off while another became primary, closes no
/// connection.
const QUIET: Duration = Duration::from_secs(5);

/// Wake-ups of some targets: something was enqueued, given back or released, or a call returned,
/// so that it is worth asking for a lease. They may be lost with the connection; whoever waits
/// polls slowly besides.
pub struct Wakeups {
    channels: Vec<String>,
    messages: PubSubStream,
    // Dropping it would end the subscription.
    sink: PubSubSink,
    /// Came while the server was asked whether it is there.
    early: Option<Msg>,
}

impl Queue {
    /// Subscribes to the wake-ups of these targets, on a connection of its own.
    ///
    /// # Errors
    /// When Redis cannot be reached.
    pub async fn wakeups(&self, targets: &[Target]) -> Result<Wakeups, QueueError> {
        let channels: Vec<_> = targets.iter().map(|target| self.keys().of_target(target, "wake")).collect();
        let (mut sink, messages) = self.manager().pubsub().await?.split();
        sink.subscribe(&channels).await?;
        Ok(Wakeups { channels, messages, sink, early: None })
    }
}

impl Wakeups {
    /// The next wake-up: the position of its target among those subscribed to. `None` when the
    /// connection is gone, or its other end keeps silent.
    pub async fn next(&mut self) -> Option<usize> {
        loop {
            let message = match self.early.take() {
                Some(message) => message,
                None => match timeout(QUIET, self.messages.next()).await {
                    Ok(message) => message?,
                    Err(_) if self.is_answered().await => continue,
                    Err(_) => return None,
                },
            };
            let channel = message.get_channel_name();
            if let Some(at) = self.channels.iter().position(|known| known == channel) {
                return Some(at);
            }
        }
    }

    async fn is_answered(&mut self) -> bool {
        tokio::select! {
            answer = timeout(QUIET, self.sink.ping::<Value>()) => matches!(answer, Ok(Ok(_))),
            message = self.messages.next() => {
                self.early = message;
                self.early.is_some()
            }
        }
    }
}

impl std::fmt::Debug for Wakeups {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wakeups").field("channels", &self.channels).finish_non_exhaustive()
    }
}
