//! How long the scripts hold Redis when everything comes at once: 100,000 retries that are due,
//! 10,000 open batches whose question is due, and a dead worker that held 10,000 items.

use crate::{CALL_URLS, LANE, Outcome, RETENTION, limits};
use jiff::{SignedDuration, Timestamp};
use purgeline_core::{Cause, Class, JobId, ManualClock, Priority, Receipt, Target};
use purgeline_queue::{Chunk, Lease, LeasePolicy, PollPolicy, Polls, Queue, Settlement, Timing};
use std::collections::BTreeMap;

const RETRIES: usize = 100_000;
const OPEN: usize = 10_000;
const HELD: usize = 10_000;
/// Open batches that one question covers.
const ASKED: u32 = 100;
/// Until everything comes, in milliseconds by the clock that is turned by hand.
const LATER_MS: u64 = 120_000;

struct BadDay {
    queue: Queue,
    clock: ManualClock,
    target: Target,
    /// What each script took, in microseconds, longest first: by Redis's own slow log.
    times: BTreeMap<&'static str, Vec<u64>>,
}

/// Sets it up, works it off, and prints the longest time of each script.
pub(crate) async fn run(queue: &Queue) -> Outcome<()> {
    for (name, value) in [("slowlog-log-slower-than", 0), ("slowlog-max-len", 100_000)] {
        redis::cmd("CONFIG").arg("SET").arg(name).arg(value).query_async::<()>(&mut queue.manager()).await?;
    }
    let clock = ManualClock::new(Timestamp::now());
    let queue = queue.clone().with_clock(clock.clone());
    let mut day = BadDay { queue, clock, target: Target::alone("bad-day".parse()?), times: BTreeMap::new() };
    day.set_up().await?;
    println!("a bad day: {RETRIES} retries due, {OPEN} open batches due, {HELD} items of a dead worker");
    day.work_off().await?;
    println!("script            calls   longest   median, µs of Redis, {CALL_URLS} URLs a call");
    for (what, times) in &mut day.times {
        times.sort_unstable();
        let (longest, median) = (times.last().copied().unwrap_or_default(), times[times.len() / 2]);
        println!("  {what:<14} {:>6} {longest:>9} {median:>8}", times.len());
    }
    let left = day.queue.inspect().stats(&day.target).await?;
    if left.pending + left.in_batches > 0 {
        return Err(format!("not all has ended: {left:?}").into());
    }
    Ok(())
}

impl BadDay {
    async fn set_up(&self) -> Outcome<()> {
        let alone = policy_of(1)?;
        self.fill(OPEN, "open").await?;
        for _ in 0..OPEN {
            let Lease::Batch(batch) = self.lease("w", &alone).await? else {
                return Err("nothing to lease".into());
            };
            let receipt = Receipt(batch.id.clone());
            self.queue.work().submitted(&self.target, &batch.id, "w", &receipt, LATER_MS).await?;
        }
        let (policy, cause) = (policy_of(CALL_URLS)?, Cause::new(Class::Soon, "http-503", "busy"));
        self.fill(RETRIES, "late").await?;
        while let Lease::Batch(batch) = self.lease("w", &policy).await? {
            let retry = Settlement::Retry { after_ms: LATER_MS, cause: cause.clone() };
            let outcomes: Vec<_> = batch.items.iter().map(|item| (item.index, retry.clone())).collect();
            self.queue.work().settle(&self.target, &batch.id, &outcomes, &RETENTION).await?;
        }
        self.fill(HELD, "held").await?;
        let mut held = 0;
        while held < HELD {
            let Lease::Batch(batch) = self.lease("dead", &policy).await? else {
                return Err("nothing to lease".into());
            };
            held += batch.items.len();
        }
        self.clock.advance(SignedDuration::from_millis(i64::try_from(LATER_MS)?));
        Ok(())
    }

    async fn work_off(&mut self) -> Outcome<()> {
        let policy = policy_of(CALL_URLS)?;
        let polls = PollPolicy::new(&limits(CALL_URLS)?, ASKED, LATER_MS, 0);
        loop {
            self.reset().await?;
            let reaped = self.queue.work().reap(&self.target, 1).await?;
            self.note("reap").await?;
            let due = match self.queue.work().due_polls(&self.target, &polls).await? {
                Polls::Due(due) => due.polls,
                Polls::Wait { .. } => Vec::new(),
            };
            self.note("polls").await?;
            let lease = self.lease("w", &policy).await?;
            self.note("lease").await?;
            let idle = reaped.is_empty() && due.is_empty();
            let mut batches: Vec<_> = due.into_iter().map(|due| (due.batch, due.items)).collect();
            match lease {
                Lease::Batch(batch) => batches.push((batch.id, batch.items)),
                Lease::Wait { .. } if idle => return Ok(()),
                Lease::Wait { .. } => {}
            }
            for (batch, items) in batches {
                let done: Vec<_> = items.iter().map(|item| (item.index, Settlement::Done)).collect();
                self.queue.work().settle(&self.target, &batch, &done, &RETENTION).await?;
            }
            self.note("settle").await?;
        }
    }

    async fn fill(&self, urls: usize, what: &str) -> Outcome<()> {
        let items: Vec<_> =
            (0..urls).map(|n| (format!("url:https://www.example.com/{what}/{n}"), LANE.to_owned())).collect();
        let job = JobId::generate();
        for (index, items) in items.chunks(500).enumerate() {
            let chunk = Chunk {
                job,
                index,
                chunks: urls.div_ceil(500),
                job_items: urls,
                priority: Priority::Normal,
                source: "cost",
                timing: Timing::default(),
                items,
            };
            self.queue.produce().enqueue(&self.target, &chunk, u64::MAX >> 1).await?;
        }
        Ok(())
    }

    async fn lease(&self, worker: &str, policy: &LeasePolicy) -> Outcome<Lease> {
        Ok(self.queue.work().lease(&self.target, worker, policy).await?)
    }

    /// Takes down what the scripts took since the last time, and forgets it.
    async fn note(&mut self, what: &'static str) -> Outcome<()> {
        type Entry = (u64, u64, u64, Vec<String>, String, String);
        let entries: Vec<Entry> =
            redis::cmd("SLOWLOG").arg("GET").arg(-1).query_async(&mut self.queue.manager()).await?;
        let scripts =
            entries.into_iter().filter(|(_, _, _, command, ..)| command[0].eq_ignore_ascii_case("fcall"));
        self.times.entry(what).or_default().extend(scripts.map(|(_, _, micros, ..)| micros));
        self.reset().await
    }

    async fn reset(&self) -> Outcome<()> {
        Ok(redis::cmd("SLOWLOG").arg("RESET").query_async(&mut self.queue.manager()).await?)
    }
}

fn policy_of(urls: u32) -> Outcome<LeasePolicy> {
    Ok(LeasePolicy::new(&limits(urls)?, 0, LATER_MS, 0))
}
