use super::target::non_zero_u64;
use serde::Deserialize;
use std::num::{NonZeroU32, NonZeroU64};

/// When a target is left alone because it is down, and how often it is tried then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BreakerConfig {
    /// Calls of the whole fleet that fail altogether, one after the other, until everything waits.
    /// At most [`MAX_FAILURES`](Self::MAX_FAILURES).
    pub failures: NonZeroU32,
    /// From there to the first probe, in milliseconds; twice as long after each that fails.
    pub probe_ms: NonZeroU64,
    /// The longest time between two probes, in milliseconds: at least
    /// [`probe_ms`](Self::probe_ms), at most [`MAX_PROBE_MS`](Self::MAX_PROBE_MS).
    pub max_probe_ms: NonZeroU64,
}

impl BreakerConfig {
    /// The most [`failures`](Self::failures): a breaker that takes more is none.
    pub const MAX_FAILURES: u32 = 1_000;
    /// The most [`max_probe_ms`](Self::max_probe_ms), in milliseconds: an hour. A target that is
    /// tried more seldom seems dead when it has long been mended.
    pub const MAX_PROBE_MS: u64 = 3_600_000;
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self {
            failures: match NonZeroU32::new(5) {
                Some(failures) => failures,
                None => NonZeroU32::MIN,
            },
            probe_ms: non_zero_u64(5_000),
            max_probe_ms: non_zero_u64(60_000),
        }
    }
}
