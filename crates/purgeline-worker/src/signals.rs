use crate::context::TargetContext;
use purgeline_core::{Cause, Class, Kind, Signal};
use purgeline_queue::{HoldName, QueueError};
use tracing::{error, warn};

/// How long a kind of item that is not permitted is left alone before one more try, in
/// milliseconds: somebody may have given the permission, and nothing is lost meanwhile.
const UNAUTHORISED_MS: u64 = 60_000;

impl TargetContext {
    /// Writes what an answer told about the whole target, before its items can be leased again.
    /// Refused credentials are the breaker's.
    pub(crate) async fn heed(&self, signals: &[Signal]) -> Result<(), QueueError> {
        for signal in signals {
            self.heed_one(signal).await?;
        }
        Ok(())
    }

    async fn heed_one(&self, signal: &Signal) -> Result<(), QueueError> {
        let (target, queue) = (self.target(), &self.queue);
        match signal {
            Signal::Throttled { for_ms, cause } => {
                warn!(target = %target.name, %cause, for_ms, "target {} is throttled: {cause}", target.name);
                queue.throttle(target, *for_ms, cause).await?;
            }
            Signal::QuotaSpent { kind, for_ms, cause } => {
                for kind in self.kinds(*kind) {
                    if queue.hold(target, HoldName::Kind(kind), Some(*for_ms), cause, "provider").await? {
                        warn!(target = %target.name, %kind, %cause, for_ms, "quota of {kind} items at {} is spent: {cause}", target.name);
                    }
                }
            }
            Signal::QuotaLeft { kind, left: 0, max, for_ms } => {
                let cause =
                    Cause::new(Class::QuotaDay, "quota-spent", format!("all {max} of the day are spent"));
                queue.hold(target, HoldName::Kind(*kind), Some(*for_ms), &cause, "provider").await?;
            }
            Signal::QuotaLeft { .. } => {}
            Signal::Unauthorised { kind: None, .. } => {}
            Signal::Unauthorised { kind: Some(kind), cause } => {
                error!(target = %target.name, %kind, %cause, "target {} does not permit {kind} items, they wait: {cause}", target.name);
                queue.hold(target, HoldName::Kind(*kind), Some(UNAUTHORISED_MS), cause, "provider").await?;
            }
        }
        Ok(())
    }

    fn kinds(&self, kind: Option<Kind>) -> Vec<Kind> {
        match kind {
            Some(kind) => vec![kind],
            None => self.configured.descriptor.limits.call.max_of_kind.keys().copied().collect(),
        }
    }
}
