use crate::{PATIENCE, TestEnv, eventually, worker_config};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use purgeline_worker::CrashPoint;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{fs, os::unix::process::ExitStatusExt, path::Path, process::ExitStatus};
use tokio::process::{Child, Command};

/// What a process of its own is to do, as JSON on its command line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChildTask {
    /// Works for one target until SIGTERM.
    Work {
        redis: String,
        name: String,
        target: String,
        config: Value,
        lease_ms: u64,
        headroom_ms: u64,
        /// What happens to the worker when it reaches this point for the first time.
        fault: Option<(String, ProcessFault)>,
    },
    /// Submits one job of so many URLs under a key, and ends when it was accepted.
    Submit { redis: String, target: String, config: Value, key: String, urls: usize },
}

/// What happens to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessFault {
    /// SIGKILL.
    Kill,
    /// SIGSTOP: it stands still until SIGCONT.
    Stop,
}

/// A worker or a producer in a process of its own. Killed when dropped.
pub struct ChildProcess(Child);

/// The times of a worker that the test kills.
#[derive(Clone, Copy, Debug)]
pub struct WorkerTiming {
    pub lease_ms: u64,
    pub headroom_ms: u64,
}

impl Default for WorkerTiming {
    fn default() -> Self {
        Self { lease_ms: LEASE_MS, headroom_ms: worker_config().headroom_ms }
    }
}

/// How long the lease of a worker lasts that the test kills, in ms. Longer than a busy machine needs to
/// reach the crash point; the test has the time pass.
const LEASE_MS: u64 = 600_000;

impl ProcessFault {
    #[must_use]
    pub const fn signal(self) -> Signal {
        match self {
            Self::Kill => Signal::SIGKILL,
            Self::Stop => Signal::SIGSTOP,
        }
    }
}

impl ChildProcess {
    /// `program` is `env!("CARGO_BIN_EXE_child")`, which only a test can ask for.
    #[must_use]
    pub fn start(program: &str, task: &ChildTask) -> Self {
        let task = serde_json::to_string(task).unwrap();
        Self(Command::new(program).arg(task).kill_on_drop(true).spawn().unwrap())
    }

    /// A worker for the environment's first target, whose configuration is given once more. `fault`
    /// happens to it at a crash point.
    #[must_use]
    pub fn worker(
        program: &str,
        env: &TestEnv,
        config: &Value,
        fault: Option<(CrashPoint, ProcessFault)>,
    ) -> Self {
        Self::worker_of(WorkerTiming::default(), program, env, config, fault)
    }

    /// The same for a worker with other times.
    #[must_use]
    pub fn worker_of(
        timing: WorkerTiming,
        program: &str,
        env: &TestEnv,
        config: &Value,
        fault: Option<(CrashPoint, ProcessFault)>,
    ) -> Self {
        let task = ChildTask::Work {
            redis: env.redis().url().to_owned(),
            name: "child".to_owned(),
            target: env.target().name.to_string(),
            config: config.clone(),
            lease_ms: timing.lease_ms,
            headroom_ms: timing.headroom_ms,
            fault: fault.map(|(point, fault)| (point.as_str().to_owned(), fault)),
        };
        Self::start(program, &task)
    }

    /// What a child process has leased is free again after this.
    pub async fn outlive_leases(env: &TestEnv) {
        env.pass(LEASE_MS).await;
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.0.id().expect("it has not ended")).unwrap())
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    /// Waits until SIGKILL has ended it.
    pub async fn killed(mut self) {
        let status = self.ended().await;
        assert_eq!(status.signal(), Some(Signal::SIGKILL as i32), "it ended otherwise: {status}");
    }

    /// Waits until SIGSTOP has stopped it.
    pub async fn stopped(&self) {
        let stat = Path::new("/proc").join(self.pid().to_string()).join("stat");
        eventually("the process is stopped", || async {
            let text = fs::read_to_string(&stat).ok()?;
            // `pid (name) state …`, and the name may hold anything.
            text.rsplit_once(") ")?.1.starts_with('T').then_some(())
        })
        .await;
    }

    /// Waits until it has ended by itself, well.
    pub async fn succeeded(mut self) {
        let status = self.ended().await;
        assert!(status.success(), "it ended with {status}");
    }

    async fn ended(&mut self) -> ExitStatus {
        let ended = tokio::time::timeout(PATIENCE, self.0.wait()).await;
        ended.expect("the process ends").unwrap()
    }
}
