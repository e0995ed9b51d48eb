//! From `enqueue` through `worker` to the end of the job.

#[cfg(feature = "demo")]
use crate::support::program;
use crate::support::{Fixture, refusing_cache};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use purgeline_redis_server::RedisServer;
use purgeline_sim::{CallKind, Sim, qiniu::QiniuSettings};
use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStderr, Command, Stdio},
};

/// A service of ours as a process, which a failing test must not leave behind.
pub(crate) struct Service {
    child: Child,
    log: BufReader<ChildStderr>,
    logged: String,
}

impl Service {
    /// A worker that has joined its Redis and works.
    pub(crate) fn worker(command: &mut Command) -> Self {
        Self::start(command.arg("worker"), " started")
    }

    /// Starts it and waits until a line of its log says so.
    fn start(command: &mut Command, says: &str) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let mut service = Self { child, log, logged: String::new() };
        while !service.logged.contains(says) {
            let read = service.log.read_line(&mut service.logged).unwrap();
            assert!(read > 0, "it ended: {}", service.logged);
        }
        service
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Ends it as an operator would; it must end well. Gives what it answered and logged.
    pub(crate) fn stop(mut self) -> (String, String) {
        self.signal(Signal::SIGTERM);
        self.log.read_to_string(&mut self.logged).unwrap();
        let mut answered = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut answered).unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {}", self.logged);
        (answered, std::mem::take(&mut self.logged))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn simulator() -> Sim {
    QiniuSettings { processing_ms: 0, ..QiniuSettings::lifted() }.start().await.unwrap()
}

/// A target at the simulator, and one that refuses.
fn targets(sim: &Sim) -> String {
    format!(
        r#"
        [targets.static]
        provider = "qiniu"
        hosts = ["static.example.com"]
        [targets.static.settings]
        access_key = "sim-access-key"
        secret_key = "sim-secret-key"
        base_url = "{}"
        polls = {{ first_ms = 1, then_ms = 10, max_ms = 10 }}

        [targets.www]
        provider = "http"
        hosts = ["www.example.com"]
        max_attempts = 1
        settings.nodes = ["{}"]
        "#,
        sim.base_url(),
        refusing_cache()
    )
}

async fn fixture(sim: &Sim) -> Fixture {
    Fixture::with(&targets(sim), RedisServer::for_test().start().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_waited_for() {
    let sim = simulator().await;
    let fixture = fixture(&sim).await;
    let worker = Service::worker(&mut fixture.command());
    let args = ["enqueue", "--wait", "--output", "json", "https://static.example.com/a"];
    let called = fixture.call(&args);
    assert_eq!(called.code, 0, "{}{}", called.out, called.err);
    let answer = called.json();
    assert_eq!((&answer["state"], &answer["ended"]["state"]), (&"succeeded".into(), &"succeeded".into()));
    assert_eq!(answer["ended"]["parts"]["static"]["succeeded"], 1);
    assert_eq!(sim.log().carrying("https://static.example.com/a").count(), 1);

    // One item that fails is enough to say so.
    let args = ["enqueue", "--wait", "https://www.example.com/a", "https://static.example.com/b"];
    let called = fixture.call(&args);
    assert_eq!(called.code, 1, "{}{}", called.out, called.err);
    assert!(called.out.contains(": partial\n") && called.out.contains("failed:\n  www/"), "{}", called.out);

    let (answered, _) = worker.stop();
    assert_eq!(answered, "", "a service speaks through its log");
    assert_eq!(fixture.call(&["doctor", "--deep"]).code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_finishes_its_calls_before_it_ends() {
    let sim = simulator().await;
    let fixture = fixture(&sim).await;
    sim.gate().close_for(CallKind::Purge);
    let job = fixture.enqueue(&["https://static.example.com/a"]).to_string();
    let mut worker = Service::worker(&mut fixture.command());
    sim.wait_for(|log| log.stats().held == 1).await.unwrap();
    worker.signal(Signal::SIGINT);
    let mut line = String::new();
    while !line.contains("stopping: ") {
        line.clear();
        worker.log.read_line(&mut line).unwrap();
    }
    sim.gate().open();
    assert!(worker.child.wait().unwrap().success());
    let said = fixture.call(&["job", "show", &job]).out;
    assert!(said.contains("/a was accepted in batch "), "{said}");

    // Another worker asks how it fares, and nothing is sent again.
    let worker = Service::worker(&mut fixture.command());
    let args = ["enqueue", "--wait", "https://static.example.com/b"];
    assert_eq!(fixture.call(&args).code, 0);
    while !fixture.call(&["job", "show", &job]).out.contains(": succeeded") {}
    worker.stop();
    assert_eq!(sim.log().carrying("https://static.example.com/a").count(), 1);
}

#[tokio::test]
async fn a_worker_without_targets_says_what_to_do() {
    let fixture = Fixture::with("", RedisServer::for_test().start().await.unwrap());
    let called = fixture.call(&["worker"]);
    assert_eq!(called.code, 3, "{}", called.err);
    assert!(called.err.contains("no target is configured: add one under [targets.NAME]"), "{}", called.err);
}

#[cfg(feature = "demo")]
#[test]
fn a_simulator_can_be_played() {
    let args = ["sim", "qiniu", "--output", "json", "--settings", "{\"processing_ms\":1}"];
    let sim = Service::start(program().args(args), "simulator listens");
    let (answered, _) = sim.stop();
    let answer: serde_json::Value = serde_json::from_str(&answered).unwrap();
    assert_eq!(answer["provider"], "qiniu");
    assert!(answer["base_url"].as_str().unwrap().starts_with("http://127.0.0.1:"), "{answer}");

    let args = ["sim", "qiniu", "--settings", "{\"processing_s\":1}"];
    let output = program().args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("processing_s"));
}
