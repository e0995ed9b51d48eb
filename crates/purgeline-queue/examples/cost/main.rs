//! What the queue costs: time in Redis and memory for each URL, beside the least that writing the
//! same names and reading them back could cost on the same server in the same run; and how long the
//! scripts hold Redis on a bad day.
//!
//! `cargo run --release -p purgeline-queue --example cost [URLS]`
#![expect(clippy::print_stdout, reason = "it is its output")]

mod bad_day;

use purgeline_core::{CallLimits, JobId, Kind, Limits, Priority, Target};
use purgeline_queue::{Chunk, Lease, LeasePolicy, Queue, Retention, Settlement, Timing};
use purgeline_redis_server::RedisServer;
use redis::InfoDict;
use std::{collections::BTreeMap, error::Error, num::NonZeroU32, time::Instant};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// URLs of a job, as a page that was published has.
const JOB_URLS: usize = 20;
/// URLs of a call.
const CALL_URLS: u32 = 60;
const LANE: &str = "normal/url";
const RETENTION: Retention = Retention {
    succeeded_ms: 86_400_000,
    failed_ms: 86_400_000,
    max_dead_letters: 1,
    max_jobs: 1_000_000,
    max_events: 10_000,
    history_ms: 604_800_000,
    max_history: 100_000,
};

/// What a phase cost.
struct Cost {
    /// Until the last answer was here, one call after the other.
    wall_us: f64,
    /// Processor time of Redis.
    redis_us: f64,
}

struct Bench {
    queue: Queue,
    target: Target,
    policy: LeasePolicy,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let urls: usize = std::env::args().nth(1).map_or(Ok(100_000), |count| count.parse())?;
    // A rewrite of the append-only file would fall into one phase or another.
    let server = RedisServer::for_test().option("auto-aof-rewrite-percentage", "0").start().await?;
    let bench = Bench {
        queue: Queue::open(server.url())?,
        target: Target::alone("cost".parse()?),
        policy: LeasePolicy::new(&limits(CALL_URLS)?, 0, 60_000, 0),
    };
    let names: Vec<String> = (0..urls).map(name).collect();
    println!("{urls} URLs of {} bytes, {JOB_URLS} a job, {CALL_URLS} a call", names[0].len() - 4);
    println!("µs a URL                 wall   Redis CPU");
    bench.floor(&names).await?;
    bench.case("each asked for once", &names, 1).await?;
    bench.case("each asked for 3 times", &names, 3).await?;
    bench.idle().await?;
    bench.flush().await?;
    bad_day::run(&bench.queue).await
}

/// A URL of 65 bytes, with `url:` before it.
fn name(number: usize) -> String {
    format!("url:https://www.example.com/news/2026/section-{:03}/article-{number:06}.html", number % 1000)
}

/// Calls of so many URLs, with no bound over time.
fn limits(call_urls: u32) -> Outcome<Limits> {
    let most = NonZeroU32::new(call_urls).ok_or("no URLs a call")?;
    let call = CallLimits {
        max_items: most,
        max_of_kind: BTreeMap::from([(Kind::Url, most)]),
        mix_kinds: false,
        max_hosts: None,
        max_bytes: None,
    };
    let max_in_flight = NonZeroU32::MAX;
    Ok(Limits { call, rates: Vec::new(), max_in_flight, max_tasks: None, quotas: Vec::new() })
}

impl Bench {
    /// The least: one HSET and one RPUSH a job to write, one LPOP, HMGET and HDEL a call to read.
    async fn floor(&self, names: &[String]) -> Outcome<()> {
        let mut redis = self.queue.manager();
        self.flush().await?;
        let record = "x".repeat(100);
        let before = self.memory().await?;
        let cost = self
            .measure(async {
                for job in names.chunks(JOB_URLS) {
                    let fields: Vec<_> = job.iter().map(|name| (name, &record)).collect();
                    let mut pipe = redis::pipe();
                    pipe.hset_multiple("floor:records", &fields).rpush("floor:lane", job);
                    pipe.query_async::<()>(&mut self.queue.manager()).await?;
                }
                Ok(())
            })
            .await?;
        print("floor: write", &cost, names.len());
        let bytes = self.memory().await? - before;
        let cost = self
            .measure(async {
                for _ in names.chunks(CALL_URLS as usize) {
                    let popped: Vec<String> =
                        redis::cmd("LPOP").arg("floor:lane").arg(CALL_URLS).query_async(&mut redis).await?;
                    let mut pipe = redis::pipe();
                    pipe.hmget("floor:records", &popped).hdel("floor:records", &popped);
                    pipe.query_async::<redis::Value>(&mut redis).await?;
                }
                Ok(())
            })
            .await?;
        print("floor: read", &cost, names.len());
        println!("floor: {} bytes a URL", bytes / names.len());
        Ok(())
    }

