//! The Lua scripts, each with what it stands on. A script is one file with a header that says
//! what it is for, its arguments, what it returns and what bounds it.
//!
//! When Redis has no memory left, scripts that add work are refused before they write anything;
//! those that get work done go on, so that a full queue empties (`allow-oom`).

use redis::{Cmd, ToRedisArgs};
use std::sync::LazyLock;

macro_rules! scripts {
    ($($name:ident $flags:literal $($file:literal)+;)+) => {
        $(pub(crate) static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new(concat!($flags, "\n", $(include_str!($file), "\n"),+)));)+
    };
}

scripts! {
    CREATE_JOB "#!lua" "lua/create_job.lua";
    ENQUEUE "#!lua" "lua/lib.lua" "lua/coverage.lua" "lua/quota.lua" "lua/enqueue.lua";
    LEASE "#!lua flags=allow-oom" "lua/lib.lua" "lua/coverage.lua" "lua/breaker.lua" "lua/limits.lua"
        "lua/quota.lua" "lua/calls.lua" "lua/put_batch_back.lua" "lua/embargo.lua" "lua/expire.lua"
        "lua/lease.lua";
    SUBMITTED "#!lua flags=allow-oom" "lua/lib.lua" "lua/quota.lua" "lua/calls.lua" "lua/submitted.lua";
    SETTLE "#!lua flags=allow-oom" "lua/lib.lua" "lua/coverage.lua" "lua/quota.lua" "lua/calls.lua"
        "lua/counts.lua" "lua/history.lua" "lua/rebound.lua" "lua/settle.lua";
    DRAIN "#!lua flags=allow-oom" "lua/lib.lua" "lua/coverage.lua" "lua/counts.lua" "lua/history.lua"
        "lua/expire.lua" "lua/drain.lua";
    SPLIT "#!lua flags=allow-oom" "lua/lib.lua" "lua/coverage.lua" "lua/quota.lua" "lua/calls.lua"
        "lua/split.lua";
    GIVE_BACK "#!lua flags=allow-oom" "lua/lib.lua" "lua/coverage.lua" "lua/breaker.lua" "lua/limits.lua"
        "lua/quota.lua" "lua/calls.lua" "lua/put_batch_back.lua" "lua/give_back.lua";
    REAP "#!lua flags=allow-oom" "lua/lib.lua" "lua/coverage.lua" "lua/quota.lua" "lua/calls.lua"
        "lua/put_batch_back.lua" "lua/reap.lua";
    RENEW "#!lua flags=allow-oom" "lua/lib.lua" "lua/quota.lua" "lua/calls.lua" "lua/renew.lua";
    POLLS "#!lua flags=allow-oom" "lua/lib.lua" "lua/breaker.lua" "lua/limits.lua" "lua/quota.lua"
        "lua/calls.lua" "lua/polls.lua";
    PUT_OFF "#!lua flags=allow-oom" "lua/lib.lua" "lua/put_off.lua";
    HOLD "#!lua flags=allow-oom" "lua/lib.lua" "lua/hold.lua";
    RELEASE "#!lua flags=allow-oom" "lua/lib.lua" "lua/release.lua";
    ANSWERED "#!lua flags=allow-oom" "lua/lib.lua" "lua/breaker.lua" "lua/answered.lua";
    PROBE "#!lua flags=allow-oom" "lua/lib.lua" "lua/breaker.lua" "lua/probe.lua";
    LEARN_QUOTA "#!lua flags=allow-oom" "lua/lib.lua" "lua/quota.lua" "lua/learn_quota.lua";
    SPEND_QUOTA "#!lua flags=allow-oom" "lua/lib.lua" "lua/quota.lua" "lua/spend_quota.lua";
    THROTTLE "#!lua flags=allow-oom" "lua/lib.lua" "lua/breaker.lua" "lua/limits.lua" "lua/throttle.lua";
    WIDEN_HEADROOM "#!lua flags=allow-oom" "lua/lib.lua" "lua/breaker.lua" "lua/limits.lua"
        "lua/widen_headroom.lua";
    COMPACT "#!lua flags=allow-oom" "lua/lib.lua" "lua/compact.lua";
    ABANDON "#!lua flags=allow-oom" "lua/lib.lua" "lua/counts.lua" "lua/abandon.lua";
    MEND_RECORD "#!lua flags=allow-oom" "lua/lib.lua" "lua/coverage.lua" "lua/mend/put_anew.lua"
        "lua/mend/record.lua";
    MEND_PENDING "#!lua flags=allow-oom" "lua/lib.lua" "lua/coverage.lua" "lua/mend/pending.lua";
    MEND_EMBARGO "#!lua flags=allow-oom" "lua/lib.lua" "lua/coverage.lua" "lua/mend/put_anew.lua"
        "lua/mend/embargo.lua";
    MEND_COVERED "#!lua flags=allow-oom" "lua/lib.lua" "lua/coverage.lua" "lua/mend/covered.lua";
    MEND_COVERAGE "#!lua flags=allow-oom" "lua/lib.lua" "lua/coverage.lua" "lua/mend/coverage.lua";
    MEND_LANE "#!lua flags=allow-oom" "lua/lib.lua" "lua/mend/lane.lua";
    MEND_BATCH "#!lua flags=allow-oom" "lua/lib.lua" "lua/coverage.lua" "lua/quota.lua" "lua/calls.lua"
        "lua/put_batch_back.lua" "lua/mend/batch.lua";
    MEND_BATCH_ITEM "#!lua flags=allow-oom" "lua/lib.lua" "lua/coverage.lua" "lua/mend/put_anew.lua"
        "lua/mend/batch_item.lua";
    MEND_INFLIGHT "#!lua flags=allow-oom" "lua/lib.lua" "lua/mend/inflight.lua";
    MEND_SETTLING "#!lua flags=allow-oom" "lua/lib.lua" "lua/mend/settling.lua";
    MEND_LIST "#!lua flags=allow-oom" "lua/lib.lua" "lua/mend/list.lua";
    MEND_LIST_ENTRY "#!lua flags=allow-oom" "lua/lib.lua" "lua/mend/list_entry.lua";
    MEND_PART "#!lua flags=allow-oom" "lua/lib.lua" "lua/coverage.lua" "lua/counts.lua" "lua/mend/put_anew.lua"
        "lua/mend/part.lua";
    MEND_SUBMITTING "#!lua flags=allow-oom" "lua/lib.lua" "lua/mend/submitting.lua";
    MEND_COUNTER "#!lua flags=allow-oom" "lua/lib.lua" "lua/mend/counter.lua";
    MEND_JOB "#!lua flags=allow-oom" "lua/mend/job.lua";
    REOPEN "#!lua" "lua/lib.lua" "lua/counts.lua" "lua/letters.lua" "lua/reopen.lua";
    REOPEN_JOB "#!lua" "lua/reopen_job.lua";
    RETRY "#!lua" "lua/lib.lua" "lua/coverage.lua" "lua/counts.lua" "lua/letters.lua" "lua/retry.lua";
    REPEAT_ENDS "#!lua flags=allow-oom" "lua/lib.lua" "lua/counts.lua" "lua/letters.lua" "lua/repeat_ends.lua";
    DROP "#!lua flags=allow-oom" "lua/lib.lua" "lua/counts.lua" "lua/drop.lua";
    CANCEL "#!lua flags=allow-oom" "lua/lib.lua" "lua/coverage.lua" "lua/counts.lua" "lua/waiters.lua"
        "lua/cancel.lua";
    CANCEL_PENDING "#!lua flags=allow-oom" "lua/lib.lua" "lua/coverage.lua" "lua/counts.lua" "lua/waiters.lua"
        "lua/cancel_pending.lua";
    CANCEL_WAITERS "#!lua flags=allow-oom" "lua/lib.lua" "lua/coverage.lua" "lua/counts.lua" "lua/waiters.lua"
        "lua/cancel_waiters.lua";
    FINISH_JOB "#!lua flags=allow-oom" "lua/finish_job.lua";
    SCAN "#!lua flags=no-writes,allow-oom" "lua/scan.lua";
    EMIT "#!lua flags=allow-oom" "lua/emit.lua";
}

