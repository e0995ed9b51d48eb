use crate::redis::store::Store;
use std::ops::Deref;

/// The queue as whoever mends it sees it: what breaks the invariants is found and repaired.
#[derive(Clone, Debug)]
pub struct AuditQueue {
    pub(crate) store: Store,
}

impl AuditQueue {
    pub(crate) const fn over(store: Store) -> Self {
        Self { store }
    }
}

impl Deref for AuditQueue {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}
