use purgeline_queue::{DuePoll, LeasedBatch};

/// What the backend hands to the worker's service.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    /// Items to send in one call.
    Submit(LeasedBatch),
    /// Open batches to ask about in one question.
    Confirm(Vec<DuePoll>),
}
