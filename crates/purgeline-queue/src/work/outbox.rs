use crate::{
    QueueError, Retention, WorkQueue,
    redis::{scripts, store::Store},
};
use futures::future::join_all;
use purgeline_core::{JobId, JobState, PartCounts, Target, TargetName};
use redis::{
    AsyncTypedCommands,
    streams::{StreamAutoClaimReply, StreamId, StreamReadReply},
};

/// Entries carried at a time.
const SLICE: usize = 200;
/// All carriers are one consumer group of one consumer: Redis gives each entry to one of them.
const GROUP: &str = "carriers";
/// A carrier that has had an entry for so long, in milliseconds, is dead; one that is only slow
/// does no harm. Less than any lease should be, since jobs wait for it.
const DEAD_MS: u64 = 5_000;

/// One entry of an outbox.
pub(crate) enum Word {
    /// The part of a job here has ended; `round`: after it was reopened so often.
    PartEnded { job: JobId, counts: PartCounts, round: u64, at_ms: String },
    /// Something that is told to whoever watches, by field.
    Event(Vec<(String, String)>),
}

impl Word {
    /// Reads an entry of the outbox under `key`.
    pub(crate) fn read(key: &str, entry: &StreamId) -> Result<Self, QueueError> {
        let text = |name: &str| entry.get::<String>(name).unwrap_or_default();
        let malformed =
            |expected, found| QueueError::malformed(format!("{key} {}", entry.id), expected, found);
        if text("what") != "part_ended" {
            let mut event = Vec::new();
            for (field, value) in &entry.map {
                let value: String = redis::from_redis_value_ref(value).map_err(redis::RedisError::from)?;
                event.push((field.clone(), value));
            }
            return Ok(Self::Event(event));
        }
        let number = |name: &str| text(name).parse().map_err(|_| malformed("a count", text(name)));
        Ok(Self::PartEnded {
            job: text("job").parse().map_err(|_| malformed("a job id", text("job")))?,
            counts: PartCounts {
                items: number("items")?,
                succeeded: number("succeeded")?,
                failed: number("failed")?,
                cancelled: number("cancelled")?,
            },
            round: number("round")?,
            at_ms: text("at"),
        })
    }
}

impl WorkQueue {
    /// Carries on what happened at a target to those who must hear of it: the ended parts to
    /// their jobs, and everything to the events stream. Any worker may do it, several at once.
    /// An entry is removed only when it has been carried: whoever dies in between leaves it to
    /// another, who may tell the events stream a second time. Gives the jobs that ended by it.
    ///
    /// # Errors
    /// When Redis cannot be asked; what was not carried is carried by a later call, five seconds
    /// later if this one had begun with it.
    pub async fn carry_outbox(
        &self,
        target: &Target,
        retention: &Retention,
    ) -> Result<Vec<(JobId, JobState)>, QueueError> {
        self.store.carry_outbox(target, retention).await
    }
}

impl Store {
    /// Carries on what happened at a target. Gives the jobs that ended by it.
    pub(crate) async fn carry_outbox(
        &self,
        target: &Target,
        retention: &Retention,
    ) -> Result<Vec<(JobId, JobState)>, QueueError> {
        let key = self.keys().outbox(target);
        let mut ended = Vec::new();
        let mut failure = None;
        let mut slice = self.left_by_the_dead(&key).await?;
        loop {
            if !slice.is_empty() {
                let carried =
                    join_all(slice.iter().map(|entry| self.carry(target, &key, entry, retention))).await;
                // One that cannot be carried holds up no other.
                let mut done = Vec::new();
                for (entry, carried) in slice.iter().zip(carried) {
                    match carried {
                        Ok(job) => {
                            done.push(entry.id.as_str());
                            ended.extend(job);
                        }
                        Err(error) => failure = Some(error),
                    }
                }
                self.forget_words(&key, &done).await?;
            }
            slice = self.unread(&key).await?;
            if slice.is_empty() {
                return failure.map_or(Ok(ended), Err);
            }
        }
    }

    /// Removes entries that have been carried.
    pub(crate) async fn forget_words(&self, key: &str, ids: &[&str]) -> Result<(), QueueError> {
        if ids.is_empty() {
            return Ok(());
        }
        // In this order: an entry that was acknowledged but not removed would stay for ever,
        // one that was removed but not acknowledged is forgotten by the next claim. No
        // transaction, since Redis takes none when its memory is full.
        let mut redis = self.manager();
        redis.xdel(key, ids).await?;
        redis.xack(key, GROUP, ids).await?;
        Ok(())
    }

