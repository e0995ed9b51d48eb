use super::{ServerError, process::Spec};
use redis::{
    AsyncConnectionConfig, Client, ErrorKind, RedisError, ServerErrorKind, aio::MultiplexedConnection,
};
use std::{process::Child, time::Duration};
use tokio::time::{Instant, sleep};

/// How long a server may stay silent. One that says it is loading its file may take as long as
/// that takes.
pub(super) const SILENCE: Duration = Duration::from_secs(30);

/// The longest wait for one answer, and the longest between two questions.
const ANSWER: Duration = Duration::from_secs(5);
const ASK_EVERY: Duration = Duration::from_millis(20);

/// What a server says to PING.
pub(super) enum Pulse {
    /// It serves.
    Ready(MultiplexedConnection),
    /// It reads its append-only file.
    Loading,
    /// Nothing, for this reason.
    Silent(RedisError),
}

/// Asks once.
pub(super) async fn pulse(url: &str) -> Pulse {
    match ping(url).await {
        Ok(connection) => Pulse::Ready(connection),
        Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::BusyLoading) => Pulse::Loading,
        Err(error) => Pulse::Silent(error),
    }
}

/// Connects, or says why not within five seconds.
pub(super) async fn connect(url: &str) -> Result<MultiplexedConnection, RedisError> {
    let config =
        AsyncConnectionConfig::new().set_connection_timeout(Some(ANSWER)).set_response_timeout(Some(ANSWER));
    Client::open(url)?.get_multiplexed_async_connection_with_config(&config).await
}

async fn ping(url: &str) -> Result<MultiplexedConnection, RedisError> {
    let mut connection = connect(url).await?;
    redis::cmd("PING").query_async::<()>(&mut connection).await?;
    Ok(connection)
}

/// A wait for a server, which ends when it has been silent for too long.
pub(super) struct Patience {
    started: Instant,
    deadline: Instant,
    pause: Duration,
}

impl Patience {
    pub(super) fn new() -> Self {
        let started = Instant::now();
        Self { started, deadline: started + SILENCE, pause: Duration::from_millis(1) }
    }

    /// Waits until it makes sense to ask again: at first soon (a server with an empty file is up
    /// in some 10 ms), then every 20 ms.
    ///
    /// # Errors
    /// When the server was silent for too long.
    pub(super) async fn wait(&mut self, spec: &Spec, pulse: &Pulse) -> Result<(), ServerError> {
        let now = Instant::now();
        match pulse {
            Pulse::Silent(error) if now >= self.deadline => {
                return Err(ServerError::Silent {
                    dir: spec.dir.clone(),
                    waited: now - self.started,
                    last: error.to_string(),
                });
            }
            Pulse::Silent(_) => {}
            Pulse::Loading | Pulse::Ready(_) => self.deadline = now + SILENCE,
        }
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(ASK_EVERY);
        Ok(())
    }
}

/// Whether the server at the other end is this process. It may be another one, which took the port
/// in the moment between its choice and its use; ours ends then.
async fn serves_as(connection: &mut MultiplexedConnection, pid: u32) -> bool {
    let info: Result<String, _> = redis::cmd("INFO").arg("server").query_async(connection).await;
    info.is_ok_and(|info| info.lines().any(|line| line == format!("process_id:{pid}")))
}

/// Waits until the server that `child` is serves.
///
/// # Errors
/// When it ends, or stays silent.
pub(super) async fn wait_ready(
    spec: &Spec,
    url: &str,
    child: &mut Child,
) -> Result<MultiplexedConnection, ServerError> {
    let mut patience = Patience::new();
    loop {
        let pulse = match pulse(url).await {
            Pulse::Ready(mut connection) => {
                // A socket in its own directory is nobody else's.
                if !url.starts_with("redis://") || serves_as(&mut connection, child.id()).await {
                    return Ok(connection);
                }
                Pulse::Ready(connection)
            }
            other => other,
        };
        if let Some(status) = child.try_wait().map_err(ServerError::io("wait for", &spec.program))? {
            return Err(spec.ended(status));
        }
        patience.wait(spec, &pulse).await?;
    }
}