    /// Every URL asked for so many times, by different jobs.
    async fn case(&self, what: &str, names: &[String], times: usize) -> Outcome<()> {
        println!("{what}");
        self.flush().await?;
        let before = self.memory().await?;
        let asked = names.len() * times;
        let cost = self
            .measure(async {
                for _ in 0..times {
                    for job in names.chunks(JOB_URLS) {
                        self.enqueue(job).await?;
                    }
                }
                Ok(())
            })
            .await?;
        print("  enqueue", &cost, asked);
        let all = self.memory().await? - before;
        let waiting = {
            let keys = self.queue.keys();
            self.bytes(keys.pending(&self.target)).await? + self.bytes(keys.lane(&self.target, LANE)).await?
        };
        let mut batches = Vec::new();
        let cost = self
            .measure(async {
                while let Lease::Batch(batch) = self
                    .queue
                    .work()
                    .lease(&self.target, &format!("w{}", batches.len()), &self.policy)
                    .await?
                {
                    batches.push(batch);
                }
                Ok(())
            })
            .await?;
        print("  lease", &cost, names.len());
        let cost = self
            .measure(async {
                for batch in &batches {
                    let done: Vec<_> =
                        batch.items.iter().map(|item| (item.index, Settlement::Done)).collect();
                    self.queue.work().settle(&self.target, &batch.id, &done, &RETENTION).await?;
                }
                Ok(())
            })
            .await?;
        print("  settle", &cost, names.len());
        println!(
            "  {} bytes a distinct URL while it waits, {} with the jobs' own records",
            waiting / names.len(),
            all / names.len()
        );
        let stats = self.queue.inspect().stats(&self.target).await?;
        let ended = stats.counters.get("jobs_ended").copied().unwrap_or_default();
        if stats.pending != 0 || ended != (asked / JOB_URLS) as u64 {
            return Err(format!("not all has ended: {stats:?}").into());
        }
        Ok(())
    }

    /// What a worker's question costs when there is nothing to do.
    async fn idle(&self) -> Outcome<()> {
        const CALLS: usize = 20_000;
        let cost = self
            .measure(async {
                for _ in 0..CALLS {
                    self.queue.work().lease(&self.target, "w", &self.policy).await?;
                }
                Ok(())
            })
            .await?;
        println!("µs a call");
        print("lease of nothing", &cost, CALLS);
        Ok(())
    }

    async fn enqueue(&self, job: &[String]) -> Outcome<()> {
        let items: Vec<_> = job.iter().map(|name| (name.clone(), LANE.to_owned())).collect();
        let chunk = Chunk {
            job: JobId::generate(),
            index: 0,
            chunks: 1,
            job_items: items.len(),
            priority: Priority::Normal,
            source: "cost",
            timing: Timing::default(),
            items: &items,
        };
        self.queue.produce().enqueue(&self.target, &chunk, u64::MAX >> 1).await?;
        Ok(())
    }

    async fn measure(&self, work: impl Future<Output = Outcome<()>>) -> Outcome<Cost> {
        let before = self.cpu_us().await?;
        let begin = Instant::now();
        work.await?;
        let wall_us = begin.elapsed().as_secs_f64() * 1e6;
        Ok(Cost { wall_us, redis_us: self.cpu_us().await? - before })
    }

    /// What Redis's main thread has worked so far: with reading and answering, without waiting for
    /// a processor.
    async fn cpu_us(&self) -> Outcome<f64> {
        let info: InfoDict = redis::cmd("INFO").arg("cpu").query_async(&mut self.queue.manager()).await?;
        let seconds = |mode| info.get::<f64>(&format!("used_cpu_{mode}_main_thread"));
        let all = seconds("user").zip(seconds("sys")).map(|(user, sys)| (user + sys) * 1e6);
        all.ok_or_else(|| "Redis does not say what processor time it used".into())
    }

    async fn flush(&self) -> Outcome<()> {
        redis::cmd("FLUSHALL").query_async::<()>(&mut self.queue.manager()).await?;
        Ok(())
    }

    async fn memory(&self) -> Outcome<usize> {
        let info: InfoDict = redis::cmd("INFO").arg("memory").query_async(&mut self.queue.manager()).await?;
        info.get("used_memory").ok_or_else(|| "Redis does not say what memory it uses".into())
    }

    /// Bytes of one of the target's keys.
    async fn bytes(&self, key: String) -> Outcome<usize> {
        let mut usage = redis::cmd("MEMORY");
        usage.arg("USAGE").arg(key).arg("SAMPLES").arg(0);
        Ok(usage.query_async(&mut self.queue.manager()).await?)
    }
}

fn print(what: &str, cost: &Cost, urls: usize) {
    let urls = u32::try_from(urls).unwrap_or(u32::MAX);
    println!(
        "{what:<22} {:>7.2}    {:>7.2}",
        cost.wall_us / f64::from(urls),
        cost.redis_us / f64::from(urls)
    );
}
