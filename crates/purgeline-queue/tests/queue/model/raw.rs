//! Scripts called one by one, for workers that die between two calls.

use super::step::Outcome;
use crate::bed::RETENTION;
use purgeline_core::Target;
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

static SETTLE: LazyLock<Script> =
    script!("lib.lua" "quota.lua" "calls.lua" "counts.lua" "rebound.lua" "settle.lua");
static DRAIN: LazyLock<Script> = script!("lib.lua" "counts.lua" "expire.lua" "drain.lua");
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
    script.arg(batch).arg(RETENTION.succeeded_ms).arg(RETENTION.failed_ms).arg(RETENTION.max_dead_letters);
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
