//! The Lua scripts, each with what it stands on. A script is one file with a header that says
//! what it is for, its arguments, what it returns and what bounds it.

use redis::Script;
use std::sync::LazyLock;

macro_rules! scripts {
    ($($name:ident: $($file:literal)+;)+) => {
        $(pub(crate) static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new(concat!($(include_str!($file), "\n"),+)));)+
    };
}

scripts! {
    ENQUEUE: "lua/lib.lua" "lua/enqueue.lua";
    LEASE: "lua/lib.lua" "lua/limits.lua" "lua/lease.lua";
    SUBMITTED: "lua/lib.lua" "lua/submitted.lua";
    SETTLE: "lua/lib.lua" "lua/counts.lua" "lua/settle.lua";
    DRAIN: "lua/lib.lua" "lua/counts.lua" "lua/drain.lua";
    SPLIT: "lua/lib.lua" "lua/split.lua";
    GIVE_BACK: "lua/lib.lua" "lua/put_batch_back.lua" "lua/give_back.lua";
    REAP: "lua/lib.lua" "lua/put_batch_back.lua" "lua/reap.lua";
    RENEW: "lua/lib.lua" "lua/renew.lua";
    POLLS: "lua/lib.lua" "lua/limits.lua" "lua/polls.lua";
    PUT_OFF: "lua/lib.lua" "lua/put_off.lua";
    HOLD: "lua/lib.lua" "lua/hold.lua";
    RELEASE: "lua/lib.lua" "lua/release.lua";
    THROTTLE: "lua/lib.lua" "lua/limits.lua" "lua/throttle.lua";
    COMPACT: "lua/lib.lua" "lua/compact.lua";
    ABANDON: "lua/lib.lua" "lua/counts.lua" "lua/abandon.lua";
    CREATE_JOB: "lua/create_job.lua";
    FINISH_JOB: "lua/finish_job.lua";
}
