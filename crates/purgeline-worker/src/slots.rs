use std::{num::NonZeroU32, sync::Arc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What this process may have under way at once for one target: calls that purge and questions how
/// a purge fares, counted apart. So a provider whose status API hangs is still sent purges, and
/// one that is slow to accept is still asked.
#[derive(Debug)]
pub(crate) struct Slots {
    calls: Arc<Semaphore>,
    questions: Arc<Semaphore>,
}

/// A place that is free again when the last clone of this is dropped.
pub(crate) type Slot = Arc<OwnedSemaphorePermit>;

impl Slots {
    /// As many of each, if the provider is asked at all.
    pub(crate) fn new(each: NonZeroU32, asks: bool) -> Self {
        // u32 fits: usize is at least 32 bits wide on all that this runs on.
        let each = usize::try_from(each.get()).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            calls: Arc::new(Semaphore::new(each)),
            questions: Arc::new(Semaphore::new(if asks { each } else { 0 })),
        }
    }

    /// Places that are free now.
    pub(crate) fn free(&self) -> usize {
        self.calls.available_permits() + self.questions.available_permits()
    }

    /// A place for a call; `None` while all are taken.
    pub(crate) fn call(&self) -> Option<Slot> {
        Arc::clone(&self.calls).try_acquire_owned().ok().map(Arc::new)
    }

    /// A place for a question; `None` while all are taken.
    pub(crate) fn question(&self) -> Option<Slot> {
        Arc::clone(&self.questions).try_acquire_owned().ok().map(Arc::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_and_questions_take_no_place_from_each_other() {
        let slots = Slots::new(NonZeroU32::new(2).unwrap(), true);
        let calls = [slots.call().unwrap(), slots.call().unwrap()];
        assert!(slots.call().is_none());
        assert!(slots.question().is_some());
        drop(calls);
        assert!(slots.call().is_some());
        assert_eq!(slots.free(), 4);
    }

    #[test]
    fn who_asks_nothing_has_no_place_for_it() {
        let slots = Slots::new(NonZeroU32::MIN, false);
        assert!(slots.question().is_none() && slots.call().is_some());
    }
}
