use super::watchdog::Watchdog;
use crate::{ServerError, address::Address, lock::DirLock, process::Spec, ready};
use purgeline_core::config::Durability;
use redis::{Cmd, FromRedisValue, RedisError};
use std::{
    path::Path,
    process::{Child, ExitStatus},
    time::Duration,
};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

/// A private redis-server that lives no longer than this value, and no longer than this process.
///
/// ```no_run
/// # async fn example() -> Result<(), purgeline_redis_server::ServerError> {
/// use purgeline_redis_server::RedisServer;
///
/// let server = RedisServer::for_test().start().await?;
/// let client = redis::Client::open(server.url());
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct RedisServer {
    // Before `temp`: the process must be gone when its directory goes.
    process: Option<Process>,
    spec: Spec,
    address: Address,
    /// The port of `address`, where it is one.
    port: Option<u16>,
    temp: Option<TempDir>,
}

/// A running server.
#[derive(Debug)]
struct Process {
    child: Child,
    watchdog: Option<Watchdog>,
}

/// How long a server may take to write its file and end when asked.
const STOP: Duration = Duration::from_secs(30);
/// How long a dead server's children may hold its directory.
const LET_GO: Duration = Duration::from_secs(10);

impl RedisServer {
    pub(super) const fn new(spec: Spec, address: Address, port: Option<u16>) -> Self {
        Self { process: None, spec, address, port, temp: None }
    }

    pub(super) fn keeping(mut self, temp: Option<TempDir>) -> Self {
        self.temp = temp;
        self
    }

    /// Where it listens: `redis+unix:///path/redis.sock` or `redis://127.0.0.1:port/`. The same
    /// after a restart.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.address.url
    }

    /// `127.0.0.1` and its port; `None` for one that listens on a unix socket.
    pub(super) const fn port(&self) -> Option<u16> {
        self.port
    }

    /// Sends it one command and gives its answer, on a connection of its own.
    ///
    /// # Errors
    /// When it does not answer, or answers with an error.
    pub async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, RedisError> {
        let mut connection = ready::connect(&self.address.url).await?;
        command.query_async(&mut connection).await
    }

    /// Where its files are.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.spec.dir
    }

    /// Its process id; `None` after [`stop`](Self::stop) or [`kill`](Self::kill).
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(|process| process.child.id())
    }

    /// What the next start writes to disk when.
    pub const fn set_durability(&mut self, durability: Durability) {
        self.spec.durability = durability;
    }

    /// Starts it in its directory, at its address, and waits until it has read its file and
    /// answers. Nothing happens if it runs.
    ///
    /// # Errors
    /// As for [`Builder::start`](super::Builder::start).
    pub async fn start(&mut self) -> Result<(), ServerError> {
        if let Some(process) = &mut self.process {
            match ready::wait_ready(&self.spec, &self.address.url, &mut process.child).await {
                Ok(_) => return Ok(()),
                Err(ServerError::Ended { .. }) => self.process = None,
                Err(error) => return Err(error),
            }
        }
        let lock = self.lock().await?;
        let child = self.spec.spawn(&self.address, &lock)?;
        // Owned from here on: an error below kills it.
        let mut process = Process { child, watchdog: None };
        process.watchdog = Some(Watchdog::over(process.child.id())?);
        ready::wait_ready(&self.spec, &self.address.url, &mut process.child).await?;
        self.process = Some(process);
        Ok(())
    }

    /// Asks it to write its file and end, and waits for that; kills it after 30 s.
    ///
    /// # Errors
    /// When the system refuses to say whether it ended.
    pub async fn stop(&mut self) -> Result<(), ServerError> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        let deadline = Instant::now() + STOP;
        if let ready::Pulse::Ready(mut connection) = ready::pulse(&self.address.url).await {
            // The answer is the end of the connection.
            let _ = redis::cmd("SHUTDOWN").query_async::<()>(&mut connection).await;
            while process.ended()?.is_none() && Instant::now() < deadline {
                sleep(Duration::from_millis(2)).await;
            }
        }
        drop(process); // Kills what did not end.
        Ok(())
    }

    /// Kills it on the spot (SIGKILL), as a crash would. What its `appendfsync` had written by
    /// then is there after [`start`](Self::start).
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Stops it, if it runs, and starts it again.
    ///
    /// # Errors
    /// As for [`stop`](Self::stop) and [`start`](Self::start).
    pub async fn restart(&mut self) -> Result<(), ServerError> {
        self.stop().await?;
        self.start().await
    }
}

impl RedisServer {
    /// The directory's lock; at once an error if a server lives there, else after the wait for
    /// what a dead one left.
    async fn lock(&self) -> Result<DirLock, ServerError> {
        if let Some(lock) = DirLock::try_acquire(&self.spec.dir)? {
            return Ok(lock);
        }
        match ready::pulse(&self.address.url).await {
            ready::Pulse::Silent(_) => DirLock::acquire(&self.spec.dir, LET_GO).await,
            _ => Err(ServerError::InUse(self.spec.dir.clone())),
        }
    }
}

impl Process {
    fn ended(&mut self) -> Result<Option<ExitStatus>, ServerError> {
        self.child.try_wait().map_err(ServerError::io("wait for", "redis-server"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Killing fails only if it has ended. The watchdog goes before the number of the process
        // is free for another one, that is, before the wait.
        let _ = self.child.kill();
        self.watchdog = None;
        let _ = self.child.wait();
    }
}
