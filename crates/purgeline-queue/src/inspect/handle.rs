use crate::redis::store::Store;
use std::ops::Deref;

/// The queue as whoever looks sees it: how jobs, items, batches and targets stand. It changes nothing.
#[derive(Clone, Debug)]
pub struct InspectQueue {
    pub(crate) store: Store,
}

impl InspectQueue {
    pub(crate) const fn over(store: Store) -> Self {
        Self { store }
    }
}

impl Deref for InspectQueue {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}
