use crate::redis::store::Store;

/// The queue as `doctor` and the tests use it: it finds and repairs what breaks the invariants.
///
/// `doctor --deep` calls [`verify_twice`](Self::verify_twice), `doctor --repair`
/// [`repair`](Self::repair); tests call [`verify`](Self::verify), when nothing else is going on.
#[derive(Clone, Debug)]
pub struct AuditQueue {
    pub(super) store: Store,
}

impl AuditQueue {
    pub(crate) const fn over(store: Store) -> Self {
        Self { store }
    }
}
