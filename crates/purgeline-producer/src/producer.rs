use crate::{
    Refusal, SubmitError,
    plan::{Plan, Share, plan},
    timing,
};
use purgeline_core::{JobId, JobOptions, JobRequest, JobState, TargetName};
use purgeline_providers::ConfiguredTarget;
use purgeline_queue::{
    Chunk, Created, Enqueued, MAX_CHUNK_ITEMS, NewJob, ProduceQueue, QueueError, Retention, Timing,
};
use serde::Serialize;
use std::sync::Arc;
use tracing::{debug, warn};

/// Takes purge jobs from a publish hook into the queue. Cheap to clone; never talks to a
/// provider.
#[derive(Clone, Debug)]
pub struct Producer {
    queue: ProduceQueue,
    targets: Arc<[ConfiguredTarget]>,
    retention: Retention,
}

/// What to do with a job of which some items are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Accept {
    /// Nothing is enqueued.
    #[default]
    Whole,
    /// The good items are enqueued and the refused ones listed.
    GoodItems,
}

/// An accepted job: every item is durable in Redis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Submitted {
    /// Its id, to ask how it fares.
    pub job: JobId,
    /// Whether it had been submitted before, under the same idempotency key: nothing was added
    /// that was there.
    pub repeated: bool,
    /// How it stands.
    pub state: JobState,
    /// Distinct items accepted.
    pub items: usize,
    /// What each target got.
    pub targets: Vec<TargetShare>,
    /// Items that were refused, where only the good ones were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refusal>,
}

/// What one target got of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TargetShare {
    /// The target.
    pub target: TargetName,
    /// Items of the job that it purges.
    pub items: usize,
    /// Those that nobody waited for yet; each costs a purge.
    pub new: u64,
    /// Those that joined an item which waited already.
    pub joined: u64,
    /// Those that wait for a dir above them, which will purge them if it can.
    pub covered: u64,
}

impl Producer {
    /// A producer for these targets. `retention` is how long jobs are kept.
    #[must_use]
    pub fn new(queue: ProduceQueue, targets: Vec<ConfiguredTarget>, retention: Retention) -> Self {
        Self { queue, targets: targets.into(), retention }
    }

    /// The targets that it routes to.
    #[must_use]
    pub fn targets(&self) -> &[ConfiguredTarget] {
        &self.targets
    }

    /// Checks, routes and enqueues a job. When it has answered, every item waits at every target
    /// that serves it, until it settles.
    ///
    /// With an idempotency key the call may be repeated after an error or a crash, with the same
    /// request: what was enqueued before is not enqueued again.
    ///
    /// # Errors
    /// [`SubmitError`] says which items or which option broke which rule, or that a target is
    /// full; nothing was enqueued. After [`QueueError::Redis`] it is not known how far the call
    /// came: repeat it.
    pub async fn submit(&self, request: &JobRequest, accept: Accept) -> Result<Submitted, SubmitError> {
        let plan = plan(&self.targets, request)?;
        if plan.items == 0 || (accept == Accept::Whole && !plan.refused.is_empty()) {
            return Err(SubmitError::Refused { refused: plan.refused });
        }
        let id = match &request.options.idempotency_key {
            Some(key) => JobId::from_idempotency_key(key),
            None => JobId::generate(),
        };
        let timing = self.timing(id, &request.options).await?;
        match self.room(&plan).await {
            // A job that was submitted before is no new work, and what it still lacks is its due.
            Err(QueueError::Full { .. }) if self.queue.job_timing(id).await?.is_some() => {}
            room => room?,
        }
        let job = NewJob {
            id,
            digest: plan.digest.clone(),
            targets: plan
                .shares
                .iter()
                .map(|share| (share.target.target.name.clone(), share.items.len() as u64))
                .collect(),
            items: plan.items as u64,
            first_items: plan.first_items.clone(),
            priority: request.options.priority,
            source: request.options.source.clone(),
            timing,
        };
        let created = self.queue.create_job(&job).await?;
        let mut submitted = Submitted {
            job: id,
            repeated: created != Created::New,
            state: JobState::Active,
            items: plan.items,
            targets: Vec::new(),
            refused: plan.refused.clone(),
        };
        if let Created::Known(state) = created
            && state.is_terminal()
        {
            submitted.state = state;
            return Ok(submitted);
        }
        for share in &plan.shares {
            match self.enqueue(&job, share, &request.options, submitted.repeated).await {
                Ok(taken) => submitted.targets.push(taken),
                Err(error @ QueueError::Full { .. }) => {
                    self.take_back(&job, &plan, submitted.targets.len()).await?;
                    return Err(error.into());
                }
                Err(error) => return Err(error.into()),
            }
        }
        debug!(job = %id, items = plan.items, targets = submitted.targets.len(), "job {id} enqueued");
        Ok(submitted)
    }

