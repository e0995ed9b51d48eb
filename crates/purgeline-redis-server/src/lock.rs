use super::ServerError;
use std::{
    fs::{File, OpenOptions, TryLockError},
    path::Path,
    process::Stdio,
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// The right to run the one server of a directory.
///
/// The lock (`flock` on `redis.lock`) is given to the server as its standard input, which
/// redis-server does not read: the kernel keeps it for as long as the server lives and frees it
/// at its death, however it dies. So "locked" means "a server lives here, or is about to", and
/// no pid file can be stale. Two servers on one append-only file would destroy it.
#[derive(Debug)]
pub(super) struct DirLock(File);

const RETRY: Duration = Duration::from_millis(5);

impl DirLock {
    /// The lock, if nobody has it.
    pub(super) fn try_acquire(dir: &Path) -> Result<Option<Self>, ServerError> {
        let file = open(&dir.join("redis.lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => {
                Err(ServerError::Io { action: "lock", path: dir.join("redis.lock"), source })
            }
        }
    }

    /// The lock, waiting for a server that is just ending (its rewriting child may outlive it by
    /// a moment).
    pub(super) async fn acquire(dir: &Path, patience: Duration) -> Result<Self, ServerError> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(lock) = Self::try_acquire(dir)? {
                return Ok(lock);
            }
            if Instant::now() >= deadline {
                return Err(ServerError::InUse(dir.to_owned()));
            }
            sleep(RETRY).await;
        }
    }

    /// The lock as a server's standard input. The server shares it from then on.
    pub(super) fn as_stdin(&self, dir: &Path) -> Result<Stdio, ServerError> {
        let shared = self.0.try_clone().map_err(ServerError::io("share", dir.join("redis.lock")))?;
        Ok(shared.into())
    }
}

/// A sign that this process uses the shared server of a directory: a shared `flock` on
/// `redis.users`, freed by the kernel when the process ends. Whoever gets it alone is the last.
#[derive(Debug)]
pub(super) struct UserLock(File);

impl UserLock {
    /// Waits at most `patience` while the last user stops the server.
    pub(super) async fn enter(dir: &Path, patience: Duration) -> Result<Self, ServerError> {
        let path = dir.join("redis.users");
        let file = open(&path)?;
        let deadline = Instant::now() + patience;
        loop {
            match file.try_lock_shared() {
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => sleep(RETRY).await,
                Err(TryLockError::WouldBlock) => return Err(ServerError::InUse(dir.to_owned())),
                Err(TryLockError::Error(source)) => {
                    return Err(ServerError::Io { action: "lock", path, source });
                }
            }
        }
    }

    /// Gives up the share, and takes the whole if this was the last one: nobody can enter until
    /// the answer is dropped. Of several that leave at once, the last one gets it.
    pub(super) fn into_last(self) -> Option<LastUser> {
        self.0.try_lock().is_ok().then_some(LastUser { _lock: self.0 })
    }
}

/// Proof that no other process uses the shared server.
#[derive(Debug)]
pub(super) struct LastUser {
    _lock: File,
}

fn open(path: &Path) -> Result<File, ServerError> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .read(true)
        .open(path)
        .map_err(ServerError::io("open", path))
}