    /// Entries that nobody has begun to carry.
    async fn unread(&self, key: &str) -> Result<Vec<StreamId>, QueueError> {
        let mut read = redis::cmd("XREADGROUP");
        read.arg("GROUP").arg(GROUP).arg("carrier").arg("COUNT").arg(SLICE).arg("STREAMS").arg(key).arg(">");
        let reply: Option<StreamReadReply> = self.in_group(key, &read).await?;
        Ok(reply.into_iter().flat_map(|reply| reply.keys).flat_map(|stream| stream.ids).collect())
    }

    /// Entries that somebody has begun to carry, so long ago that he must be dead.
    async fn left_by_the_dead(&self, key: &str) -> Result<Vec<StreamId>, QueueError> {
        let mut claim = redis::cmd("XAUTOCLAIM");
        claim.arg(key).arg(GROUP).arg("carrier").arg(DEAD_MS).arg("0").arg("COUNT").arg(SLICE);
        let reply: StreamAutoClaimReply = self.in_group(key, &claim).await?;
        Ok(reply.claimed)
    }

    /// A command of the group, which is made if this is the first.
    async fn in_group<T: redis::FromRedisValue>(
        &self,
        key: &str,
        command: &redis::Cmd,
    ) -> Result<T, QueueError> {
        let mut redis = self.manager();
        match command.query_async(&mut redis).await {
            Err(error) if error.code() == Some("NOGROUP") => {}
            answer => return Ok(answer?),
        }
        // Two carriers may both be the first: the second is told that it is not.
        match redis.xgroup_create_mkstream(key, GROUP, "0").await {
            Err(error) if error.code() != Some("BUSYGROUP") => return Err(error.into()),
            _ => {}
        }
        Ok(command.query_async(&mut redis).await?)
    }

    async fn carry(
        &self,
        target: &Target,
        key: &str,
        entry: &StreamId,
        retention: &Retention,
    ) -> Result<Option<(JobId, JobState)>, QueueError> {
        match Word::read(key, entry)? {
            Word::PartEnded { job, counts, round, at_ms } => {
                self.end_part(job, &target.name, counts, round, &at_ms, retention).await
            }
            Word::Event(fields) => {
                let event: Vec<_> =
                    fields.iter().map(|(field, value)| (field.as_str(), value.clone())).collect();
                self.emit(&target.name, &event, retention).await?;
                Ok(None)
            }
        }
    }

    /// Takes down in a job how one of its parts ended (`round`: after so many reopenings), and
    /// tells whoever watches if the job ended by it. Gives the job if it ended just now.
    pub(crate) async fn end_part(
        &self,
        job: JobId,
        target: &TargetName,
        counts: PartCounts,
        round: u64,
        at_ms: &str,
        retention: &Retention,
    ) -> Result<Option<(JobId, JobState)>, QueueError> {
        let mut script = scripts::FINISH_JOB.prepare_invoke();
        script.key(self.keys().job(job)).arg(target.as_str());
        for count in [counts.items, counts.succeeded, counts.failed, counts.cancelled] {
            script.arg(count);
        }
        script.arg(at_ms).arg(retention.succeeded_ms).arg(retention.failed_ms).arg(round);
        let (state, now, ended_ms): (String, bool, String) = self.invoke(&script).await?;
        let Ok(state) = state.parse::<JobState>() else { return Ok(None) };
        let event = [
            ("what", "job_ended".to_owned()),
            ("job", job.to_string()),
            ("state", state.to_string()),
            ("at", ended_ms),
        ];
        self.emit(target, &event, retention).await?;
        Ok(now.then_some((job, state)))
    }

    async fn emit(
        &self,
        target: &TargetName,
        event: &[(&str, String)],
        retention: &Retention,
    ) -> Result<(), QueueError> {
        let mut script = scripts::EMIT.prepare_invoke();
        script.key(self.keys().events()).arg(retention.max_events).arg("target").arg(target.as_str());
        for (field, value) in event {
            script.arg(field).arg(value);
        }
        self.invoke(&script).await
    }
}
