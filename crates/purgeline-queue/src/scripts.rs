//! The Lua scripts, each with what it stands on. A script is one file with a header that says
//! what it is for, its arguments, what it returns and what bounds it.
//!
//! When Redis has no memory left, scripts that add work are refused before they write anything;
//! those that get work done go on, so that a full queue empties (`allow-oom`).

use redis::Script;
use std::sync::LazyLock;

macro_rules! scripts {
    ($($name:ident $flags:literal $($file:literal)+;)+) => {
        $(pub(crate) static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new(concat!($flags, "\n", $(include_str!($file), "\n"),+)));)+
    };
}

scripts! {
    CREATE_JOB "#!lua" "lua/create_job.lua";
    ENQUEUE "#!lua" "lua/lib.lua" "lua/enqueue.lua";
    LEASE "#!lua flags=allow-oom" "lua/lib.lua" "lua/limits.lua" "lua/embargo.lua" "lua/expire.lua"
        "lua/lease.lua";
    SUBMITTED "#!lua flags=allow-oom" "lua/lib.lua" "lua/submitted.lua";
    SETTLE "#!lua flags=allow-oom" "lua/lib.lua" "lua/counts.lua" "lua/rebound.lua" "lua/settle.lua";
    DRAIN "#!lua flags=allow-oom" "lua/lib.lua" "lua/counts.lua" "lua/expire.lua" "lua/drain.lua";
    SPLIT "#!lua flags=allow-oom" "lua/lib.lua" "lua/split.lua";
    GIVE_BACK "#!lua flags=allow-oom" "lua/lib.lua" "lua/put_batch_back.lua" "lua/give_back.lua";
    REAP "#!lua flags=allow-oom" "lua/lib.lua" "lua/put_batch_back.lua" "lua/reap.lua";
    RENEW "#!lua flags=allow-oom" "lua/lib.lua" "lua/renew.lua";
    POLLS "#!lua flags=allow-oom" "lua/lib.lua" "lua/limits.lua" "lua/polls.lua";
    PUT_OFF "#!lua flags=allow-oom" "lua/lib.lua" "lua/put_off.lua";
    HOLD "#!lua flags=allow-oom" "lua/lib.lua" "lua/hold.lua";
    RELEASE "#!lua flags=allow-oom" "lua/lib.lua" "lua/release.lua";
    THROTTLE "#!lua flags=allow-oom" "lua/lib.lua" "lua/limits.lua" "lua/throttle.lua";
    COMPACT "#!lua flags=allow-oom" "lua/lib.lua" "lua/compact.lua";
    ABANDON "#!lua flags=allow-oom" "lua/lib.lua" "lua/counts.lua" "lua/abandon.lua";
    FINISH_JOB "#!lua flags=allow-oom" "lua/finish_job.lua";
    EMIT "#!lua flags=allow-oom" "lua/emit.lua";
}
