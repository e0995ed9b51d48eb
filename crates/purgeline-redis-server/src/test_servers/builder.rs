use super::{RedisServer, ports};
use crate::{
    ServerError,
    address::Address,
    process::{Spec, absolute},
};
use purgeline_core::config::Durability;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// How to start a [`RedisServer`].
#[derive(Clone, Debug)]
pub struct Builder {
    home: Home,
    listen: Listen,
    durability: Durability,
    program: PathBuf,
    options: Vec<(String, String)>,
    watches: Option<String>,
}

#[derive(Clone, Debug)]
enum Home {
    Dir(PathBuf),
    Temp,
}

#[derive(Clone, Copy, Debug)]
enum Listen {
    Unix,
    Port(u16),
    FreePort,
}

/// Free ports that are tried: another process may take one between our look and the start.
const PORT_TRIES: usize = 5;

impl RedisServer {
    /// A server whose socket, append-only file and log (`redis.log`) are in `dir`, which is made
    /// if it is not there.
    #[must_use]
    pub fn builder(dir: &Path) -> Builder {
        Builder::in_dir(dir)
    }

    /// A server in a directory of its own, which goes with it.
    #[must_use]
    pub fn for_test() -> Builder {
        Builder::in_temp_dir()
    }
}

impl Builder {
    fn in_dir(dir: &Path) -> Self {
        Self::new(Home::Dir(dir.to_owned()))
    }

    fn in_temp_dir() -> Self {
        Self::new(Home::Temp)
    }

    fn new(home: Home) -> Self {
        Self {
            home,
            listen: Listen::Unix,
            durability: Durability::Everysec,
            program: "redis-server".into(),
            options: Vec::new(),
            watches: None,
        }
    }

    /// Listens on this port of 127.0.0.1 instead of a unix socket.
    #[must_use]
    pub const fn port(mut self, port: u16) -> Self {
        self.listen = Listen::Port(port);
        self
    }

    /// Listens on a free port of 127.0.0.1 instead of a unix socket. A restarted server keeps
    /// its port.
    #[must_use]
    pub const fn free_port(mut self) -> Self {
        self.listen = Listen::FreePort;
        self
    }

    /// When a write counts as safe on disk. Default: every second.
    #[must_use]
    pub const fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// The program to run instead of `redis-server` on `PATH`.
    #[must_use]
    pub fn program(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = program.into();
        self
    }

    /// One more option, by its name in redis.conf: `("cluster-enabled", "yes")`. It wins over
    /// what is set here.
    #[must_use]
    pub fn option(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.push((name.into(), value.into()));
        self
    }

    /// Makes it a Sentinel, with these lines of `sentinel.conf`.
    #[must_use]
    pub(super) fn sentinel(mut self, watches: String) -> Self {
        self.watches = Some(watches);
        self
    }

    /// Starts it and waits until it answers. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When redis-server is not installed, the directory cannot be used or is in use, or the
    /// server ends or stays silent instead of answering.
    pub async fn start(self) -> Result<RedisServer, ServerError> {
        let (dir, temp) = match &self.home {
            Home::Dir(dir) => (absolute(dir)?, None),
            Home::Temp => {
                let temp = temp_dir()?;
                (absolute(temp.path())?, Some(temp))
            }
        };
        let spec = Spec {
            program: self.program,
            dir,
            durability: self.durability,
            options: self.options,
            watches: self.watches,
        };
        spec.make_dir()?;
        let mut tries = 0;
        loop {
            tries += 1;
            let port = match self.listen {
                Listen::Unix => None,
                Listen::Port(port) => Some(port),
                Listen::FreePort => Some(ports::free()?),
            };
            let address = match port {
                None => Address::socket_in(&spec.dir)?,
                Some(port) => ports::address(port),
            };
            let mut server = RedisServer::new(spec.clone(), address, port);
            match server.start().await {
                Ok(()) => return Ok(server.keeping(temp)),
                Err(ServerError::Ended { .. })
                    if matches!(self.listen, Listen::FreePort) && tries < PORT_TRIES => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn temp_dir() -> Result<TempDir, ServerError> {
    tempfile::Builder::new()
        .prefix("purgeline-redis-")
        .tempdir()
        .map_err(ServerError::io("make a directory in", std::env::temp_dir()))
}
