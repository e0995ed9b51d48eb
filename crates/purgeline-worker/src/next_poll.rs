use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// When this process next looks for open batches to ask about: as Redis said, or sooner when it
/// has had a batch accepted since.
#[derive(Debug)]
pub(crate) struct NextPoll(Mutex<Instant>);

impl NextPoll {
    pub(crate) fn now() -> Self {
        Self(Mutex::new(Instant::now()))
    }

    pub(crate) fn at(&self) -> Instant {
        *self.lock()
    }

    pub(crate) fn set(&self, at: Instant) {
        *self.lock() = at;
    }

    pub(crate) fn lower(&self, at: Instant) {
        let mut next = self.lock();
        *next = at.min(*next);
    }

    /// A batch is to be asked about so many milliseconds from now.
    pub(crate) fn within_ms(&self, ms: u64) {
        // One past the end of time is never the sooner.
        if let Some(at) = Instant::now().checked_add(Duration::from_millis(ms)) {
            self.lower(at);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Instant> {
        // A time is whole after any panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
