use crate::{QueueError, WorkQueue};
use futures::StreamExt;
use purgeline_core::Target;
use redis::{
    Msg, Value,
    aio::{PubSubSink, PubSubStream},
};
use std::{collections::VecDeque, time::Duration};
use tokio::time::timeout;

/// After so long without a message the server is asked whether it is still there, and has as long
/// to answer. A machine that vanished, or was cut off while another became primary, closes no
/// connection.
const QUIET: Duration = Duration::from_secs(5);

/// Wake-ups of some targets: something was enqueued, given back or released, or at their account a
/// call returned or a task ended, so that it is worth asking for a lease. They may be lost with the connection; whoever waits
/// polls slowly besides.
pub struct Wakeups {
    /// Of each target: its own, and its account's.
    channels: Vec<[String; 2]>,
    /// Targets that the last message woke and that have not been told.
    woken: VecDeque<usize>,
    messages: PubSubStream,
    // Dropping it would end the subscription.
    sink: PubSubSink,
    /// Came while the server was asked whether it is there.
    early: Option<Msg>,
}

impl WorkQueue {
    /// Subscribes to the wake-ups of these targets, on a connection of its own.
    ///
    /// # Errors
    /// When Redis cannot be reached.
    pub async fn wakeups(&self, targets: &[Target]) -> Result<Wakeups, QueueError> {
        let keys = self.store.keys();
        let channels: Vec<_> =
            targets.iter().map(|target| [keys.wake(target), keys.account_wake(target)]).collect();
        let (mut sink, messages) = self.store.manager().pubsub().await?.split();
        sink.subscribe(channels.as_flattened()).await?;
        Ok(Wakeups { channels, woken: VecDeque::new(), messages, sink, early: None })
    }
}

impl Wakeups {
    /// The next wake-up: the position of its target among those subscribed to. `None` when the
    /// connection is gone, or its other end keeps silent.
    pub async fn next(&mut self) -> Option<usize> {
        loop {
            if let Some(at) = self.woken.pop_front() {
                return Some(at);
            }
            let message = match self.early.take() {
                Some(message) => message,
                None => match timeout(QUIET, self.messages.next()).await {
                    Ok(message) => message?,
                    Err(_) if self.is_answered().await => continue,
                    Err(_) => return None,
                },
            };
            let channel = message.get_channel_name();
            let of_channel = |known: &[String; 2]| known.iter().any(|name| name == channel);
            let woken = self.channels.iter().enumerate().filter(|(_, known)| of_channel(known));
            self.woken.extend(woken.map(|(at, _)| at));
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
