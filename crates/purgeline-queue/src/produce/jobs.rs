use crate::{
    ProduceQueue, QueueError, Retention, Timing,
    redis::{scripts, store::Store},
};
use purgeline_core::{JobId, JobState, PartCounts, Priority, Target, TargetName};
use redis::AsyncTypedCommands;

/// A job as it is written before any of its items.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Its id.
    pub id: JobId,
    /// What tells its body from another: a hash of items and options, in hex.
    pub digest: String,
    /// The targets it goes to, each with the items that it gets.
    pub targets: Vec<(TargetName, u64)>,
    /// Items submitted, each counted once however many targets it goes to.
    pub items: u64,
    /// Names of the first of them, one a line, for those who look.
    pub first_items: String,
    /// How soon they go out.
    pub priority: Priority,
    /// Who asked.
    pub source: Option<String>,
    /// When they go, and until when, as the job says it.
    pub timing: Timing,
}

/// What came of writing a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// It is new.
    New,
    /// It was written before, with the same body, and stands like this.
    Known(JobState),
}

impl ProduceQueue {
    /// Writes a job, before its items are enqueued.
    ///
    /// # Errors
    /// [`QueueError::Conflict`] when another body was written under its id;
    /// [`QueueError::Abandoned`] when its producer stayed away so long that it was closed;
    /// [`QueueError::NotReplicated`] when it was written and too few replicas have it in time.
    pub async fn create_job(&self, job: &NewJob) -> Result<Created, QueueError> {
        let targets: Vec<_> = job.targets.iter().map(|(name, _)| name.as_str()).collect();
        let mut script = scripts::CREATE_JOB.prepare_invoke();
        script.key(self.store.keys().job(job.id)).arg(self.store.given_time()).arg(&job.digest);
        for (field, value) in [
            ("targets", targets.join(" ").as_str()),
            ("items", &job.items.to_string()),
            ("priority", job.priority.as_str()),
            ("source", job.source.as_deref().unwrap_or("")),
            ("first_items", &job.first_items),
        ] {
            script.arg(field).arg(value);
        }
        for (name, items) in &job.targets {
            script.arg(format!("share:{name}")).arg(items);
        }
        for (field, ms) in job.timing.fields() {
            script.arg(field).arg(ms);
        }
        let (reply, safe): (Vec<String>, _) = self.store.invoke_safely(&script).await?;
        let texts: Vec<&str> = reply.iter().map(String::as_str).collect();
        match texts[..] {
            ["created", now] => {
                self.list_job(job.id, now).await?;
                safe?;
                Ok(Created::New)
            }
            ["exists", state, submitted] => {
                // Whoever wrote it may have died before it was listed.
                self.list_job(job.id, submitted).await?;
                safe?;
                Ok(Created::Known(state.parse().map_err(|_| {
                    QueueError::malformed(self.store.keys().job(job.id), "a job state", state)
                })?))
            }
            ["abandoned"] => Err(QueueError::Abandoned(job.id)),
            ["conflict"] => Err(QueueError::Conflict(job.id)),
            _ => Err(QueueError::malformed(
                "the answer of create_job.lua",
                "created, exists, abandoned or conflict",
                &reply,
            )),
        }
    }

    async fn list_job(&self, id: JobId, submitted_ms: &str) -> Result<(), QueueError> {
        let score: f64 = submitted_ms.parse().map_err(|_| {
            QueueError::malformed(self.store.keys().job(id), "submitted, in ms", submitted_ms)
        })?;
        let _: usize = self.store.manager().zadd(self.store.keys().jobs(), id.to_string(), score).await?;
        Ok(())
    }

    /// Whether a job's part at a target has ended and been taken down in the job.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn part_is_recorded(&self, id: JobId, target: &TargetName) -> Result<bool, QueueError> {
        Ok(self.store.manager().hexists(self.store.keys().job(id), format!("part:{target}")).await?)
    }

    /// Takes a job's record back whose items no target took.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn discard_job(&self, id: JobId) -> Result<(), QueueError> {
        let mut redis = self.store.manager();
        redis.del(self.store.keys().job(id)).await?;
        redis.zrem(self.store.keys().jobs(), id.to_string()).await?;
        Ok(())
    }

    /// Writes in a job that none of its items were taken at a target: that delivery is cancelled.
    /// Gives the job's state if it ended by it.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn cancel_part(
        &self,
        id: JobId,
        target: &TargetName,
        items: u64,
        retention: &Retention,
    ) -> Result<Option<JobState>, QueueError> {
        self.store.cancel_part(id, target, items, retention).await
    }

    /// The times of a job that was submitted before; `None` if no such job is kept.
    ///
    /// # Errors
    /// When Redis cannot be asked, or holds something else under the job's key.
    pub async fn job_timing(&self, id: JobId) -> Result<Option<Timing>, QueueError> {
        Ok(self.store.job(id, &[]).await?.map(|job| job.timing))
    }

    /// Distinct items that wait at a target, the delayed and the embargoed ones included: what
    /// counts against its bound.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn pending(&self, target: &Target) -> Result<u64, QueueError> {
        self.store.pending(target).await
    }

    /// The time in milliseconds since 1970 by which the queue goes.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn now_ms(&self) -> Result<i64, QueueError> {
        self.store.now_ms().await
    }
}

impl Store {
    /// Writes in a job that none of its items were taken at a target. Gives the job's state if it
    /// ended by it.
    pub(crate) async fn cancel_part(
        &self,
        id: JobId,
        target: &TargetName,
        items: u64,
        retention: &Retention,
    ) -> Result<Option<JobState>, QueueError> {
        let counts = PartCounts { items, succeeded: 0, failed: 0, cancelled: items };
        let at_ms = self.now_ms().await?.to_string();
        let ended = self.end_part(id, target, counts, 0, &at_ms, retention).await?;
        Ok(ended.map(|(_, state)| state))
    }
}
