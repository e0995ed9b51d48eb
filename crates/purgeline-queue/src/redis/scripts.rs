//! The functions of the [library](crate::redis::library), and how one is called.

use crate::redis::library::{Flags, Function, Of, library};
use redis::{Cmd, ToRedisArgs};

/// One of the library's functions.
pub(crate) type Script = Function;

macro_rules! functions {
    ($($name:ident $local:literal $of:ident $flags:ident $file:literal;)+) => {
        $(pub(crate) static $name: Function =
            Function { name: $local, of: Of::$of, flags: Flags::$flags, text: include_str!($file) };)+

        /// All of them.
        pub(crate) static ALL: &[&Function] = &[$(&$name),+];
    };
}

functions! {
    CREATE_JOB "create_job" Key AddsWork "../lua/create_job.lua";
    ENQUEUE "enqueue" Target AddsWork "../lua/enqueue.lua";
    LEASE "lease" Target GetsWorkDone "../lua/lease.lua";
    SUBMITTED "submitted" Target GetsWorkDone "../lua/submitted.lua";
    SETTLE "settle" Target GetsWorkDone "../lua/settle.lua";
    DRAIN "drain" Target GetsWorkDone "../lua/drain.lua";
    SPLIT "split" Target GetsWorkDone "../lua/split.lua";
    GIVE_BACK "give_back" Target GetsWorkDone "../lua/give_back.lua";
    REAP "reap" Target GetsWorkDone "../lua/reap.lua";
    RENEW "renew" Target GetsWorkDone "../lua/renew.lua";
    POLLS "polls" Target GetsWorkDone "../lua/polls.lua";
    PUT_OFF "put_off" Target GetsWorkDone "../lua/put_off.lua";
    HOLD "hold" Target GetsWorkDone "../lua/hold.lua";
    RELEASE "release" Target GetsWorkDone "../lua/release.lua";
    ANSWERED "answered" Target GetsWorkDone "../lua/answered.lua";
    PROBE "probe" Target GetsWorkDone "../lua/probe.lua";
    LEARN_QUOTA "learn_quota" Target GetsWorkDone "../lua/learn_quota.lua";
    SPEND_QUOTA "spend_quota" Target GetsWorkDone "../lua/spend_quota.lua";
    THROTTLE "throttle" Target GetsWorkDone "../lua/throttle.lua";
    WIDEN_HEADROOM "widen_headroom" Target GetsWorkDone "../lua/widen_headroom.lua";
    COMPACT "compact" Target GetsWorkDone "../lua/compact.lua";
    ABANDON "abandon" Target GetsWorkDone "../lua/abandon.lua";
    TEND "tend" Target GetsWorkDone "../lua/tend.lua";
    QUESTION "question" Target GetsWorkDone "../lua/question.lua";
    CLOSE_DELIVERY "close_delivery" Target GetsWorkDone "../lua/close_delivery.lua";
    ABANDON_JOB "abandon_job" Key GetsWorkDone "../lua/abandon_job.lua";
    MEND_RECORD "mend_record" Target GetsWorkDone "../lua/mend/record.lua";
    MEND_PENDING "mend_pending" Target GetsWorkDone "../lua/mend/pending.lua";
    MEND_EMBARGO "mend_embargo" Target GetsWorkDone "../lua/mend/embargo.lua";
    MEND_COVERED "mend_covered" Target GetsWorkDone "../lua/mend/covered.lua";
    MEND_COVERAGE "mend_coverage" Target GetsWorkDone "../lua/mend/coverage.lua";
    MEND_LANE "mend_lane" Target GetsWorkDone "../lua/mend/lane.lua";
    MEND_BATCH "mend_batch" Target GetsWorkDone "../lua/mend/batch.lua";
    MEND_BATCH_ITEM "mend_batch_item" Target GetsWorkDone "../lua/mend/batch_item.lua";
    MEND_INFLIGHT "mend_inflight" Target GetsWorkDone "../lua/mend/inflight.lua";
    MEND_SETTLING "mend_settling" Target GetsWorkDone "../lua/mend/settling.lua";
    MEND_LIST "mend_list" Target GetsWorkDone "../lua/mend/list.lua";
    MEND_LIST_ENTRY "mend_list_entry" Target GetsWorkDone "../lua/mend/list_entry.lua";
    MEND_PART "mend_part" Target GetsWorkDone "../lua/mend/part.lua";
    MEND_SUBMITTING "mend_submitting" Target GetsWorkDone "../lua/mend/submitting.lua";
    MEND_COUNTER "mend_counter" Target GetsWorkDone "../lua/mend/counter.lua";
    MEND_JOB "mend_job" Key GetsWorkDone "../lua/mend/job.lua";
    REOPEN "reopen" Target AddsWork "../lua/reopen.lua";
    REOPEN_JOB "reopen_job" Key AddsWork "../lua/reopen_job.lua";
    RETRY "retry" Target AddsWork "../lua/retry.lua";
    REPEAT_ENDS "repeat_ends" Target GetsWorkDone "../lua/repeat_ends.lua";
    DROP "drop" Target GetsWorkDone "../lua/drop.lua";
    CANCEL "cancel" Target GetsWorkDone "../lua/cancel.lua";
    CANCEL_PENDING "cancel_pending" Target GetsWorkDone "../lua/cancel_pending.lua";
    CANCEL_WAITERS "cancel_waiters" Target GetsWorkDone "../lua/cancel_waiters.lua";
    FINISH_JOB "finish_job" Key GetsWorkDone "../lua/finish_job.lua";
    SCAN "scan" Target Reads "../lua/scan.lua";
    EMIT "emit" Key GetsWorkDone "../lua/emit.lua";
}

