//! How a job fares; which jobs there are; cancelling one.

mod cancel;
mod list;
mod status;

pub use cancel::{CancelledDelivery, CancelledJob};
pub use list::{JobList, JobQuery};
pub use status::{HeldTarget, JobStatus, WaitingItem};

use crate::{Ops, OpsError};
use purgeline_core::{JobId, PartCounts};
use purgeline_queue::Job;

/// How jobs fare; see [`Ops::jobs`].
#[derive(Clone, Copy, Debug)]
pub struct Jobs<'a> {
    ops: &'a Ops,
}

impl<'a> Jobs<'a> {
    pub(crate) const fn new(ops: &'a Ops) -> Self {
        Self { ops }
    }

    /// A job in numbers, for a front end that polls: without its failures, and without what it waits
    /// for.
    ///
    /// # Errors
    /// [`OpsError::UnknownJob`]; when Redis cannot be asked.
    pub async fn read(&self, id: JobId) -> Result<Job, OpsError> {
        let job = self.ops.queue.inspect().job(id, &self.ops.identities()).await?;
        job.ok_or(OpsError::UnknownJob(id))
    }

    /// How a job fares: its deliveries, its first failures, and what the first of its items wait
    /// for.
    ///
    /// # Errors
    /// [`OpsError::UnknownJob`]; when Redis cannot be asked.
    pub async fn status(&self, id: JobId) -> Result<JobStatus, OpsError> {
        JobStatus::read(self.ops, id).await
    }

    /// The newest jobs that match, at most `limit`.
    ///
    /// # Errors
    /// [`OpsError::UnknownTarget`]; when Redis cannot be asked.
    pub async fn list(&self, query: &JobQuery, limit: usize) -> Result<JobList, OpsError> {
        JobList::read(self.ops, query, limit).await
    }

    /// Cancels a job: items that no other job waits for are not sent, items in a call end as they
    /// do. `reason` is kept with the job. May be repeated.
    ///
    /// # Errors
    /// [`OpsError::UnknownJob`]; when Redis cannot be asked: then the job may be cancelled at some
    /// targets only.
    pub async fn cancel(&self, id: JobId, reason: &str, dry_run: bool) -> Result<CancelledJob, OpsError> {
        CancelledJob::cancel(self.ops, id, reason, dry_run).await
    }
}

/// The counts of a job, over all its deliveries.
#[must_use]
pub fn total_counts(job: &Job) -> PartCounts {
    job.parts.values().fold(PartCounts::default(), |sum, part| sum.plus(part.counts))
}
