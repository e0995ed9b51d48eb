use crate::redis::store::Store;
use std::ops::Deref;

/// The queue as a producer sees it: jobs and their items go in.
#[derive(Clone, Debug)]
pub struct ProduceQueue {
    pub(crate) store: Store,
}

impl ProduceQueue {
    pub(crate) const fn over(store: Store) -> Self {
        Self { store }
    }
}

impl Deref for ProduceQueue {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}
