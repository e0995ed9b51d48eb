//! What a fleet costs Redis while nothing is to be done.

use purgeline_core::config::WorkerConfig;
use purgeline_sim::{CallKind, huawei::HuaweiSettings, qiniu::QiniuSettings};
use purgeline_tests::{RETENTION, RunningWorker, TestEnv, eventually, qiniu, target, url, worker_config};
use purgeline_worker::Worker;
use serde_json::json;
use std::{path::Path, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
};

/// As in the default configuration.
fn by_default() -> WorkerConfig {
    WorkerConfig {
        lease_ms: 30_000.try_into().unwrap(),
        idle_poll_ms: 1_000.try_into().unwrap(),
        ..worker_config()
    }
}

/// Commands that Redis got from its clients in a time; what scripts call is not among them.
async fn commands(dir: &Path, time: Duration) -> usize {
    let mut redis = BufReader::new(UnixStream::connect(dir.join("redis.sock")).await.unwrap());
    redis.write_all(b"MONITOR\r\n").await.unwrap();
    let (mut line, mut count) = (String::new(), 0);
    let end = tokio::time::sleep(time);
    tokio::pin!(end);
    loop {
        line.clear();
        tokio::select! {
            () = &mut end => return count,
            read = redis.read_line(&mut line) => {
                assert!(read.unwrap() > 0, "Redis has closed the connection");
                count += usize::from(line.starts_with("+1") && !line.contains(" lua]"));
            }
        }
    }
}

async fn commands_a_second(targets: usize, workers: usize) -> f64 {
    const MEASURED: Duration = Duration::from_secs(12);
    let sim = QiniuSettings::lifted().start().await.unwrap();
    let targets =
        (0..targets).map(|at| target(&format!("cdn{at}"), qiniu(sim.base_url(), json!({})))).collect();
    let env = TestEnv::new(targets).await;
    let Some(dir) = env.redis().alone("the commands of one server are counted") else { return 0.0 };
    let workers: Vec<_> = (0..workers)
        .map(|at| {
            let name = format!("w{at}");
            Worker::new(env.queue.work(), env.targets.clone(), by_default(), RETENTION, name)
        })
        .map(RunningWorker::run)
        .collect();
    // They start.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let a_second = commands(dir, MEASURED).await as f64 / MEASURED.as_secs_f64();
    for worker in &workers {
        worker.ask_to_stop();
    }
    for worker in workers {
        worker.stop().await;
    }
    a_second
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_at_rest_asks_redis_seldom_however_many_workers_it_has() {
    let one = commands_a_second(1, 1).await;
    let many = commands_a_second(20, 10).await;
    let text = format!("at rest {one:.1} commands a second by 1 worker for 1 target, {many:.1} by 10 for 20");
    println!("{text}");
    assert!(one <= 8.0 && many <= 60.0, "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_fleet_at_rest_one_takes_what_arrives_and_polls_for_nothing() {
    let sim = QiniuSettings { processing_ms: 20, ..QiniuSettings::lifted() }.start().await.unwrap();
    let env = TestEnv::new(vec![target("cdn", qiniu(sim.base_url(), json!({})))]).await;
    let never = WorkerConfig { idle_poll_ms: 3_600_000.try_into().unwrap(), ..worker_config() };
    let workers: Vec<_> = ["w1", "w2", "w3"]
        .map(|name| Worker::new(env.queue.work(), env.targets.clone(), never.clone(), RETENTION, name))
        .map(RunningWorker::run)
        .into();
    for name in ["a", "b", "c", "d"] {
        let submitted = env.submit(&[url(name)], &[]).await;
        env.succeeded(submitted.job, &sim).await;
    }
    env.at_rest().await;
    for worker in workers {
        worker.stop().await;
    }
}

/// A rolling restart: each worker that starts would ask.
#[tokio::test(flavor = "multi_thread")]
async fn one_worker_asks_for_the_quotas_of_the_fleet() {
    let sim = HuaweiSettings::default().start().await.unwrap();
    let config = json!({
        "provider": "huawei",
        "hosts": ["*.example.com"],
        "settings": { "access_key": "sim-access-key", "secret_key": "sim-secret-key", "base_url": sim.base_url() },
    });
    let env = TestEnv::new(vec![target("cdn", config)]).await;
    let asked = || sim.log().of_kind(CallKind::Other).count();
    let first = env.worker("w0");
    eventually("the quotas are asked for", || async { (asked() > 0).then_some(()) }).await;
    let others: Vec<_> = (1..8).map(|number| env.worker(&format!("w{number}"))).collect();
    eventually("all workers are alive", || async {
        (env.queue.inspect().workers().await.ok()?.len() == 8).then_some(())
    })
    .await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(asked(), 1);
    for worker in others.into_iter().chain([first]) {
        worker.stop().await;
    }
}
