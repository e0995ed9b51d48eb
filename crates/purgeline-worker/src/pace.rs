use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use purgeline_core::{Limits, RateUnit};
use std::{num::NonZeroU32, time::Duration};

/// Spaces the calls of this process, so that permits which the fleet's windows grant together
/// do not leave as one burst.
///
/// A window of a second is spread evenly; of a longer one the calls stay this close together,
/// since a publisher should not wait six seconds for the second of fifty calls.
const MAX_SPACING: Duration = Duration::from_millis(25);

/// The pace of one target in this process.
pub(crate) struct Pace(Option<DefaultDirectRateLimiter>);

impl Pace {
    pub(crate) fn new(limits: &Limits) -> Self {
        let spacing = limits
            .rates
            .iter()
            .filter(|rate| rate.unit == RateUnit::Calls)
            .map(|rate| Duration::from_millis(rate.window_ms.get()) / rate.max.get())
            .max()
            .map(|spacing| spacing.min(MAX_SPACING));
        let quota = spacing.and_then(Quota::with_period).map(|quota| quota.allow_burst(NonZeroU32::MIN));
        Self(quota.map(RateLimiter::direct))
    }

    /// Waits for this process's turn to make a call.
    pub(crate) async fn turn(&self) {
        if let Some(limiter) = &self.0 {
            limiter.until_ready().await;
        }
    }
}