/// A call of a function. It can be written as a command in two ways, so that it goes by the way of
/// its keys to the server that has them whether that server has the library or not.
pub(crate) struct Invocation<'a> {
    script: &'a Script,
    keys: Vec<Vec<u8>>,
    arguments: Vec<Vec<u8>>,
    /// One key more, the last.
    guard: Option<Vec<u8>>,
}

impl Script {
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

    /// For a function whose first key is the common beginning of those that it uses, and no key
    /// itself. While a cluster moves their slot from one node to another, some are here and some
    /// there, and neither node may run it: each would see a part, and write beside the rest. A
    /// node refuses a command (`TRYAGAIN`) that names several keys which are not there, and so a
    /// second such name is given. The cluster's client tries again until the slot has arrived.
    pub(crate) fn guarded(mut self) -> Self {
        self.guard = self.keys.first().map(|key| [key, b":guard".as_slice()].concat());
        self
    }

    /// The key by which a cluster finds the server.
    pub(crate) fn first_key(&self) -> &[u8] {
        self.keys.first().map_or(&[], Vec::as_slice)
    }

    /// Whether Redis runs it when there is no memory left.
    pub(crate) fn runs_without_memory(&self) -> bool {
        self.script.flags != Flags::AddsWork
    }

    /// For a Redis that has the library; another one answers that there is no such function.
    pub(crate) fn as_function(&self) -> Cmd {
        let name = if self.script.flags == Flags::Reads { "FCALL_RO" } else { "FCALL" };
        self.command(name, &library().function(self.script))
    }

    /// For a Redis that has no memory left for the library, and knows its script; another one
    /// answers `NOSCRIPT`.
    pub(crate) fn by_hash(&self) -> Cmd {
        let mut command = self.command("EVALSHA", &library().script_hash);
        command.arg(self.script.name);
        command
    }

    /// For any Redis, which knows the script from then on.
    pub(crate) fn by_text(&self) -> Cmd {
        let mut command = self.command("EVAL", &library().script);
        command.arg(self.script.name);
        command
    }

    fn command(&self, name: &str, script: &str) -> Cmd {
        let keys = self.keys.len() + usize::from(self.guard.is_some());
        let mut command = redis::cmd(name);
        command.arg(script).arg(keys).arg(&self.keys).arg(&self.guard).arg(&self.arguments);
        command
    }
}
