use purgeline_core::{JobId, JobState, PartCounts};
use std::{collections::BTreeMap, fmt};

/// What can be wrong, with what it takes to mend it. In the order in which it is mended: what
/// waits before what is counted, so that the counts are taken of what is there in the end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Damage {
    /// A pending record that cannot be read.
    Record { item: String, text: String, error: String },
    /// A record's delay and the delayed set disagree.
    Delay { item: String, due_ms: Option<i64>, delayed: Option<i64> },
    /// Nobody would look when a job has no more use for an item.
    Expiry { item: String, at_ms: i64, expiring: Option<i64> },
    /// A dir is said to cover something, but does not wait, or not there.
    StrayCovering { lane: String, dir: String, id: String },
    /// Nothing ends what the items of this coverage wait for.
    StrayCoverage { id: String, names: usize },
    /// An item waits for a dir, but would not be found when that ends.
    NotListed { item: String, id: String },
    /// An embargoed record that cannot be read.
    EmbargoedRecord { name: String, text: String, error: String },
    /// An embargo that does not end when it says.
    Embargo { name: String, embargoes: Option<i64> },
    /// The end of an embargo of what is not there.
    StrayEmbargo { name: String },
    /// No hint leads to a record.
    NoHint { item: String, lane: String },
    /// A lane that holds hints is never looked at.
    UnrankedLane { lane: String },
    /// Nobody waits for a record.
    NoJob { holder: Holder },
    /// A record says that more jobs wait in a list that is not there.
    LostList { holder: Holder },
    /// A record says that no more jobs wait, but a list of them is there.
    HiddenList { item: String },
    /// A list of waiting jobs that no record and no outcome leads to.
    StrayList { list: String, first: String, length: u64 },
    /// A list of waiting jobs holds something else.
    ListEntry { list: String, entry: String },
    /// An item is delayed that does not wait.
    StrayDelay { item: String },
    /// A lease, poll or ready entry without a batch.
    StrayBatch { batch: String },
    /// A batch that does not stand where its state says: in (leases, ready, polls).
    BatchState { batch: String, state: Option<String>, stands: (bool, bool, bool) },
    /// A batch's count of its open items is wrong.
    OpenItems { batch: String, open: Option<String>, held: usize },
    /// An item of a batch that cannot be read.
    BatchItem { batch: String, index: String, text: String, error: String },
    /// A batch holds an item that is not known to be under way.
    NotInflight { batch: String, item: String },
    /// An item is said to be under way in a batch that does not hold it.
    StrayInflight { batch: String, item: String },
    /// An outcome to be counted that cannot be read.
    Settling { entry: String },
    /// An entry of the outbox that nobody can carry.
    OutboxEntry { id: String, error: String },
    /// An entry of the outbox that nobody has carried for long.
    OutboxWaits { id: String, since_ms: i64 },
    /// A part of a job under a name that is none.
    PartName { id: String },
    /// Items wait for a job that has no part here.
    NoPart { job: JobId, items: u64 },
    /// The items of a part do not add up.
    PartCounts { job: JobId, seen: PartSeen, waits: u64 },
    /// More items were enqueued than the part has.
    PartItems { job: JobId, seen: PartSeen, waits: u64 },
    /// A part's state is not what its counters mean.
    PartState { job: JobId, seen: PartSeen, waits: u64 },
    /// A part that more items were announced for, of which nobody knows that they may never come.
    Unannounced { job: JobId, enqueued: u64, items: u64 },
    /// A job whose producer stayed away, of which a target got nothing, and that nothing has closed.
    Undelivered { key: String, job: JobId },
    /// A job that is not what its parts mean.
    JobState { key: String, job: JobId, state: JobState, expected: JobState },
    /// A counter is not what it counts. `seen`: all counters when the counting began.
    Counter { name: &'static str, said: i128, counted: i128, seen: BTreeMap<String, String> },
}

/// Who has a list of further waiting jobs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Holder {
    /// The pending record of this item.
    Pending(String),
    /// What is embargoed under this name: `MS ITEM`.
    Embargoed(String),
    /// A batch's item: batch, index, name.
    Batch(String, String, String),
}

/// A part of a job as it was seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PartSeen {
    pub(crate) state: String,
    pub(crate) enqueued: u64,
    pub(crate) items: u64,
    pub(crate) succeeded: u64,
    pub(crate) failed: u64,
    pub(crate) cancelled: u64,
}

impl Holder {
    /// The item's name.
    pub(crate) fn item(&self) -> &str {
        match self {
            Self::Pending(item) | Self::Embargoed(item) | Self::Batch(_, _, item) => item,
        }
    }

    /// What its list is called, behind `waiters:`.
    pub(crate) fn list(&self) -> String {
        match self {
            Self::Pending(item) | Self::Embargoed(item) => item.clone(),
            Self::Batch(batch, index, _) => format!("{batch}:{index}"),
        }
    }
}

