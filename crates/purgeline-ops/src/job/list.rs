use crate::{Age, Ops, OpsError};
use purgeline_core::{JobState, TargetName};
use purgeline_queue::{Job, JobFilter};
use serde::Serialize;

/// Which jobs to list: those that all of these are true of. The default: every one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobQuery {
    /// Only those in this state.
    pub state: Option<JobState>,
    /// Only those of this source.
    pub source: Option<String>,
    /// Only those that were submitted at least this long ago.
    pub older_than: Option<Age>,
    /// Only those that were submitted at most this long ago.
    pub newer_than: Option<Age>,
    /// Only those that go to this target.
    pub target: Option<TargetName>,
}

/// Jobs, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JobList {
    /// The jobs.
    pub jobs: Vec<Job>,
}

/// Jobs looked at for those that match: a list must not hold Redis up for long.
const LOOKED_AT: usize = 100_000;

impl JobList {
    /// Reads the newest jobs that match, at most `limit`.
    ///
    /// # Errors
    /// [`OpsError::UnknownTarget`]; when Redis cannot be asked.
    pub(super) async fn read(ops: &Ops, query: &JobQuery, limit: usize) -> Result<Self, OpsError> {
        if let Some(target) = &query.target {
            ops.target(target)?;
        }
        let now = ops.now_ms().await?;
        let filter = JobFilter {
            state: query.state,
            source: query.source.clone(),
            target: query.target.clone(),
            since_ms: query.newer_than.map(|age| age.before(now)),
            until_ms: query.older_than.map(|age| age.before(now)),
        };
        Ok(Self { jobs: ops.queue.inspect().jobs(&ops.identities(), &filter, limit, LOOKED_AT).await? })
    }
}
