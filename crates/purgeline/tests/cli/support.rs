//! A Redis of the test's own, a configuration for it, and the program.

use purgeline_core::{JobId, Target};
use purgeline_queue::Queue;
use purgeline_redis_server::RedisServer;
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::PathBuf,
    process::{Command, Output, Stdio},
};
use tempfile::TempDir;

/// Where nobody listens.
pub(crate) const UNREACHABLE: &str = "http://127.0.0.1:9";

/// A target whose cache nobody can reach.
pub(crate) const TARGETS: &str = r#"
[targets.www]
provider = "http"
hosts = ["www.example.com"]
max_attempts = 1
settings.nodes = ["http://127.0.0.1:9"]

[targets.static]
provider = "qiniu"
hosts = ["static.example.com"]
settings = { access_key = "sim-access-key", secret_key = "sim-secret-key" }
"#;

/// A cache that refuses each purge for good, as long as the test lives: what is sent to it fails at
/// once. (What cannot be reached fails nothing: everything waits until it can be.)
pub(crate) fn refusing_cache() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut asked = BufReader::new(connection.try_clone().unwrap());
                let mut line = String::new();
                // The end of a head is an empty line; a purge has no body.
                while asked.read_line(&mut line).is_ok_and(|read| read > 2) {
                    line.clear();
                }
                let refusal = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                let _ = connection.write_all(refusal);
            });
        }
    });
    format!("http://{address}")
}

pub(crate) struct Fixture {
    pub(crate) redis: RedisServer,
    dir: TempDir,
}

/// What a call of the program gave.
pub(crate) struct Called {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self::with(TARGETS, RedisServer::for_test().start().await.unwrap())
    }

    pub(crate) fn with(targets: &str, redis: RedisServer) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = format!("redis.url = \"{}\"\n{targets}", redis.url());
        fs::write(dir.path().join("purgeline.toml"), config).unwrap();
        Self { redis, dir }
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.dir.path().join("purgeline.toml")
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = program();
        command.arg("--config").arg(self.config());
        command
    }

    pub(crate) fn call(&self, args: &[&str]) -> Called {
        Called::from(self.command().args(args).output().unwrap())
    }

    pub(crate) fn call_with_input(&self, args: &[&str], input: &[u8]) -> Called {
        let mut child = self
            .command()
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        Called::from(child.wait_with_output().unwrap())
    }

    pub(crate) fn queue(&self) -> Queue {
        Queue::open(self.redis.url()).unwrap()
    }

    /// How many keys there are: none as long as nothing was enqueued.
    pub(crate) async fn keys(&self) -> u64 {
        redis::cmd("DBSIZE").query_async(&mut self.queue().manager()).await.unwrap()
    }

    /// Enqueues, and gives the job's id.
    pub(crate) fn enqueue(&self, args: &[&str]) -> JobId {
        let called = self.call(&[&["enqueue", "--output", "json"], args].concat());
        assert_eq!(called.code, 0, "{}", called.err);
        called.json()["job"].as_str().unwrap().parse().unwrap()
    }
}

impl Called {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("{}{}", self.out, self.err))
    }

    /// What was written to standard error, as JSON.
    pub(crate) fn failure(&self) -> Value {
        serde_json::from_str(&self.err).unwrap_or_else(|_| panic!("{}{}", self.out, self.err))
    }
}

impl From<Output> for Called {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().expect("it ended by itself"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The program, with none of our own environment's settings.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_purgeline"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PURGELINE") || name == "RUST_LOG" {
            command.env_remove(name);
        }
    }
    command
}

/// An answer's two forms are those that are kept. Ids, times and spans differ from run to run.
pub(crate) fn assert_both(name: &str, human: &Called, json: &Called) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.add_filter(r"[0-9A-HJKMNP-TV-Z]{26}", "[ULID]");
    settings.add_filter(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", "[TIME]");
    settings.add_filter(r#"_ms": \d{13}"#, r#"_ms": "[MS]""#);
    settings.bind(|| {
        insta::assert_snapshot!(format!("{name}-human"), human.out);
        insta::assert_snapshot!(format!("{name}-json"), serde_json::to_string_pretty(&json.json()).unwrap());
    });
}

/// A target that shares its account with none.
pub(crate) fn target(name: &str) -> Target {
    Target::alone(name.parse().unwrap())
}
