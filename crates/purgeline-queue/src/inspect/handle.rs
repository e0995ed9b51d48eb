use crate::redis::store::Store;

/// The queue as whoever looks sees it: how jobs, items, batches and targets stand.
///
/// The commands that show something call it: `job`, `url`, `target`, `dead list`, `top`, `doctor`.
/// It changes nothing, but that [`workers`](Self::workers) forgets workers that died.
#[derive(Clone, Debug)]
pub struct InspectQueue {
    pub(super) store: Store,
}

impl InspectQueue {
    pub(crate) const fn over(store: Store) -> Self {
        Self { store }
    }
}
