use crate::Timing;
use purgeline_core::{JobId, Priority};

/// The most items of one [`enqueue`](crate::ProduceQueue::enqueue) call: the script then holds Redis for a
/// millisecond or two.
pub const MAX_CHUNK_ITEMS: usize = 500;

/// Some of a job's items, to be enqueued at one target by one call.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// The job.
    pub job: JobId,
    /// Which chunk of the job at this target this is, from 0. Chunks are enqueued in order.
    pub index: usize,
    /// Chunks of the job at this target.
    pub chunks: usize,
    /// Items of the job at this target, in all chunks.
    pub job_items: usize,
    /// How soon they go out.
    pub priority: Priority,
    /// Who asks, for those who look.
    pub source: &'a str,
    /// When they go, and until when.
    pub timing: Timing,
    /// Item names and lanes, at most [`MAX_CHUNK_ITEMS`], no name twice in the job. Dirs before
    /// what they cover saves purges.
    pub items: &'a [(String, String)],
}

/// What became of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enqueued {
    /// It was added.
    Added {
        /// Items that got a record of their own: each will cost a purge.
        new: u64,
        /// Items that joined the pending record of the same item.
        joined: u64,
        /// Items that joined a waiting dir above them.
        covered: u64,
    },
    /// It was there already, from an earlier call whose answer was lost: nothing was added.
    Repeated,
    /// An earlier chunk is missing; so many have been taken. Nothing was added.
    Gap(u64),
}
