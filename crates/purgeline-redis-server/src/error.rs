use std::{io, path::PathBuf, time::Duration};
use thiserror::Error;

/// Why a private redis-server does not run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The program is not there.
    #[error(
        "\"{program}\" was not found: install Redis 7 or newer (Debian, Ubuntu: apt install redis-server; Fedora: dnf install redis; macOS: brew install redis), or set redis.url to a Redis that runs"
    )]
    NotInstalled {
        /// What was looked for.
        program: PathBuf,
    },
    /// The system refused something.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A socket's path is longer than the system takes.
    #[error(
        "the socket path {path} is {bytes} bytes long, the system takes {max}: choose a shorter directory"
    )]
    PathTooLong {
        /// The path.
        path: PathBuf,
        /// Its length in bytes.
        bytes: usize,
        /// The longest, in bytes.
        max: usize,
    },
    /// A directory that cannot be written in a URL.
    #[error("the directory {0} cannot be used: expected an absolute path in UTF-8")]
    BadPath(PathBuf),
    /// It ended instead of starting.
    #[error("redis-server ended while starting ({status}); the end of {log}:\n{tail}")]
    Ended {
        /// How.
        status: String,
        /// Its log.
        log: PathBuf,
        /// The last lines of it.
        tail: String,
    },
    /// It runs and does not answer.
    #[error("redis-server in {dir} did not answer within {waited:?} (last: {last}); see {log}", log = .dir.join("redis.log").display())]
    Silent {
        /// Where it runs.
        dir: PathBuf,
        /// How long it was asked.
        waited: Duration,
        /// What the last try gave.
        last: String,
    },
    /// Several servers do not come together.
    #[error("{what} did not come about within {waited:?}")]
    NotReached {
        /// What was waited for.
        what: &'static str,
        /// How long.
        waited: Duration,
    },
    /// Another server has the directory.
    #[error("another redis-server uses {0}: stop it, or choose another directory")]
    InUse(PathBuf),
    /// It answered with an error.
    #[error("redis-server answered {command} with an error: {source}")]
    Redis {
        /// What it was asked.
        command: &'static str,
        /// Its answer.
        source: redis::RedisError,
    },
}

impl ServerError {
    pub(super) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }

    pub(super) fn redis(command: &'static str) -> impl FnOnce(redis::RedisError) -> Self {
        move |source| Self::Redis { command, source }
    }
}
