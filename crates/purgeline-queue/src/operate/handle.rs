use crate::redis::store::Store;

/// The queue as an operator sees it: targets are held and released, jobs are cancelled, dead letters
/// are retried or dropped.
///
/// `target pause` calls [`hold`](Self::hold); `target resume` calls [`release_by`](Self::release_by)
/// and [`probe`](Self::probe); `job cancel` calls [`cancel`](Self::cancel); `dead retry` calls
/// [`plan_retry`](Self::plan_retry) and [`retry_dead`](Self::retry_dead), `dead drop`
/// [`drop_dead`](Self::drop_dead).
#[derive(Clone, Debug)]
pub struct OperateQueue {
    pub(super) store: Store,
}

impl OperateQueue {
    pub(crate) const fn over(store: Store) -> Self {
        Self { store }
    }
}
