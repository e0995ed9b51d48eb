use crate::context::TargetContext;
use purgeline_queue::WorkQueue;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// Between two tries to subscribe.
const PAUSE: Duration = Duration::from_millis(500);

/// Carries the queue's wake-ups to the targets that wait for them, until told to end.
pub(crate) async fn carry(queue: &WorkQueue, contexts: &[Arc<TargetContext>], end: &CancellationToken) {
    let targets: Vec<_> = contexts.iter().map(|context| context.target().clone()).collect();
    let listen = async {
        loop {
            match queue.wakeups(&targets).await {
                Ok(mut wakeups) => {
                    // What happened while nobody listened.
                    for context in contexts {
                        context.subscribed.store(true, Ordering::Relaxed);
                        context.heard.notify_one();
                    }
                    while let Some(at) = wakeups.next().await {
                        contexts[at].heard.notify_one();
                    }
                    for context in contexts {
                        context.subscribed.store(false, Ordering::Relaxed);
                        // From now on it polls.
                        context.wake.notify_one();
                    }
                    warn!("the connection for wake-ups was lost: polling until it is back");
                }
                Err(error) => warn!(%error, "no wake-ups: polling until Redis is back"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    end.run_until_cancelled(listen).await;
}
