//! What servers that belong together share.

use super::RedisServer;
use crate::{ServerError, ready::SILENCE};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The pause between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Asks again and again, for as long as a silent server is waited for, until `look` finds what it
/// looks for.
///
/// # Errors
/// When that never comes.
pub(super) async fn until<F: Future<Output = bool>>(
    what: &'static str,
    mut look: impl FnMut() -> F,
) -> Result<(), ServerError> {
    let deadline = Instant::now() + SILENCE;
    while !look().await {
        if Instant::now() >= deadline {
            return Err(ServerError::NotReached { what, waited: SILENCE });
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// The port of a server of a group.
pub(super) fn port(server: &RedisServer) -> u16 {
    // All servers of a group are started on ports.
    server.port().unwrap_or_default()
}
