use crate::{Queue, QueueError, Timing, scripts};
use purgeline_core::{JobId, Priority, Target};
use redis::Value;

/// The most items of one [`Queue::enqueue`] call: the script then holds Redis for a
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
        /// Items that got a record of their own and wait for nothing: each will cost a purge.
        new: u64,
        /// Items that joined the pending record of the same item.
        joined: u64,
        /// Items that got a record of their own and wait for a dir above them, which will purge them if
        /// it can.
        covered: u64,
    },
    /// It was there already, from an earlier call whose answer was lost: nothing was added.
    Repeated,
    /// An earlier chunk is missing; so many have been taken. Nothing was added.
    Gap(u64),
}

impl Queue {
    /// Makes the items of one chunk wait at a target, coalesced with all that wait there. Once
    /// this has answered they are as durable as was asked for (`redis.durability`). Repeating a chunk
    /// adds nothing.
    ///
    /// # Errors
    /// [`QueueError::Full`] when the target has no room for `most_pending` distinct items in all:
    /// nothing was added. [`QueueError::Conflict`] when the job was said to have other items or chunks
    /// here before. [`QueueError::Abandoned`] when the job was closed meanwhile,
    /// [`QueueError::Cancelled`] when somebody has cancelled it.
    /// [`QueueError::NotReplicated`] when too few replicas have it in time: it was added, and
    /// repeating it asks again whether they have it.
    /// [`QueueError::ChunkSize`] when the chunk is empty or holds more than [`MAX_CHUNK_ITEMS`].
    pub async fn enqueue(
        &self,
        target: &Target,
        chunk: &Chunk<'_>,
        most_pending: u64,
    ) -> Result<Enqueued, QueueError> {
        if chunk.items.is_empty() || chunk.items.len() > MAX_CHUNK_ITEMS {
            return Err(QueueError::ChunkSize(chunk.items.len()));
        }
        let mut script = self.script(&scripts::ENQUEUE, target);
        script
            .arg(chunk.job.to_string())
            .arg(chunk.index)
            .arg(chunk.chunks)
            .arg(chunk.job_items)
            .arg(most_pending)
            .arg(chunk.priority.as_str())
            .arg(chunk.source)
            .arg(chunk.timing.to_string());
        for (name, lane) in chunk.items {
            script.arg(name).arg(lane);
        }
        let (reply, safe): (Vec<Value>, _) = self.invoke_safely(&script).await?;
        let number =
            |at: usize| reply.get(at).and_then(|value| redis::from_redis_value_ref::<u64>(value).ok());
        let word: Option<String> = reply.first().and_then(|value| redis::from_redis_value_ref(value).ok());
        match (word.as_deref(), number(1), number(2), number(3)) {
            (Some("ok"), Some(new), Some(joined), Some(covered)) => {
                safe?;
                Ok(Enqueued::Added { new, joined, covered })
            }
            (Some("repeated"), ..) => {
                safe?;
                Ok(Enqueued::Repeated)
            }
            (Some("gap"), Some(taken), ..) => Ok(Enqueued::Gap(taken)),
            (Some("changed"), ..) => Err(QueueError::Conflict(chunk.job)),
            (Some("abandoned"), ..) => Err(QueueError::Abandoned(chunk.job)),
            (Some("cancelled"), ..) => Err(QueueError::Cancelled(chunk.job)),
            (Some("full"), Some(waiting), ..) => {
                Err(QueueError::Full { target: target.name.clone(), waiting, most: most_pending })
            }
            _ => Err(QueueError::malformed(
                "the answer of enqueue.lua",
                "ok, repeated, gap, abandoned, cancelled or full",
                reply,
            )),
        }
    }
}