impl PartSeen {
    pub(crate) const fn counts(&self) -> PartCounts {
        let Self { items, succeeded, failed, cancelled, .. } = *self;
        PartCounts { items, succeeded, failed, cancelled }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record { error, .. }
            | Self::EmbargoedRecord { error, .. }
            | Self::BatchItem { error, .. } => f.write_str(error),
            Self::Expiry { item, at_ms, expiring } => {
                write!(f, "pending {item} expires for a job at {at_ms}, but expiring says {expiring:?}")
            }
            Self::StrayCovering { lane, dir, id } => {
                write!(f, "covering:{lane} says that {dir} has coverage {id}, but it does not")
            }
            Self::StrayCoverage { id, names } => {
                write!(
                    f,
                    "no dir has coverage {id}: the {names} names in covered:{id} would wait for an hour"
                )
            }
            Self::NotListed { item, id } => {
                write!(f, "pending {item} waits for coverage {id}, but covered:{id} does not name it")
            }
            Self::Embargo { name, embargoes } => {
                write!(f, "embargoed {name}: embargoes says {embargoes:?}")
            }
            Self::StrayEmbargo { name } => write!(f, "embargoes has {name}, but embargoed does not"),
            Self::Delay { item, due_ms: Some(due), delayed } => {
                write!(f, "pending {item} is due at {due} but delayed says {delayed:?}")
            }
            Self::Delay { item, due_ms: None, delayed } => {
                write!(f, "pending {item} stands in its lane, but delayed says {delayed:?}")
            }
            Self::NoHint { item, lane } => {
                write!(f, "pending {item} has no hint in lane {lane}: it would never go")
            }
            Self::UnrankedLane { lane } => {
                write!(f, "lane {lane} is not ranked in lanes: its items would never go")
            }
            Self::NoJob { holder } => write!(f, "{} waits for no job", holder.item()),
            Self::LostList { holder } => write!(
                f,
                "{} says that more jobs wait for it, but waiters:{} is not there",
                holder.item(),
                holder.list()
            ),
            Self::HiddenList { item } => {
                write!(f, "pending {item} says that no more jobs wait for it, but waiters:{item} is there")
            }
            Self::StrayList { list, length, .. } => {
                write!(f, "nothing leads to the {length} entries of waiters:{list}: they would wait for ever")
            }
            Self::ListEntry { list, entry } => write!(f, "{list} holds {entry:?}, which is no job"),
            Self::StrayDelay { item } => write!(f, "delayed {item} has no pending record"),
            Self::StrayBatch { batch } => {
                write!(f, "batch {batch} is leased, ready or asked about, but its record is gone")
            }
            Self::BatchState { batch, state, stands } => {
                write!(f, "batch {batch} is {state:?} but stands in (leases, ready, polls) {stands:?}")
            }
            Self::OpenItems { batch, open, held } => {
                write!(f, "batch {batch} says open={open:?} and holds {held} items")
            }
            Self::NotInflight { batch, item } => {
                write!(f, "batch {batch} holds {item}, but inflight does not say so")
            }
            Self::StrayInflight { batch, item } => {
                write!(f, "inflight says that batch {batch} holds {item}, but it does not")
            }
            Self::Settling { entry } => write!(f, "settling holds {entry:?}"),
            Self::OutboxEntry { id, error } => write!(f, "outbox {id} can be carried by nobody: {error}"),
            Self::OutboxWaits { id, .. } => write!(f, "outbox {id} waits for somebody to carry it"),
            Self::PartName { id } => write!(f, "job:{id} is no job's part"),
            Self::NoPart { job, items } => {
                write!(f, "{items} items wait for job {job}, which has no part here")
            }
            Self::PartCounts { job, seen, waits } => write!(
                f,
                "job {job}: {} items were enqueued, but {} have settled and {waits} wait",
                seen.enqueued,
                seen.counts().settled()
            ),
            Self::PartItems { job, seen, .. } => {
                write!(f, "job {job}: {} items were enqueued, more than its {}", seen.enqueued, seen.items)
            }
            Self::PartState { job, seen, .. } => write!(
                f,
                "job {job} is {:?} here, but its counters mean {}",
                seen.state,
                seen.counts().state()
            ),
            Self::Unannounced { job, enqueued, items } => write!(
                f,
                "job {job}: {enqueued} of {items} items were enqueued and submitting does not name it: it would never end"
            ),
            Self::Undelivered { key, .. } => {
                write!(f, "{key} is active, but a target never got its items and nothing has closed it")
            }
            Self::JobState { key, state, expected, .. } => {
                write!(f, "{key} is {state} but its parts are {expected}")
            }
            Self::Counter { name: "announced", said, counted, .. } => {
                write!(f, "stats says that {said} items are announced, but {counted} are")
            }
            Self::Counter { name, said, counted, .. } => {
                write!(f, "stats says {name}={said}, but {counted} wait")
            }
        }
    }
}
