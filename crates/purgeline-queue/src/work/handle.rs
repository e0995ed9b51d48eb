use crate::redis::store::Store;
use std::ops::Deref;

/// The queue as a worker sees it: batches are leased, sent, settled, and the house is kept.
#[derive(Clone, Debug)]
pub struct WorkQueue {
    pub(crate) store: Store,
}

impl WorkQueue {
    pub(crate) const fn over(store: Store) -> Self {
        Self { store }
    }
}

impl Deref for WorkQueue {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}
