//! Functions called one by one, for workers that die between two calls.

use super::step::Outcome;
use crate::bed::RETENTION;
use purgeline_core::{JobId, Target};
use purgeline_queue::Queue;
use redis::{AsyncTypedCommands, Cmd};

/// A call of one of the library's functions. The library is there, since a job has been submitted.
fn function(name: &str, key: &str) -> Cmd {
    let mut call = redis::cmd("FCALL");
    call.arg(format!("{}_{name}", Queue::library_name())).arg(1).arg(key);
    call
}

fn begin(name: &str, queue: &Queue, target: &Target, now: i64) -> Cmd {
    let mut call = function(name, &queue.keys().target(target));
    call.arg(now);
    call
}

/// Settles, and leaves the jobs of hot items for another.
pub(crate) async fn settle(
    queue: &Queue,
    target: &Target,
    now: i64,
    batch: &str,
    outcomes: &[(u32, Outcome)],
) -> u64 {
    let mut call = begin("settle", queue, target, now);
    call.arg(batch)
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
        call.arg(index).arg(word).arg(ms).arg("soon").arg("503").arg("words");
    }
    let (settled, _, _): (u64, bool, bool) = call.query_async(&mut queue.manager()).await.unwrap();
    settled
}

/// Counts for so many of the jobs of hot items.
pub(crate) async fn drain(queue: &Queue, target: &Target, now: i64, most: usize) {
    let mut call = begin("drain", queue, target, now);
    call.arg(RETENTION.succeeded_ms).arg(RETENTION.failed_ms).arg(most);
    call.arg(RETENTION.history_ms).arg(RETENTION.max_history);
    let _: (u64, bool) = call.query_async(&mut queue.manager()).await.unwrap();
}

/// Rids all lanes of stale hints, so many at a time.
pub(crate) async fn compact(queue: &Queue, target: &Target, now: i64, slice: usize) {
    let mut redis = queue.manager();
    for lane in redis.zrange(queue.keys().of_target(target, "lanes"), 0, -1).await.unwrap() {
        let length = redis.llen(queue.keys().of_target(target, &format!("lane:{lane}"))).await.unwrap();
        for from in (0..length).step_by(slice) {
            let mut call = begin("compact", queue, target, now);
            call.arg(&lane).arg(slice.min(length - from));
            let _: u64 = call.query_async(&mut redis).await.unwrap();
        }
    }
}

/// Begins to retry dead letters: the parts that are to be reopened, each with its next round.
pub(crate) async fn reopen(queue: &Queue, target: &Target, now: i64, ids: &[String]) -> Vec<(JobId, u64)> {
    let mut call = begin("reopen", queue, target, now);
    call.arg(500).arg(ids);
    let reply: Vec<String> = call.query_async(&mut queue.manager()).await.unwrap();
    reply[1..].chunks(2).map(|pair| (pair[0].parse().unwrap(), pair[1].parse().unwrap())).collect()
}

/// Makes a job active again, one of whose parts is about to be; gives whether it was not told before.
pub(crate) async fn reopen_job(queue: &Queue, target: &Target, (job, round): (JobId, u64)) -> bool {
    let mut call = function("reopen_job", &queue.keys().job(job));
    call.arg(target.name.as_str()).arg(round);
    call.query_async(&mut queue.manager()).await.unwrap()
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
    let mut call = begin("retry", queue, target, now);
    call.arg(room).arg(RETENTION.succeeded_ms).arg(RETENTION.failed_ms).arg(promises.len());
    for (job, round) in promises {
        call.arg(job.to_string()).arg(round);
    }
    call.arg(ids);
    call.query_async(&mut queue.manager()).await.unwrap()
}

/// Begins to cancel a job, and takes it out of so many slices of what waits, of about one record.
pub(crate) async fn cancel(queue: &Queue, target: &Target, now: i64, job: JobId, slices: usize) {
    let mut call = begin("cancel", queue, target, now);
    call.arg(job.to_string()).arg("test").arg(RETENTION.succeeded_ms).arg(RETENTION.failed_ms);
    let mut state: String = call.query_async(&mut queue.manager()).await.unwrap();
    let mut cursor = "0".to_owned();
    for _ in 0..slices {
        if state != "active" {
            return;
        }
        let mut call = begin("cancel_pending", queue, target, now);
        call.arg(job.to_string()).arg("pending").arg(cursor).arg(1);
        call.arg(RETENTION.succeeded_ms).arg(RETENTION.failed_ms).arg(0);
        let reply: Vec<redis::Value> = call.query_async(&mut queue.manager()).await.unwrap();
        let text = |at: usize| redis::from_redis_value_ref::<String>(&reply[at]).unwrap();
        (cursor, state) = (text(0), text(1));
        if cursor == "0" {
            return;
        }
    }
}
