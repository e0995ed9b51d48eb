//! What producers, workers, operators and time do, and how often.

use super::breaker_model::Went;
use proptest::{collection::vec, prelude::*, sample::select};
use purgeline_core::{Kind, Priority};

/// Everything that can be asked for. Few names, so that they meet; texts that look like records.
pub(crate) const NAMES: [&str; 13] = [
    "url:https://h1/a/x",
    "url:https://h1/a/y?q=/c/",
    "url:https://h1/a/b/z",
    "url:https://h1/c",
    "url+delete:https://h1/a/x",
    "dir:https://h1/a/",
    "dir:https://h1/a/b/",
    "dir:https://h1/",
    "dir+delete:https://h1/a/",
    "url:https://h2/a/x",
    "dir:https://h2/",
    r#"resource:{"resource_title":"50% due=0 spill=1 jobs=x item=y, a*b @z"}"#,
    r#"resource:{"resource_title":"plain"}"#,
];

/// One of two targets that share an account.
pub(crate) type At = usize;

/// One thing that happens. Numbers pick among what there is when it happens, so that a sequence
/// stays one when steps are left out of it.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A producer submits a job, and dies after some of its chunks if `chunks` is fewer.
    Submit {
        to: Vec<At>,
        priority: Priority,
        items: Vec<usize>,
        chunk: usize,
        chunks: usize,
        room: u64,
        times: Times,
    },
    /// The producer of a job comes again with the same body.
    Resubmit {
        job: usize,
        chunks: usize,
    },
    /// Many jobs ask for the same item.
    Crowd {
        at: At,
        priority: Priority,
        item: usize,
        jobs: usize,
        times: Times,
    },
    Lease {
        at: At,
        worker: usize,
    },
    /// A worker writes a receipt, twice if the first answer was lost.
    Submitted {
        batch: usize,
        by: By,
        poll_ms: u64,
        twice: bool,
    },
    /// A worker settles some items of a batch; `drained`: it lives long enough to count for the
    /// jobs of hot items.
    Settle {
        batch: usize,
        outcomes: Vec<(u32, Outcome)>,
        drained: bool,
        twice: bool,
    },
    SettleAll {
        batch: usize,
        outcome: Outcome,
    },
    Poll {
        at: At,
        put_off_ms: u64,
    },
    GiveBack {
        batch: usize,
        by: By,
    },
    Split {
        batch: usize,
        by: By,
    },
    /// Somebody splits a batch that was accepted.
    SplitOpen {
        batch: usize,
    },
    /// A worker says how the call of a batch went, twice if the first answer was lost.
    Answered {
        batch: usize,
        by: By,
        went: Went,
        twice: bool,
    },
    /// A worker says how a question went.
    Asked {
        at: At,
        went: Went,
    },
    /// An operator has an open breaker probe at once.
    Probe {
        at: At,
    },
    Renew {
        at: At,
        worker: usize,
    },
    Reap {
        at: At,
        most: usize,
    },
    Hold {
        at: At,
        what: Held,
        ms: Option<u64>,
    },
    Release {
        at: At,
        what: Held,
    },
    Throttle {
        at: At,
        ms: u64,
    },
    Pass {
        ms: i64,
    },
    /// Counts for some of the jobs of hot items.
    Drain {
        at: At,
        most: usize,
    },
    Carry {
        at: At,
    },
    Abandon {
        at: At,
    },
    Compact {
        at: At,
        slice: usize,
    },
    /// Somebody retries dead letters. `dies`: he stops in the middle, when so many of their jobs
    /// have been told.
    RetryDead {
        letter: usize,
        count: usize,
        room: u64,
        dies: Option<usize>,
    },
    /// One who stopped so was only slow.
    GoOnRetrying {
        which: usize,
        room: u64,
    },
    /// Those who stopped so are taken for dead after a minute.
    RepeatEnds {
        at: At,
    },
    DropDead {
        letter: usize,
        count: usize,
    },
    /// An operator cancels a job. `dies`: he stops after so many slices of what waits.
    Cancel {
        job: usize,
        dies: Option<usize>,
    },
    ResumeCancels {
        at: At,
    },
}