    /// The job's times: those of this moment, or, if it was submitted before, those of then.
    async fn timing(&self, id: JobId, options: &JobOptions) -> Result<Timing, SubmitError> {
        if options.not_before.is_none() && options.expires_at.is_none() {
            return Ok(timing::asked(options, 0));
        }
        if let Some(timing) = self.queue.job_timing(id).await? {
            return Ok(timing);
        }
        let now_ms = self.queue.now_ms().await?;
        timing::check_times(options, now_ms)?;
        Ok(timing::asked(options, now_ms))
    }

    /// Where several targets must have room, looks before the first gets anything, as if none of
    /// the items waited there already. The enqueue itself is what decides.
    async fn room(&self, plan: &Plan<'_>) -> Result<(), QueueError> {
        if plan.shares.len() < 2 {
            return Ok(());
        }
        for Share { target, items } in &plan.shares {
            let (waiting, most) =
                (self.queue.pending(&target.target).await?, target.config.max_pending_items.get());
            if waiting.saturating_add(items.len() as u64) > most {
                return Err(QueueError::Full { target: target.target.name.clone(), waiting, most });
            }
        }
        Ok(())
    }

    async fn enqueue(
        &self,
        job: &NewJob,
        share: &Share<'_>,
        options: &JobOptions,
        repeated: bool,
    ) -> Result<TargetShare, QueueError> {
        let target = &share.target.target;
        let mut taken = TargetShare {
            target: target.name.clone(),
            items: share.items.len(),
            new: 0,
            joined: 0,
            covered: 0,
        };
        // A part that has ended may be forgotten at its target before the job is.
        if repeated && self.queue.part_is_recorded(job.id, &target.name).await? {
            return Ok(taken);
        }
        let chunks = share.items.chunks(MAX_CHUNK_ITEMS);
        let count = chunks.len();
        for (index, items) in chunks.enumerate() {
            let chunk = Chunk {
                job: job.id,
                index,
                chunks: count,
                job_items: share.items.len(),
                priority: job.priority,
                source: job.source.as_deref().unwrap_or(""),
                timing: timing::at_target(options, job.timing, &share.target.config),
                items,
            };
            match self.queue.enqueue(target, &chunk, share.target.config.max_pending_items.get()).await? {
                Enqueued::Added { new, joined, covered } => {
                    taken.new += new;
                    taken.joined += joined;
                    taken.covered += covered;
                }
                Enqueued::Repeated => {}
                Enqueued::Gap(chunks_taken) => {
                    // Only when the part vanished between two chunks: somebody flushed Redis.
                    return Err(QueueError::Malformed {
                        key: format!("job {} at target {}", job.id, target.name),
                        expected: "the chunks that this call has enqueued",
                        found: format!("{chunks_taken} of them"),
                    });
                }
            }
        }
        Ok(taken)
    }

    /// A target was full after all. If none before it got anything the job never was; else the
    /// parts that were not taken are cancelled, so that the job ends.
    async fn take_back(&self, job: &NewJob, plan: &Plan<'_>, accepted: usize) -> Result<(), QueueError> {
        if accepted == 0 {
            return self.queue.discard_job(job.id).await;
        }
        for share in &plan.shares[accepted..] {
            let name = &share.target.target.name;
            warn!(job = %job.id, target = %name, "job {} cancelled at target {name}, which is full", job.id);
            self.queue.cancel_part(job.id, name, share.items.len() as u64, &self.retention).await?;
        }
        Ok(())
    }
}
