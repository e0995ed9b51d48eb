#![doc = include_str!("../README.md")]

mod audit;
mod error;
mod inspect;
mod operate;
mod policy;
mod produce;
mod queue;
mod record;
mod redis;
mod retention;
mod timing;
mod work;

pub use audit::{
    handle::AuditQueue,
    libraries::OldLibrary,
    repair::{attempt::Route, run::Mend},
    verify::violation::Violation,
};
pub use error::QueueError;
pub use inspect::{
    dead::{filter::DeadFilter, letter::DeadLetter, walk::DeadWalk},
    embargo::EmbargoedItem,
    handle::InspectQueue,
    history::LastOutcome,
    holds::Hold,
    jobs::{Job, JobFilter, Part},
    quotas::{QuotaRate, QuotaUse, QuotaWait},
    rates::RateUse,
    standing::{Standing, WaitReason},
    target::{BatchState, BatchView, CoveringDir, LOOKED_AT, PendingItem, TargetStats},
    watch::{Event, Snapshot, TargetSnapshot, Watched},
};
pub use operate::{
    cancel::{CancelState, CancelledPart},
    handle::OperateQueue,
    hold::HoldName,
    plan::RetryPlan,
    retry::Retried,
};
pub use policy::{LeasePolicy, PollPolicy, QuotaPolicy};
pub use produce::{
    chunk::{Chunk, Enqueued, MAX_CHUNK_ITEMS},
    handle::ProduceQueue,
    jobs::{Created, NewJob},
};
pub use queue::Queue;
pub use record::Record;
pub use redis::{
    connection::Connection,
    inspection::RedisInspection,
    keys::Keys,
    topology::{Sentinels, Topology, TopologyError},
};
pub use retention::Retention;
pub use timing::{Quiet, Timing};
pub use work::{
    breaker::{Asked, BreakerPolicy, Change, Fate, Heard},
    handle::WorkQueue,
    housekeeper::{Chores, Tend},
    job_list::Tended,
    lease::{Lease, LeasedBatch, LeasedItem},
    polls::{DuePoll, DuePolls, Polls},
    quota::{SpentQuota, ToldBy},
    quota_question::Question,
    reap::{Abandoned, Reaped},
    settle::{Settled, Settlement},
    wake::Wakeups,
    workers::WorkerInfo,
};
