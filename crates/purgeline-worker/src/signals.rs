use crate::context::TargetContext;
use purgeline_core::{Cause, Kind, Signal};
use purgeline_queue::{QueueError, SpentQuota, ToldBy};
use tracing::{error, warn};

/// How long a kind of item that is not permitted is left alone before one more try, in
/// milliseconds: somebody may have given the permission, and nothing is lost meanwhile.
const UNAUTHORISED_MS: u64 = 60_000;

impl TargetContext {
    /// Writes what an answer told about the whole target, before its items can be leased again.
    /// `told` says how it came to tell, by which its count of the day's quotas is understood. Refused
    /// credentials are the breaker's.
    pub(crate) async fn heed(&self, signals: &[Signal], told: ToldBy<'_>) -> Result<(), QueueError> {
        for signal in signals {
            self.heed_one(signal, told).await?;
        }
        Ok(())
    }

    async fn heed_one(&self, signal: &Signal, told: ToldBy<'_>) -> Result<(), QueueError> {
        let (target, queue) = (self.target(), &self.queue);
        match signal {
            Signal::Throttled { for_ms, cause } => {
                warn!(target = %target.name, %cause, for_ms, "target {} is throttled: {cause}", target.name);
                queue.throttle(target, *for_ms, cause).await?;
            }
            Signal::QuotaSpent { kind, host, for_ms, cause } => {
                let of = host.as_ref().map(|host| format!(" of {host}")).unwrap_or_default();
                warn!(target = %target.name, ?kind, host, %cause, for_ms, "a quota{of} at {} is spent: {cause}", target.name);
                match queue.spend_quota(target, &self.quota_policy, *kind, host.as_deref()).await? {
                    SpentQuota::Spent(1..) => {}
                    // A host's items wait one by one, as their outcomes say.
                    _ if host.is_some() => {}
                    SpentQuota::Spent(0) => self.hold_kinds(*kind, *for_ms, cause).await?,
                    SpentQuota::Unsure(ms) => self.hold_kinds(*kind, ms, cause).await?,
                }
            }
            Signal::QuotaLeft { kind, left, max, for_ms: _ } => {
                queue.learn_quota(target, &self.quota_policy, *kind, (*left, *max), told).await?;
            }
            // The breaker's.
            Signal::Unauthorised { kind: None, .. } => {}
            Signal::Unauthorised { kind: Some(kind), cause } => {
                error!(target = %target.name, %kind, %cause, "target {} does not permit {kind} items, they wait: {cause}", target.name);
                queue.hold_kind(target, *kind, UNAUTHORISED_MS, cause).await?;
            }
        }
        Ok(())
    }

    /// Holds the items of a kind, or of each, whose quota is spent and not counted.
    async fn hold_kinds(&self, kind: Option<Kind>, for_ms: u64, cause: &Cause) -> Result<(), QueueError> {
        for kind in self.kinds(kind) {
            self.queue.hold_kind(self.target(), kind, for_ms, cause).await?;
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
