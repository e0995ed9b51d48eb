use crate::{InspectQueue, QueueError};
use purgeline_core::{Rate, Target};
use serde::Serialize;

/// Permits that are looked at; a window that holds more calls than this is told by its last ones.
const LOOKED_AT: isize = 2_000;

/// How much of a limit is used now, over the whole fleet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RateUse {
    /// Its name in Redis: `calls-1000ms`.
    pub rate: String,
    /// Calls, items or questions that have left in the window that ends now.
    pub used: u64,
    /// The most of them.
    pub max: u64,
    /// The window's length in milliseconds.
    pub window_ms: u64,
    /// When the oldest of them leaves the window, in milliseconds since 1970; `None` if there are
    /// none.
    pub frees_ms: Option<i64>,
}

impl InspectQueue {
    /// How much is used of some limits of a target's account.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn rates(&self, target: &Target, rates: &[Rate]) -> Result<Vec<RateUse>, QueueError> {
        if rates.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipe = redis::pipe();
        for rate in rates {
            pipe.lrange(self.store.keys().rate(target, rate), -LOOKED_AT, -1);
        }
        let permits: Vec<Vec<String>> = pipe.query_async(&mut self.store.manager()).await?;
        let now = self.store.now_ms().await?;
        Ok(rates.iter().zip(permits).map(|(rate, permits)| used(rate, &permits, now)).collect())
    }
}

/// What `<ms> <count>` entries, oldest first, make of a rate.
fn used(rate: &Rate, permits: &[String], now_ms: i64) -> RateUse {
    let window_ms = rate.window_ms.get();
    let window = i64::try_from(window_ms).unwrap_or(i64::MAX);
    let (mut used, mut frees_ms) = (0, None);
    for permit in permits {
        let read = permit
            .split_once(' ')
            .and_then(|(ms, n)| Some((ms.parse::<i64>().ok()?, n.parse::<u64>().ok()?)));
        let Some((at, count)) = read.filter(|(at, _)| at.saturating_add(window) > now_ms) else { continue };
        used += count;
        frees_ms = frees_ms.or(Some(at.saturating_add(window)));
    }
    RateUse { rate: rate.name(), used, max: u64::from(rate.max.get()), window_ms, frees_ms }
}

#[cfg(test)]
mod tests {
    use super::*;
    use purgeline_core::RateUnit;
    use std::num::{NonZeroU32, NonZeroU64};

    #[test]
    fn what_has_left_the_window_counts_no_more() {
        let rate = Rate {
            unit: RateUnit::Items,
            max: NonZeroU32::new(240).unwrap(),
            window_ms: NonZeroU64::new(1000).unwrap(),
        };
        let permits = ["5000 60", "5400 60", "nonsense", "5900 7"].map(str::to_owned);
        let now = used(&rate, &permits, 6_000);
        assert_eq!((now.used, now.frees_ms, now.rate.as_str()), (67, Some(6_400), "items-1000ms"));
        assert_eq!((used(&rate, &permits, 7_000).used, used(&rate, &[], 0).frees_ms), (0, None));
    }
}
