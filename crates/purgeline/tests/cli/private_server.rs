//! Without `redis.url`: one private redis-server for all processes of a data directory.

use crate::{
    support::{Called, TARGETS, UNREACHABLE, program, refusing_cache},
    work::Service,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{fs, process::Command};
use tempfile::TempDir;

/// A data directory, whose server a failing test must not leave behind.
struct DataDir(TempDir);

impl DataDir {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data").display().to_string();
        let targets = TARGETS.replace(UNREACHABLE, &refusing_cache());
        fs::write(dir.path().join("purgeline.toml"), format!("redis.data_dir = '{data}'\n{targets}"))
            .unwrap();
        Self(dir)
    }

    fn command(&self) -> Command {
        let mut command = program();
        command.arg("--config").arg(self.0.path().join("purgeline.toml"));
        command
    }

    fn call(&self, args: &[&str]) -> Called {
        Called::from(self.command().args(args).output().unwrap())
    }

    fn connect(&self) -> Option<redis::Connection> {
        let url = format!("redis+unix://{}/data/redis.sock", self.0.path().display());
        redis::Client::open(url).unwrap().get_connection().ok()
    }

    fn server_pid(&self) -> Option<i32> {
        let info: redis::InfoDict = redis::cmd("INFO").arg("server").query(&mut self.connect()?).ok()?;
        info.get("process_id")
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        if let Some(mut connection) = self.connect() {
            let _ = redis::cmd("SHUTDOWN").exec(&mut connection);
        }
    }
}

#[test]
fn short_commands_share_it_and_the_last_worker_stops_it() {
    let dir = DataDir::new();
    assert_eq!(dir.call(&["enqueue", "https://www.example.com/a"]).code, 0);
    let pid = dir.server_pid().expect("it goes on when the command that started it has ended");
    assert!(dir.call(&["job", "list"]).out.contains("active"));

    let (one, two) = (Service::worker(&mut dir.command()), Service::worker(&mut dir.command()));
    let called = dir.call(&["enqueue", "--wait", "https://www.example.com/b"]);
    assert_eq!(called.code, 1, "the cache of this target refuses: {}", called.err);
    assert_eq!(dir.server_pid(), Some(pid));

    let (_, log) = one.stop();
    assert!(log.contains("goes on: other purgeline processes use it"), "{log}");
    assert_eq!(dir.server_pid(), Some(pid));
    let (_, log) = two.stop();
    assert!(log.contains("the private redis-server is stopped"), "{log}");
    assert!(dir.connect().is_none());

    assert!(dir.call(&["job", "list"]).out.contains("failed"), "what it held is on disk");
}

#[test]
fn a_killed_worker_leaves_it_to_the_next() {
    let dir = DataDir::new();
    assert_eq!(dir.call(&["enqueue", "https://www.example.com/a"]).code, 0);
    let pid = dir.server_pid().unwrap();
    let worker = Service::worker(&mut dir.command());
    let called = dir.call(&["enqueue", "--wait", "https://www.example.com/b"]);
    assert_eq!(called.code, 1, "{}", called.err);
    worker.signal(Signal::SIGKILL);
    drop(worker);
    assert!(dir.call(&["job", "list"]).out.contains("failed"));
    assert_eq!(dir.server_pid(), Some(pid), "the same server");
    // A dead process is no user: the next worker is the last one.
    let (_, log) = Service::worker(&mut dir.command()).stop();
    assert!(log.contains("the private redis-server is stopped"), "{log}");
}

#[test]
fn a_worker_starts_it_again_when_it_dies() {
    let dir = DataDir::new();
    let worker = Service::worker(&mut dir.command());
    let called = dir.call(&["enqueue", "--wait", "https://www.example.com/a"]);
    assert_eq!(called.code, 1, "{}", called.err);
    let pid = dir.server_pid().unwrap();
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    let new = loop {
        match dir.server_pid() {
            Some(new) if new != pid => break new,
            _ => std::thread::yield_now(),
        }
    };
    let called = dir.call(&["enqueue", "--wait", "https://www.example.com/b"]);
    assert_eq!(called.code, 1, "{}", called.err);
    assert_eq!(dir.server_pid(), Some(new));
    let (_, log) = worker.stop();
    assert!(log.contains("had died and was started again"), "{log}");
}

#[test]
fn a_missing_redis_server_is_said() {
    let dir = DataDir::new();
    let output = dir.command().args(["job", "list"]).env("PATH", "/nonexistent").output().unwrap();
    let called = Called::from(output);
    assert_eq!(called.code, 4);
    let says = "purgeline: \"redis-server\" was not found: install Redis 7 or newer";
    assert!(called.err.starts_with(says), "{}", called.err);
}
