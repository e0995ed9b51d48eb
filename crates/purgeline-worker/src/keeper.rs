use crate::{CrashPoint, context::TargetContext};
use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// Knows which batches this process works on at a target, and keeps their leases.
#[derive(Debug, Default)]
pub(crate) struct Keeper {
    held: Mutex<BTreeSet<String>>,
}

/// A batch that is kept until this is dropped.
pub(crate) struct Kept<'a> {
    keeper: &'a Keeper,
    batch: String,
}

impl Keeper {
    pub(crate) fn keep(&self, batch: &str) -> Kept<'_> {
        self.lock().insert(batch.to_owned());
        Kept { keeper: self, batch: batch.to_owned() }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        // A set of names is whole after any panic.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TargetContext {
    /// Renews three times in a lease, so that one lost renewal costs nothing. Ends when told to.
    pub(crate) async fn keep_leases(&self, end: &CancellationToken) {
        let (target, lease_ms) = (self.target(), self.worker.lease_ms.get());
        let pause = Duration::from_millis((lease_ms / 3).max(1));
        while end.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
            let held: Vec<_> = self.keeper.lock().iter().cloned().collect();
            if held.is_empty() {
                continue;
            }
            match self.queue.renew(target, &self.name, lease_ms, &held).await {
                Ok(lost) => {
                    self.reached(CrashPoint::Renewed);
                    // A batch that has just been settled or submitted is no longer leased either.
                    let still = self.keeper.lock();
                    for batch in lost.iter().filter(|batch| still.contains(*batch)) {
                        warn!(%batch, target = %target.name, "lease of batch {batch} was lost: its items go out again");
                    }
                }
                Err(error) => warn!(%error, target = %target.name, "leases could not be renewed"),
            }
        }
    }
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        self.keeper.lock().remove(&self.batch);
    }
}
