use crate::redis::store::Store;

/// The queue as a producer sees it: jobs and their items go in.
///
/// The producer calls [`create_job`](Self::create_job), then [`enqueue`](Self::enqueue) for each chunk
/// at each target; where a target turns out to be full, [`discard_job`](Self::discard_job) or
/// [`cancel_part`](Self::cancel_part). `job cancel` calls the last too, for targets that the job never
/// reached.
#[derive(Clone, Debug)]
pub struct ProduceQueue {
    pub(super) store: Store,
}

impl ProduceQueue {
    pub(crate) const fn over(store: Store) -> Self {
        Self { store }
    }
}
