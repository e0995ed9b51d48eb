//! Where a trial takes place: a directory for everything it writes, a redis-server, the
//! configuration of its targets, and `purgeline` workers.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use purgeline_config::{Layers, Loaded, Secrets, load};
use purgeline_core::config::Durability;
use purgeline_producer::Producer;
use purgeline_queue::{Queue, Retention};
use purgeline_redis_server::RedisServer;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::process::Process;

/// The directory of a trial, removed with this value unless it is kept.
#[derive(Debug)]
pub(crate) struct TrialDir {
    dir: TempDir,
    config: PathBuf,
    program: PathBuf,
}

impl TrialDir {
    /// A new directory, with the configuration that `purgeline` processes are started with:
    /// `worker` is its table of that name, `targets` a table for each target.
    pub(crate) fn new(trial: &str, redis_timeout_ms: u64, worker: &Value, targets: &Value) -> Result<Self> {
        let dir = tempfile::Builder::new()
            .prefix(&format!("purgeline-{trial}-"))
            .tempdir()
            .context("cannot make a directory for the trial")?;
        let config = dir.path().join("purgeline.toml");
        fs::write(&config, configuration(redis_timeout_ms, worker, targets)?)
            .with_context(|| format!("cannot write {}", config.display()))?;
        Ok(Self { dir, config, program: purgeline()? })
    }

    /// The file with the configuration.
    pub(crate) fn config(&self) -> &Path {
        &self.config
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The directory stays when this is gone.
    pub(crate) fn keep(self) -> PathBuf {
        self.dir.keep()
    }

    /// A redis-server on a port, as processes that a proxy stands before need it.
    pub(crate) async fn redis(&self) -> Result<RedisServer> {
        let server = RedisServer::builder(&self.dir().join("redis"));
        Ok(server.free_port().durability(Durability::Always).start().await?)
    }

    /// Starts a worker that reaches Redis by this URL.
    pub(crate) fn worker(&self, name: &str, redis_url: &str) -> Result<Process> {
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PURGELINE__") {
                command.env_remove(name);
            }
        }
        command
            .arg("worker")
            .arg("--config")
            .arg(&self.config)
            .args(["--name", name])
            .env("PURGELINE__REDIS__URL", redis_url);
        Process::start(name, &mut command, &self.dir().join(format!("{name}.log")))
    }
}

/// The binary that was built together with this one and stands beside it.
fn purgeline() -> Result<PathBuf> {
    let ourselves = std::env::current_exe().context("cannot find this program's own file")?;
    let program = ourselves.with_file_name("purgeline");
    if !program.is_file() {
        bail!("{} is not there: build it with `cargo build --package purgeline`", program.display());
    }
    Ok(program)
}

/// The port's address of a redis-server that listens on one.
pub(crate) fn redis_address(server: &RedisServer) -> Result<SocketAddr> {
    let address = server.url().trim_start_matches("redis://").trim_end_matches('/');
    address.parse().with_context(|| format!("{} is no address on a port", server.url()))
}

/// The URL of a Redis at an address.
pub(crate) fn redis_url(address: SocketAddr) -> String {
    format!("redis://{address}/")
}

/// The configuration of a trial as TOML: `worker` is its table of that name, `targets` a table for
/// each target. Nothing is forgotten while a trial lasts.
pub(crate) fn configuration(redis_timeout_ms: u64, worker: &Value, targets: &Value) -> Result<String> {
    toml::to_string(&json!({
        "redis": { "timeout_ms": redis_timeout_ms },
        "retention": {
            "succeeded_s": 86_400,
            "failed_s": 86_400,
            "max_dead_letters": 1_000_000,
            "max_jobs": 1_000_000,
            "history_s": 3_600,
        },
        "worker": worker,
        "targets": targets,
    }))
    .context("the configuration cannot be written as TOML")
}

/// A producer for the targets of a configuration file.
pub(crate) fn producer(config: &Path, redis_url: &str) -> Result<Producer> {
    let layers = Layers { file: Some(config.to_owned()), ..Layers::default() };
    let Loaded { config, targets, .. } = load(&layers, Secrets::Read)?;
    Ok(Producer::new(Queue::open(redis_url)?.produce(), targets, Retention::from(&config.retention)))
}
