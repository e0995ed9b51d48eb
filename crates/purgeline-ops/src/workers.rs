//! Which workers are alive.

use crate::{Ops, OpsError};
use purgeline_core::TargetName;
use purgeline_queue::WorkerInfo;
use serde::Serialize;

/// Which workers are alive; see [`Ops::workers`].
#[derive(Clone, Copy, Debug)]
pub struct Workers<'a> {
    ops: &'a Ops,
}

/// The workers that are alive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WorkersStatus {
    /// The workers.
    pub workers: Vec<WorkerInfo>,
    /// Configured targets that no worker works for: nothing of theirs is sent.
    pub without_worker: Vec<TargetName>,
}

impl<'a> Workers<'a> {
    pub(crate) const fn new(ops: &'a Ops) -> Self {
        Self { ops }
    }

    /// The workers that are alive, and the targets that have none.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn status(&self) -> Result<WorkersStatus, OpsError> {
        let workers = self.ops.queue.inspect().workers().await?;
        let names = self.ops.targets.iter().map(|configured| &configured.target.name);
        let without_worker = names.filter(|name| !works_for(&workers, name.as_str())).cloned().collect();
        Ok(WorkersStatus { workers, without_worker })
    }
}

/// Whether one of these workers works for the target.
pub(crate) fn works_for(workers: &[WorkerInfo], target: &str) -> bool {
    workers.iter().any(|worker| worker.targets.iter().any(|name| name.as_str() == target))
}
