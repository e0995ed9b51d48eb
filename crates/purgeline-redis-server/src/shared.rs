use super::{
    ServerError,
    address::Address,
    lock::{DirLock, UserLock},
    process::{Spec, absolute, appendfsync},
    ready::{self, Patience, Pulse},
};
use purgeline_core::config::Durability;
use redis::{RedisError, aio::MultiplexedConnection};
use std::{path::Path, time::Duration};
use tokio::time::{Instant, sleep};

/// The one private redis-server of a directory, shared by every purgeline process of this
/// machine that uses the directory.
///
/// - Whoever comes first starts it, detached: it outlives its starter's death, so that
///   `kill -9` of a worker, or the end of a short command, leaves the data reachable and the
///   next process finds the server running.
/// - Each process that uses it holds a share of a lock for as long as it lives. A worker that
///   ends [leaves](Self::leave): the last one to leave stops the server. Short commands just end.
/// - A server that died is started again by whoever notices ([`revive`](Self::revive)).
#[derive(Debug)]
pub struct SharedServer {
    spec: Spec,
    address: Address,
    started: bool,
    user: UserLock,
}

/// What became of the server when a process left it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Nobody else used it: its file is written and it has ended.
    Stopped,
    /// Other purgeline processes use it.
    InUse,
    /// No other purgeline process uses it, but so many other clients are connected.
    HasClients(u64),
}

/// How long the last user may take to stop the server before one who waits to enter gives up.
const ENTER: Duration = Duration::from_secs(60);
/// How long the server may take to write its file and end when asked.
const STOP: Duration = Duration::from_secs(30);
/// How long a leaving process's own closed connections may take to be seen as closed.
const CLOSE: Duration = Duration::from_secs(1);

impl SharedServer {
    /// Joins the server of `dir`, starting it if none runs, and waits until it answers. A server
    /// that runs with weaker durability than asked for is raised to it at once; a stronger one
    /// is left as it is until it is next started.
    ///
    /// # Errors
    /// When redis-server is not installed, the directory cannot be used, or the server ends or
    /// stays silent instead of answering.
    pub async fn join(dir: &Path, durability: Durability) -> Result<Self, ServerError> {
        let spec = Spec {
            program: "redis-server".into(),
            dir: absolute(dir)?,
            durability,
            options: Vec::new(),
            watches: None,
        };
        let address = Address::socket_in(&spec.dir)?;
        spec.make_dir()?;
        let user = UserLock::enter(&spec.dir, ENTER).await?;
        let mut server = Self { spec, address, started: false, user };
        server.started = server.start_or_join().await?;
        Ok(server)
    }

    /// Where it listens: `redis+unix:///path/redis.sock`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.address.url
    }

    /// Whether this process started it.
    #[must_use]
    pub const fn started(&self) -> bool {
        self.started
    }

    /// Starts it again if it has died, and waits until it answers; says whether it had. Cheap
    /// when it has not: one lock tried.
    ///
    /// # Errors
    /// As for [`join`](Self::join).
    pub async fn revive(&self) -> Result<bool, ServerError> {
        match DirLock::try_acquire(&self.spec.dir)? {
            Some(lock) => self.start(lock).await.map(|()| true),
            None => Ok(false),
        }
    }

    /// Ends this process's use of it, when its own connections are closed, and stops it if
    /// nobody else uses it. Whoever comes meanwhile waits, and starts it again.
    ///
    /// # Errors
    /// When it does not end within 30 s.
    pub async fn leave(self) -> Result<Left, ServerError> {
        let Some(_last) = self.user.into_last() else { return Ok(Left::InUse) };
        let Pulse::Ready(mut connection) = ready::pulse(&self.address.url).await else {
            return Ok(Left::Stopped); // It has died already.
        };
        let deadline = Instant::now() + CLOSE;
        loop {
            match other_clients(&mut connection).await.map_err(ServerError::redis("INFO clients"))? {
                0 => break,
                others if Instant::now() >= deadline => return Ok(Left::HasClients(others)),
                _ => sleep(Duration::from_millis(5)).await,
            }
        }
        // The answer is the end of the connection; the freed lock is the end of the process.
        let _ = redis::cmd("SHUTDOWN").query_async::<()>(&mut connection).await;
        DirLock::acquire(&self.spec.dir, STOP).await?;
        Ok(Left::Stopped)
    }

    /// Whether it was started here.
    async fn start_or_join(&self) -> Result<bool, ServerError> {
        let mut patience = Patience::new();
        loop {
            if let Some(lock) = DirLock::try_acquire(&self.spec.dir)? {
                return self.start(lock).await.map(|()| true);
            }
            // It runs, or another process is just starting it.
            let pulse = ready::pulse(&self.address.url).await;
            if let Pulse::Ready(mut connection) = pulse {
                self.raise_durability(&mut connection).await.map_err(ServerError::redis("CONFIG"))?;
                return Ok(false);
            }
            patience.wait(&self.spec, &pulse).await?;
        }
    }

    async fn start(&self, lock: DirLock) -> Result<(), ServerError> {
        let mut child = self.spec.spawn(&self.address, &lock)?;
        let ready = ready::wait_ready(&self.spec, &self.address.url, &mut child).await;
        if ready.is_err() {
            let _ = child.kill(); // Fails only if it has ended.
        }
        // Nothing waits for it but this: without, a dead server would stay a zombie for as long
        // as this process lives.
        let reaper = std::thread::Builder::new().name("redis-reaper".to_owned());
        reaper
            .spawn(move || child.wait())
            .map_err(ServerError::io("start a thread for", &self.spec.program))?;
        ready.map(drop)
    }

    async fn raise_durability(&self, connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
        if self.spec.durability == Durability::Everysec {
            return Ok(());
        }
        redis::cmd("CONFIG")
            .arg("SET")
            .arg("appendfsync")
            .arg(appendfsync(self.spec.durability))
            .query_async(connection)
            .await
    }
}

/// Connected clients but this one.
async fn other_clients(connection: &mut MultiplexedConnection) -> Result<u64, RedisError> {
    let info: redis::InfoDict = redis::cmd("INFO").arg("clients").query_async(connection).await?;
    Ok(info.get::<u64>("connected_clients").unwrap_or(1).saturating_sub(1))
}
