use serde::Deserialize;
use std::num::{NonZeroU32, NonZeroU64};

/// How workers behave.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkerConfig {
    /// How long a leased batch belongs to its worker without word from it, in milliseconds. A
    /// dead worker's items go out again after this long.
    pub lease_ms: NonZeroU64,
    /// The slowest poll of a worker that has nothing to do, in milliseconds, while something waits at
    /// the target or Redis cannot wake the worker; 60 times more seldom where nothing waits.
    pub idle_poll_ms: NonZeroU64,
    /// Calls that this process has under way at once for one target; the target's
    /// `max_in_flight` bounds the fleet.
    pub concurrency: NonZeroU32,
    /// How long a stopping worker waits for calls in flight, in milliseconds.
    pub shutdown_grace_ms: u64,
    /// By how much the fleet's windows are kept longer than the provider's, in milliseconds, so that
    /// calls which travel at different speeds still keep its limit. Half of it is for the way from
    /// Redis to the call: who comes later gives the permit back. A worker that is always late widens
    /// it for all, for a minute, and says so in its log.
    pub headroom_ms: u64,
}