/// A script: its text, and the hash by which a Redis that has run it knows it.
pub(crate) struct Script {
    text: &'static str,
    hash: String,
}

/// A call of a script. It can be written as a command in two ways, so that it goes by the way of
/// its keys to the server that has them whether that server knows the script or not.
pub(crate) struct Invocation<'a> {
    script: &'a Script,
    keys: Vec<Vec<u8>>,
    arguments: Vec<Vec<u8>>,
    /// One key more, the last.
    guard: Option<Vec<u8>>,
}

impl Script {
    fn new(text: &'static str) -> Self {
        Self { text, hash: redis::Script::new(text).get_hash().to_owned() }
    }

    pub(crate) fn prepare_invoke(&self) -> Invocation<'_> {
        Invocation { script: self, keys: Vec::new(), arguments: Vec::new(), guard: None }
    }
}

impl Invocation<'_> {
    pub(crate) fn key(&mut self, key: impl ToRedisArgs) -> &mut Self {
        key.write_redis_args(&mut self.keys);
        self
    }

    pub(crate) fn arg(&mut self, argument: impl ToRedisArgs) -> &mut Self {
        argument.write_redis_args(&mut self.arguments);
        self
    }

    /// For a script whose first key is the common beginning of those that it uses, and no key
    /// itself. While a cluster moves their slot from one node to another, some are here and some
    /// there, and neither node may run it: each would see a part, and write beside the rest. A
    /// node refuses a command (`TRYAGAIN`) that names several keys which are not there, and so a
    /// second such name is given. The cluster's client tries again until the slot has arrived.
    pub(crate) fn guarded(mut self) -> Self {
        self.guard = self.keys.first().map(|key| [key, b":guard".as_slice()].concat());
        self
    }

    /// For a Redis that knows the script; another one answers `NOSCRIPT`.
    pub(crate) fn by_hash(&self) -> Cmd {
        self.command("EVALSHA", &self.script.hash)
    }

    /// For any Redis, which knows the script from then on.
    pub(crate) fn by_text(&self) -> Cmd {
        self.command("EVAL", self.script.text)
    }

    fn command(&self, name: &str, script: &str) -> Cmd {
        let keys = self.keys.len() + usize::from(self.guard.is_some());
        let mut command = redis::cmd(name);
        command.arg(script).arg(keys).arg(&self.keys).arg(&self.guard).arg(&self.arguments);
        command
    }
}
