use rand::RngExt;
use std::time::Duration;

/// A random time between two, so that many workers do not do the same at the same moment.
pub(crate) fn between(least: Duration, most: Duration) -> Duration {
    least + most.saturating_sub(least).mul_f64(rand::rng().random::<f64>())
}