/// When a job's items go, and until when they are of use, in ms from its submission.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Times {
    /// Quiet, and the longest wait for it.
    pub(crate) quiet: Option<(i64, i64)>,
    pub(crate) not_before: Option<i64>,
    pub(crate) expires: Option<i64>,
}

/// Who speaks for a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Owner,
    Another,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    Failed,
    Retry(u64),
    Unanswered(u64),
    Again(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Held {
    Paused,
    Kind(Kind),
}

/// A day and a bit: what has been left alone for so long is given up.
pub(crate) const DAY_MS: i64 = 86_400_001;
/// Whoever has not gone on for so long is dead.
pub(crate) const MINUTE_MS: i64 = 60_000;

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 1..90)
}

fn step() -> impl Strategy<Value = Step> {
    let produce = prop_oneof![
        16 => submit(),
        2 => (any::<usize>(), 0..5_usize).prop_map(|(job, chunks)| Step::Resubmit { job, chunks }),
        1 => (at(), priority(), item(), 8..15_usize, times())
            .prop_map(|(at, priority, item, jobs, times)| Step::Crowd { at, priority, item, jobs, times }),
    ];
    let send = prop_oneof![
        12 => (at(), 0..3_usize).prop_map(|(at, worker)| Step::Lease { at, worker }),
        3 => (any::<usize>(), by(), 0..300_u64, any::<bool>())
            .prop_map(|(batch, by, poll_ms, twice)| Step::Submitted { batch, by, poll_ms, twice }),
        5 => (any::<usize>(), vec((0..6_u32, outcome()), 1..5), any::<bool>(), any::<bool>())
            .prop_map(|(batch, outcomes, drained, twice)| Step::Settle { batch, outcomes, drained, twice }),
        5 => (any::<usize>(), outcome()).prop_map(|(batch, outcome)| Step::SettleAll { batch, outcome }),
        2 => (any::<usize>(), by()).prop_map(|(batch, by)| Step::GiveBack { batch, by }),
        2 => (any::<usize>(), by()).prop_map(|(batch, by)| Step::Split { batch, by }),
        1 => any::<usize>().prop_map(|batch| Step::SplitOpen { batch }),
        2 => (at(), 0..200_u64).prop_map(|(at, put_off_ms)| Step::Poll { at, put_off_ms }),
        1 => (at(), 0..3_usize).prop_map(|(at, worker)| Step::Renew { at, worker }),
        5 => (any::<usize>(), by(), went(), any::<bool>())
            .prop_map(|(batch, by, went, twice)| Step::Answered { batch, by, went, twice }),
        1 => (at(), went()).prop_map(|(at, went)| Step::Asked { at, went }),
    ];
    let keep_house = prop_oneof![
        3 => (at(), 1..4_usize).prop_map(|(at, most)| Step::Reap { at, most }),
        2 => (at(), 1..12_usize).prop_map(|(at, most)| Step::Drain { at, most }),
        2 => at().prop_map(|at| Step::Carry { at }),
        1 => at().prop_map(|at| Step::Abandon { at }),
        1 => (at(), 1..4_usize).prop_map(|(at, slice)| Step::Compact { at, slice }),
    ];
    let operate = prop_oneof![
        3 => (at(), held(), prop::option::weighted(0.9, 1..300_u64))
            .prop_map(|(at, what, ms)| Step::Hold { at, what, ms }),
        3 => (at(), held()).prop_map(|(at, what)| Step::Release { at, what }),
        1 => (at(), 1..400_u64).prop_map(|(at, ms)| Step::Throttle { at, ms }),
        1 => at().prop_map(|at| Step::Probe { at }),
    ];
    let dead = || (any::<usize>(), 1..4_usize);
    let regret = prop_oneof![
        6 => (dead(), room(), prop::option::weighted(0.3, 0..3_usize)).prop_map(
            |((letter, count), room, dies)| Step::RetryDead { letter, count, room, dies }
        ),
        2 => (any::<usize>(), room()).prop_map(|(which, room)| Step::GoOnRetrying { which, room }),
        2 => dead().prop_map(|(letter, count)| Step::DropDead { letter, count }),
        4 => (any::<usize>(), prop::option::weighted(0.3, 0..3_usize))
            .prop_map(|(job, dies)| Step::Cancel { job, dies }),
        1 => at().prop_map(|at| Step::RepeatEnds { at }),
        1 => at().prop_map(|at| Step::ResumeCancels { at }),
    ];
    // Most of the time little time passes; now and then leases run out, rarely a day.
    let pass = prop_oneof![
        8 => (1..150_i64).prop_map(|ms| Step::Pass { ms }),
        2 => (LEASE_MS / 2..LEASE_MS * 2).prop_map(|ms| Step::Pass { ms }),
        1 => Just(Step::Pass { ms: MINUTE_MS }),
        1 => Just(Step::Pass { ms: DAY_MS }),
    ];
    prop_oneof![8 => produce, 28 => send, 6 => keep_house, 2 => operate, 5 => regret, 6 => pass]
}

