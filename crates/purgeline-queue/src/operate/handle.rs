use crate::redis::store::Store;
use std::ops::Deref;

/// The queue as an operator sees it: targets are held and released, jobs are cancelled, dead letters
/// are retried or dropped.
#[derive(Clone, Debug)]
pub struct OperateQueue {
    pub(crate) store: Store,
}

impl OperateQueue {
    pub(crate) const fn over(store: Store) -> Self {
        Self { store }
    }
}

impl Deref for OperateQueue {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}
