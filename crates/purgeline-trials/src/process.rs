//! A child process that signals are sent to.

use std::{
    fs::OpenOptions,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::process::{Child, Command};

/// How long a process may take to end when asked to.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running process. Killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
}

// === impl Process ===

impl Process {
    /// Starts it; what it prints is appended to the file `log`.
    pub(crate) fn start(name: &str, command: &mut Command, log: &Path) -> Result<Self> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("cannot write {}", log.display()))?;
        let again = file.try_clone().with_context(|| format!("cannot write {}", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(again)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Self { name: name.to_owned(), child })
    }

    /// Sends it a signal. One that has ended takes none.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        let Some(id) = self.child.id() else { return Ok(()) };
        send(id, signal).with_context(|| format!("cannot send {signal} to {}", self.name))
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().with_context(|| format!("cannot look at {}", self.name))
    }

    /// Kills it on the spot.
    pub(crate) async fn kill(mut self) -> Result<()> {
        self.child.kill().await.with_context(|| format!("cannot kill {}", self.name))
    }

    /// Asks it to end (SIGTERM), and waits until it has: well, or by the signal, as a process does
    /// that has not come so far as to listen for it.
    pub(crate) async fn terminate(mut self) -> Result<()> {
        self.signal(Signal::SIGTERM)?;
        let status = self.wait().await?;
        if !status.success() && status.signal() != Some(Signal::SIGTERM as i32) {
            bail!("{} was told to end, and ended with {status}", self.name);
        }
        Ok(())
    }

    /// Waits until it has ended by itself, well.
    pub(crate) async fn succeeded(&mut self) -> Result<()> {
        let status = self.wait().await?;
        if !status.success() {
            bail!("{} ended with {status}", self.name);
        }
        Ok(())
    }

    async fn wait(&mut self) -> Result<ExitStatus> {
        let Ok(ended) = tokio::time::timeout(PATIENCE, self.child.wait()).await else {
            bail!("{} did not end within {} s", self.name, PATIENCE.as_secs());
        };
        ended.with_context(|| format!("cannot wait for {}", self.name))
    }
}

/// Sends a signal to a process that we started and have not waited for.
pub(crate) fn send(id: u32, signal: Signal) -> Result<()> {
    let id = i32::try_from(id).context("a process id is an i32")?;
    kill(Pid::from_raw(id), signal)?;
    Ok(())
}
