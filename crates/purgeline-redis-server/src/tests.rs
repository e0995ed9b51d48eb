use super::{Left, RedisServer, ServerError, SharedServer, lock::DirLock};
use nix::{
    errno::Errno,
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use purgeline_core::config::Durability;
use redis::{AsyncTypedCommands, aio::MultiplexedConnection};
use std::{
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;

/// Far more than any of it takes; a hang ends the test instead of the test run.
const PATIENCE: Duration = Duration::from_secs(60);

async fn connect(url: &str) -> MultiplexedConnection {
    redis::Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap()
}

async fn config(connection: &mut MultiplexedConnection, name: &str) -> String {
    let (_, value): (String, String) =
        redis::cmd("CONFIG").arg("GET").arg(name).query_async(connection).await.unwrap();
    value
}

async fn server_pid(url: &str) -> u32 {
    let info: redis::InfoDict =
        redis::cmd("INFO").arg("server").query_async(&mut connect(url).await).await.unwrap();
    info.get("process_id").unwrap()
}

fn signal(pid: u32, signal: impl Into<Option<Signal>>) -> Result<(), Errno> {
    kill(Pid::from_raw(pid.try_into().unwrap()), signal)
}

/// A directory of a shared server, which a failing test must not leave behind.
struct SharedDir(TempDir);

impl SharedDir {
    fn new() -> Self {
        Self(tempfile::Builder::new().prefix("purgeline-shared-").tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    async fn join(&self, durability: Durability) -> SharedServer {
        SharedServer::join(self.path(), durability).await.unwrap()
    }
}

impl Drop for SharedDir {
    fn drop(&mut self) {
        let url = format!("redis+unix://{}/redis.sock", self.path().display());
        if let Ok(mut connection) = redis::Client::open(url).unwrap().get_connection() {
            let _ = redis::cmd("SHUTDOWN").exec(&mut connection);
        }
    }
}

#[tokio::test]
async fn keeps_all_on_disk_and_evicts_nothing() {
    let server = RedisServer::for_test().durability(Durability::Always).start().await.unwrap();
    let mut connection = connect(server.url()).await;
    assert_eq!(config(&mut connection, "appendonly").await, "yes");
    assert_eq!(config(&mut connection, "appendfsync").await, "always");
    assert_eq!(config(&mut connection, "maxmemory-policy").await, "noeviction");
    assert_eq!(config(&mut connection, "save").await, "");
    assert_eq!(server_pid(server.url()).await, server.pid().unwrap());
    assert!(server.dir().join("redis.log").is_file());
}

#[tokio::test]
async fn an_option_wins() {
    let server = RedisServer::for_test().option("appendonly", "no").start().await.unwrap();
    assert_eq!(config(&mut connect(server.url()).await, "appendonly").await, "no");
}

#[tokio::test]
async fn a_killed_server_comes_back_with_what_it_had_answered() {
    let mut server = RedisServer::for_test().durability(Durability::Always).start().await.unwrap();
    let (pid, url) = (server.pid().unwrap(), server.url().to_owned());
    connect(&url).await.set("a", "1").await.unwrap();
    server.kill();
    assert_eq!(server.pid(), None);
    assert_eq!(signal(pid, None), Err(Errno::ESRCH));

    server.start().await.unwrap();
    assert_eq!(server.url(), url);
    assert_ne!(server.pid().unwrap(), pid);
    assert_eq!(connect(&url).await.get("a").await.unwrap().as_deref(), Some("1"));
}

#[tokio::test]
async fn a_server_that_died_by_itself_is_started_again() {
    let mut server = RedisServer::for_test().durability(Durability::Always).start().await.unwrap();
    let mut connection = connect(server.url()).await;
    connection.set("a", "1").await.unwrap();
    signal(server.pid().unwrap(), Signal::SIGKILL).unwrap();
    // The connection's end is the sign of its death.
    while connection.get("a").await.is_ok() {}
    server.start().await.unwrap();
    assert_eq!(connect(server.url()).await.get("a").await.unwrap().as_deref(), Some("1"));
}

#[tokio::test]
async fn a_stopped_server_has_written_everything() {
    let mut server = RedisServer::for_test().free_port().start().await.unwrap();
    let url = server.url().to_owned();
    assert!(url.starts_with("redis://127.0.0.1:"), "{url}");
    connect(&url).await.set("a", "1").await.unwrap();
    server.restart().await.unwrap();
    assert_eq!(server.url(), url, "a restarted server keeps its port");
    assert_eq!(connect(&url).await.get("a").await.unwrap().as_deref(), Some("1"));
}

#[tokio::test]
async fn dropping_ends_it_and_its_directory() {
    let server = RedisServer::for_test().start().await.unwrap();
    let (pid, dir) = (server.pid().unwrap(), server.dir().to_owned());
    drop(server);
    assert_eq!(signal(pid, None), Err(Errno::ESRCH));
    assert!(!dir.exists());
}

#[tokio::test]
async fn any_directory_will_do() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("a b%20c \"d\" #é");
    let server = RedisServer::builder(&dir).start().await.unwrap();
    connect(server.url()).await.set("a", "1").await.unwrap();
    assert!(dir.join("redis.sock").exists());
}

#[tokio::test]
async fn one_directory_has_one_server() {
    let server = RedisServer::for_test().start().await.unwrap();
    let error = RedisServer::builder(server.dir()).start().await.unwrap_err();
    assert!(matches!(error, ServerError::InUse(_)), "{error}");
    assert_eq!(server_pid(server.url()).await, server.pid().unwrap());
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let error = RedisServer::for_test().program("no-such-redis-server").start().await.unwrap_err();
    let said = error.to_string();
    assert!(said.starts_with("\"no-such-redis-server\" was not found: install Redis"), "{said}");

    let error = RedisServer::for_test().option("no-such-option", "1").start().await.unwrap_err();
    let said = error.to_string();
    assert!(matches!(error, ServerError::Ended { .. }) && said.contains("no-such-option"), "{said}");

    let long = Path::new("/tmp").join("x".repeat(120));
    let error = RedisServer::builder(&long).start().await.unwrap_err();
    assert!(matches!(error, ServerError::PathTooLong { bytes: 136, .. }), "{error}");
}

#[tokio::test]
async fn the_first_starts_it_the_others_join_it_the_last_stops_it() {
    let dir = SharedDir::new();
    let (one, two, three) = tokio::join!(
        dir.join(Durability::Everysec),
        dir.join(Durability::Everysec),
        dir.join(Durability::Everysec),
    );
    let started = [&one, &two, &three].into_iter().filter(|server| server.started()).count();
    assert_eq!(started, 1);
    let pid = server_pid(one.url()).await;
    connect(two.url()).await.set("a", "1").await.unwrap();

    assert_eq!(three.leave().await.unwrap(), Left::InUse);
    assert_eq!(one.leave().await.unwrap(), Left::InUse);
    assert_eq!(server_pid(two.url()).await, pid);
    assert_eq!(two.leave().await.unwrap(), Left::Stopped);
    assert!(DirLock::try_acquire(dir.path()).unwrap().is_some(), "the process is gone");

    let again = dir.join(Durability::Everysec).await;
    assert!(again.started());
    assert_eq!(connect(again.url()).await.get("a").await.unwrap().as_deref(), Some("1"));
}

#[tokio::test]
async fn it_stays_for_clients_that_are_no_purgeline() {
    let dir = SharedDir::new();
    let server = dir.join(Durability::Everysec).await;
    let mut client = connect(server.url()).await;
    assert_eq!(server.leave().await.unwrap(), Left::HasClients(1));
    client.set("a", "1").await.unwrap();
}

#[tokio::test]
async fn a_dead_shared_server_is_revived() {
    let dir = SharedDir::new();
    let server = dir.join(Durability::Always).await;
    assert!(!server.revive().await.unwrap());
    let mut connection = connect(server.url()).await;
    connection.set("a", "1").await.unwrap();
    signal(server_pid(server.url()).await, Signal::SIGKILL).unwrap();
    while connection.get("a").await.is_ok() {}
    // The connection may end a moment before the process has let go of its lock.
    while !server.revive().await.unwrap() {}
    assert_eq!(connect(server.url()).await.get("a").await.unwrap().as_deref(), Some("1"));
    assert!(!server.revive().await.unwrap());
}

#[tokio::test]
async fn durability_is_raised_and_never_lowered() {
    let dir = SharedDir::new();
    let weak = dir.join(Durability::Everysec).await;
    let mut connection = connect(weak.url()).await;
    assert_eq!(config(&mut connection, "appendfsync").await, "everysec");
    let _strong = dir.join(Durability::Always).await;
    assert_eq!(config(&mut connection, "appendfsync").await, "always");
    let _weak_again = dir.join(Durability::Everysec).await;
    assert_eq!(config(&mut connection, "appendfsync").await, "always");
}

#[tokio::test]
async fn an_owned_server_does_not_outlive_its_process() {
    let temp = tempfile::tempdir().unwrap();
    let mut process = OtherProcess::run("own", temp.path());
    process.kill();
    // The server holds this lock until its death; its number may stay as long as init likes.
    DirLock::acquire(temp.path(), PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_shared_server_outlives_its_starter() {
    let dir = SharedDir::new();
    let mut process = OtherProcess::run("share", dir.path());
    process.kill();
    let server = dir.join(Durability::Everysec).await;
    assert!(!server.started());
    assert_eq!(server_pid(server.url()).await, process.server_pid);
    assert_eq!(server.leave().await.unwrap(), Left::Stopped, "a dead process is no user");
}

/// This test program once more, as a process that runs [`other_process`] and can be killed.
struct OtherProcess {
    child: Child,
    server_pid: u32,
}

impl OtherProcess {
    fn run(mode: &str, dir: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "tests::other_process", "--ignored", "--nocapture"])
            .env("PURGELINE_TEST_MODE", mode)
            .env("PURGELINE_TEST_DIR", dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let server_pid = lines
            .map(Result::unwrap)
            .find_map(|line| line.split_once("server pid ")?.1.parse().ok())
            .expect("the process says its server's pid");
        Self { child, server_pid }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// No test: the body of [`OtherProcess`]. It holds a server until it is killed.
#[tokio::test]
#[ignore = "run by other tests as a process of its own"]
async fn other_process() {
    let Ok(mode) = std::env::var("PURGELINE_TEST_MODE") else { return };
    let dir = PathBuf::from(std::env::var_os("PURGELINE_TEST_DIR").unwrap());
    let owned;
    let shared;
    let pid = match mode.as_str() {
        "own" => {
            owned = RedisServer::builder(&dir).start().await.unwrap();
            owned.pid().unwrap()
        }
        _ => {
            shared = SharedServer::join(&dir, Durability::Everysec).await.unwrap();
            server_pid(shared.url()).await
        }
    };
    println!("server pid {pid}");
    std::io::stdout().flush().unwrap();
    let _ = std::io::stdin().read(&mut [0]);
}