/// How long a leased batch belongs to its worker here.
pub(crate) const LEASE_MS: i64 = 1_000;

fn submit() -> impl Strategy<Value = Step> {
    let to = prop_oneof![5 => Just(vec![0]), 1 => Just(vec![1]), 2 => Just(vec![0, 1])];
    let chunks = prop_oneof![4 => Just(9_usize), 1 => 0..3_usize];
    (to, priority(), vec(item(), 1..7), 1..4_usize, chunks, room(), times()).prop_map(
        |(to, priority, items, chunk, chunks, room, times)| Step::Submit {
            to,
            priority,
            items,
            chunk,
            chunks,
            room,
            times,
        },
    )
}

fn room() -> impl Strategy<Value = u64> {
    prop_oneof![9 => Just(1_000_u64), 1 => 1..8_u64]
}

fn times() -> impl Strategy<Value = Times> {
    let ms = || prop_oneof![1 => Just(1_i64), 4 => 1..400_i64, 1 => LEASE_MS..LEASE_MS * 2];
    let quiet = (ms(), 0..300_i64).prop_map(|(quiet, more)| (quiet, quiet + more));
    let some = (
        prop::option::weighted(0.6, quiet),
        prop::option::weighted(0.3, ms()),
        prop::option::weighted(0.3, ms()),
    )
        .prop_map(|(quiet, not_before, expires)| Times { quiet, not_before, expires });
    prop_oneof![1 => Just(Times::default()), 1 => some]
}

fn at() -> impl Strategy<Value = At> {
    prop_oneof![4 => Just(0_usize), 1 => Just(1_usize)]
}

fn by() -> impl Strategy<Value = By> {
    prop_oneof![7 => Just(By::Owner), 1 => Just(By::Another)]
}

fn item() -> impl Strategy<Value = usize> {
    0..NAMES.len()
}

fn priority() -> impl Strategy<Value = Priority> {
    prop_oneof![1 => Just(Priority::Urgent), 4 => Just(Priority::Normal), 1 => Just(Priority::Bulk)]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let ms = prop_oneof![1 => Just(0_u64), 2 => 1..250_u64];
    prop_oneof![
        4 => Just(Outcome::Done),
        3 => Just(Outcome::Failed),
        2 => ms.clone().prop_map(Outcome::Retry),
        1 => ms.clone().prop_map(Outcome::Unanswered),
        1 => ms.prop_map(Outcome::Again),
    ]
}

fn went() -> impl Strategy<Value = Went> {
    prop_oneof![3 => Just(Went::Well), 3 => Just(Went::Down), 1 => Just(Went::Unauthorised)]
}

fn held() -> impl Strategy<Value = Held> {
    select(vec![
        Held::Paused,
        Held::Kind(Kind::Url),
        Held::Kind(Kind::Dir),
        Held::Kind(Kind::Dir),
        Held::Kind(Kind::Resource),
    ])
}
