//! How targets stand; pausing and resuming them.

mod pause;
mod quota;
mod status;

pub use pause::{PauseReason, PauseReasonError, PauseSpan, PauseSpanError, PausedTarget, ResumedTarget};
pub use quota::{QuotaForecast, QuotaStatus};
pub use status::{TargetList, TargetStatus, TargetSummary};

use crate::{Ops, OpsError};
use purgeline_core::TargetName;

/// How targets stand; see [`Ops::targets`].
#[derive(Clone, Copy, Debug)]
pub struct Targets<'a> {
    ops: &'a Ops,
}

impl<'a> Targets<'a> {
    pub(crate) const fn new(ops: &'a Ops) -> Self {
        Self { ops }
    }

    /// The configured targets, and how much waits at each.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn list(&self) -> Result<TargetList, OpsError> {
        TargetList::read(self.ops).await
    }

    /// A target's queue, what is held there, its limits and quotas.
    ///
    /// # Errors
    /// [`OpsError::UnknownTarget`]; when Redis cannot be asked.
    pub async fn status(&self, name: &TargetName) -> Result<TargetStatus, OpsError> {
        TargetStatus::read(self.ops, name).await
    }

    /// Has nothing sent to a target for `span`, or until it is resumed: everything waits and
    /// coalesces. `by` says in one word who pauses it.
    ///
    /// # Errors
    /// [`OpsError::UnknownTarget`]; [`OpsError::PausedForLonger`] when a longer pause stands;
    /// [`OpsError::ResumedMeanwhile`]; when Redis cannot be asked.
    pub async fn pause(
        &self,
        name: &TargetName,
        reason: &PauseReason,
        span: Option<PauseSpan>,
        by: &str,
    ) -> Result<PausedTarget, OpsError> {
        PausedTarget::pause(self.ops, name, reason, span, by).await
    }

    /// Lets a paused target go on. One that is down, or refuses its credentials, is tried at once.
    /// `by` says in one word who resumes it.
    ///
    /// # Errors
    /// [`OpsError::UnknownTarget`]; when Redis cannot be asked.
    pub async fn resume(&self, name: &TargetName, by: &str) -> Result<ResumedTarget, OpsError> {
        ResumedTarget::resume(self.ops, name, by).await
    }
}
