use crate::redis::store::Store;

/// The queue as a worker sees it: batches are leased, sent, settled, and the house is kept.
///
/// - To send, the worker calls [`lease`](Self::lease), the provider, [`answered`](Self::answered) for
///   the target's breaker, [`submitted`](Self::submitted) for what was accepted, and
///   [`settle`](Self::settle) for the rest; [`split`](Self::split) or [`give_back`](Self::give_back)
///   instead, where the batch as a whole was refused or was not sent.
/// - To confirm, it calls [`due_polls`](Self::due_polls), the provider, `answered`, then `settle` and
///   [`put_off`](Self::put_off); [`split_open`](Self::split_open) for a batch that ended badly for an
///   item that the provider did not name.
/// - What the provider tells of the whole target goes to [`throttle`](Self::throttle),
///   [`hold_kind`](Self::hold_kind), [`spend_quota`](Self::spend_quota),
///   [`learn_quota`](Self::learn_quota) (if it was asked: by the worker that
///   [`takes_quota_question`](Self::takes_quota_question), after [`quota_mark`](Self::quota_mark) and with a
///   permit of [`question`](Self::question); then [`quotas_asked`](Self::quotas_asked)), and
///   a worker that is late to [`widen_headroom`](Self::widen_headroom).
/// - Beside that, a worker listens to [`wakeups`](Self::wakeups), keeps its leases with
///   [`renew`](Self::renew), and says with [`worker_seen`](Self::worker_seen) and
///   [`worker_gone`](Self::worker_gone) that it lives.
/// - Housekeeping is the work of one worker a target: [`tend`](Self::tend) says which, and what there
///   is to do, until it calls [`leave_house`](Self::leave_house). It calls [`reap`](Self::reap), [`drain`](Self::drain),
///   [`carry_outbox`](Self::carry_outbox), [`abandon`](Self::abandon),
///   [`repeat_ends`](Self::repeat_ends), [`resume_cancels`](Self::resume_cancels),
///   [`compact`](Self::compact), and, where it has the turn
///   ([`takes_turn_at_jobs`](Self::takes_turn_at_jobs)), [`tend_jobs`](Self::tend_jobs).
#[derive(Clone, Debug)]
pub struct WorkQueue {
    pub(super) store: Store,
}

impl WorkQueue {
    pub(crate) const fn over(store: Store) -> Self {
        Self { store }
    }
}
