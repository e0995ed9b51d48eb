use crate::permit::Permit;
use purgeline_queue::{DuePoll, LeasedBatch};

/// What the backend hands to the worker's service.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    /// Items to send in one call, as long as the permit for it is good.
    Submit(LeasedBatch, Permit),
    /// Open batches to ask about in one question.
    Confirm(Vec<DuePoll>),
}
