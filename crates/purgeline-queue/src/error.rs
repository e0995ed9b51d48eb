use purgeline_core::{JobId, TargetName};
use thiserror::Error;

/// Why the queue did not do what it was asked to. Unless it says otherwise nothing was changed.
#[derive(Debug, Error)]
pub enum QueueError {
    /// Redis could not be asked, or refused. A write may have been carried out.
    #[error("Redis: {0}")]
    Redis(#[from] redis::RedisError),
    /// It was written, and too few replicas confirmed it in time. It may be lost if the primary
    /// dies now; else it is as good as accepted.
    #[error(
        "Redis: {confirmed} of {wanted} replicas confirmed the write within {} ms (redis.replicas): it may have been taken; submit it again when they are back, which is safe, and adds nothing twice under the same idempotency key", .waited.as_millis()
    )]
    NotReplicated {
        /// Replicas that did.
        confirmed: u32,
        /// Replicas that must.
        wanted: u32,
        /// How long they were waited for.
        waited: std::time::Duration,
    },
    /// The URL names no Redis.
    #[error("redis.url: {0}")]
    Url(#[from] crate::TopologyError),
    /// The target has no room for the job's items.
    #[error(
        "target {target} is full: {waiting} items wait and {most} is the most (max_pending_items); try again when some have gone out"
    )]
    Full {
        /// The target.
        target: TargetName,
        /// Distinct items that wait there.
        waiting: u64,
        /// Its bound.
        most: u64,
    },
    /// The same id was submitted before with another body.
    #[error(
        "job {0} was submitted before with other items, options or targets: use another idempotency key, or send the same body"
    )]
    Conflict(JobId),
    /// The job's producer stayed away for so long that the job was closed without the rest.
    #[error(
        "job {0} was closed because its producer had not finished it for a day: submit it again under another idempotency key"
    )]
    Abandoned(JobId),
    /// Somebody has cancelled the job.
    #[error("job {0} has been cancelled: what it lacks is not enqueued any more; submit it as a new job")]
    Cancelled(JobId),
    /// A chunk with no items, or with more than one call takes.
    #[error("a chunk holds 1 to {max} items, not {0}", max = crate::MAX_CHUNK_ITEMS)]
    ChunkSize(usize),
    /// What Redis holds is not what this version writes.
    #[error("{key}: expected {expected}, found {found}; was it written by hand or by another version?")]
    Malformed {
        /// Where.
        key: String,
        /// What should be there.
        expected: &'static str,
        /// What is there.
        found: String,
    },
}

impl QueueError {
    pub(crate) fn malformed(
        key: impl Into<String>,
        expected: &'static str,
        found: impl std::fmt::Debug,
    ) -> Self {
        let mut found = format!("{found:?}");
        found.truncate(found.char_indices().nth(200).map_or(found.len(), |(at, _)| at));
        Self::Malformed { key: key.into(), expected, found }
    }
}
