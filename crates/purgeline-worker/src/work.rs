use crate::{permit::Permit, slots::Slot};
use purgeline_queue::{DuePoll, LeasedBatch};

/// What the backend hands to the worker's service.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    pub(crate) task: WorkTask,
    /// Held until it is done.
    pub(crate) slot: Slot,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub(crate) enum WorkTask {
    /// Items to send in one call, as long as the permit for it is good.
    Submit(LeasedBatch, Permit),
    /// Open batches to ask about in one question, as long as the permit for it is good.
    Confirm(Vec<DuePoll>, Permit),
}
