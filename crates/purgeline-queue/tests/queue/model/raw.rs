//! Scripts called one by one, for workers that die between two calls.

use super::step::Outcome;
use crate::bed::RETENTION;
use purgeline_core::{JobId, Target};
use purgeline_queue::Queue;
use redis::{AsyncTypedCommands, Script, ScriptInvocation};
use std::sync::LazyLock;

macro_rules! script {
    ($($file:literal)+) => {
        LazyLock::new(|| {
            Script::new(concat!("#!lua flags=allow-oom\n", $(include_str!(concat!("../../../src/lua/", $file)), "\n"),+))
        })
    };
}

static SETTLE: LazyLock<Script> = script!("lib.lua" "coverage.lua" "quota.lua" "calls.lua" "counts.lua" "history.lua" "rebound.lua" "settle.lua");
static DRAIN: LazyLock<Script> =
    script!("lib.lua" "coverage.lua" "counts.lua" "history.lua" "expire.lua" "drain.lua");
static REOPEN: LazyLock<Script> = script!("lib.lua" "counts.lua" "letters.lua" "reopen.lua");
static RETRY: LazyLock<Script> = script!("lib.lua" "coverage.lua" "counts.lua" "letters.lua" "retry.lua");
static REOPEN_JOB: LazyLock<Script> = script!("reopen_job.lua");
static CANCEL: LazyLock<Script> = script!("lib.lua" "coverage.lua" "counts.lua" "waiters.lua" "cancel.lua");
static CANCEL_PENDING: LazyLock<Script> =
    script!("lib.lua" "coverage.lua" "counts.lua" "waiters.lua" "cancel_pending.lua");
static COMPACT: LazyLock<Script> = script!("lib.lua" "compact.lua");

fn begin<'a>(script: &'a Script, queue: &Queue, target: &Target, now: i64) -> ScriptInvocation<'a> {
    let mut invocation = script.key(queue.keys().target(target));
    invocation.arg(now);
    invocation
}

/// Settles, and leaves the jobs of hot items for another.
pub(crate) async fn settle(
    queue: &Queue,
    target: &Target,
    now: i64,
    batch: &str,
    outcomes: &[(u32, Outcome)],
) -> u64 {
    let mut script = begin(&SETTLE, queue, target, now);
    script
        .arg(batch)
        .arg(RETENTION.succeeded_ms)
        .arg(RETENTION.failed_ms)
        .arg(RETENTION.max_dead_letters)
        .arg(RETENTION.history_ms)
        .arg(RETENTION.max_history);
    for (index, outcome) in outcomes {
        let (word, ms) = match outcome {
            Outcome::Done => ("done", 0),
            Outcome::Failed => ("failed", 0),
            Outcome::Retry(ms) => ("retry", *ms),
            Outcome::Unanswered(ms) => ("unanswered", *ms),
            Outcome::Again(ms) => ("again", *ms),
        };
        script.arg(index).arg(word).arg(ms).arg("soon").arg("503").arg("words");
    }
    let (settled, _, _): (u64, bool, bool) = script.invoke_async(&mut queue.manager()).await.unwrap();
    settled
}

/// Counts for so many of the jobs of hot items.
pub(crate) async fn drain(queue: &Queue, target: &Target, now: i64, most: usize) {
    let mut script = begin(&DRAIN, queue, target, now);
    script.arg(RETENTION.succeeded_ms).arg(RETENTION.failed_ms).arg(most);
    script.arg(RETENTION.history_ms).arg(RETENTION.max_history);
    let _: (u64, bool) = script.invoke_async(&mut queue.manager()).await.unwrap();
}

/// Rids all lanes of stale hints, so many at a time.
pub(crate) async fn compact(queue: &Queue, target: &Target, now: i64, slice: usize) {
    let mut redis = queue.manager();
    for lane in redis.zrange(queue.keys().of_target(target, "lanes"), 0, -1).await.unwrap() {
        let length = redis.llen(queue.keys().of_target(target, &format!("lane:{lane}"))).await.unwrap();
        for from in (0..length).step_by(slice) {
            let mut script = begin(&COMPACT, queue, target, now);
            script.arg(&lane).arg(slice.min(length - from));
            let _: u64 = script.invoke_async(&mut redis).await.unwrap();
        }
    }
}

/// Begins to retry dead letters: the parts that are to be reopened, each with its next round.
pub(crate) async fn reopen(queue: &Queue, target: &Target, now: i64, ids: &[String]) -> Vec<(JobId, u64)> {
    let mut script = begin(&REOPEN, queue, target, now);
    script.arg(500).arg(ids);
    let reply: Vec<String> = script.invoke_async(&mut queue.manager()).await.unwrap();
    reply[1..].chunks(2).map(|pair| (pair[0].parse().unwrap(), pair[1].parse().unwrap())).collect()
}

/// Makes a job active again, one of whose parts is about to be; gives whether it was not told before.
pub(crate) async fn reopen_job(queue: &Queue, target: &Target, (job, round): (JobId, u64)) -> bool {
    let mut script = REOPEN_JOB.key(queue.keys().job(job));
    script.arg(target.name.as_str()).arg(round);
    script.invoke_async(&mut queue.manager()).await.unwrap()
}

/// Retries dead letters on promises that were made before; gives what came of each.
pub(crate) async fn retry(
    queue: &Queue,
    target: &Target,
    now: i64,
    ids: &[String],
    promises: &[(JobId, u64)],
    room: u64,
) -> Vec<String> {
    let mut script = begin(&RETRY, queue, target, now);
    script.arg(room).arg(RETENTION.succeeded_ms).arg(RETENTION.failed_ms).arg(promises.len());
    for (job, round) in promises {
        script.arg(job.to_string()).arg(round);
    }
    script.arg(ids);
    script.invoke_async(&mut queue.manager()).await.unwrap()
}

/// Begins to cancel a job, and takes it out of so many slices of what waits, of about one record.
pub(crate) async fn cancel(queue: &Queue, target: &Target, now: i64, job: JobId, slices: usize) {
    let mut script = begin(&CANCEL, queue, target, now);
    script.arg(job.to_string()).arg("test").arg(RETENTION.succeeded_ms).arg(RETENTION.failed_ms);
    let mut state: String = script.invoke_async(&mut queue.manager()).await.unwrap();
    let mut cursor = "0".to_owned();
    for _ in 0..slices {
        if state != "active" {
            return;
        }
        let mut script = begin(&CANCEL_PENDING, queue, target, now);
        script.arg(job.to_string()).arg("pending").arg(cursor).arg(1);
        script.arg(RETENTION.succeeded_ms).arg(RETENTION.failed_ms).arg(0);
        let reply: Vec<redis::Value> = script.invoke_async(&mut queue.manager()).await.unwrap();
        let text = |at: usize| redis::from_redis_value_ref::<String>(&reply[at]).unwrap();
        (cursor, state) = (text(0), text(1));
        if cursor == "0" {
            return;
        }
    }
}
