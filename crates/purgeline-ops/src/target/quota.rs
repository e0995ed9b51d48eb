use purgeline_queue::{QuotaRate, QuotaUse};
use serde::Serialize;

/// A day's quota: spent, left, kept for urgent items, and when the day turns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QuotaStatus {
    /// How it stands.
    #[serde(flatten)]
    pub quota: QuotaUse,
    /// When it was read, in milliseconds since 1970.
    pub now_ms: i64,
}

/// What a day's quota lets go until the day turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaForecast {
    /// Nothing is known: not how many items the day has, or not how fast they are spent.
    Unknown,
    /// Nothing goes.
    Spent,
    /// Only urgent items go.
    UrgentOnly,
    /// At the present rate it ends then, in milliseconds since 1970.
    Ends {
        /// The present rate.
        rate: QuotaRate,
        /// When it ends.
        at_ms: i64,
    },
    /// At the present rate it lasts until the day turns.
    Lasts {
        /// The present rate.
        rate: QuotaRate,
    },
}

impl QuotaStatus {
    /// Milliseconds until the day turns.
    #[must_use]
    pub const fn turns_in_ms(&self) -> i64 {
        self.quota.turns_ms - self.now_ms
    }

    /// Items left that only urgent ones may use; 0 where nothing is known to bound them.
    #[must_use]
    pub fn urgent_only(&self) -> u64 {
        self.quota.left.map_or(0, |left| left.min(self.quota.reserve))
    }

    /// What it lets go until the day turns.
    #[must_use]
    pub const fn forecast(&self) -> QuotaForecast {
        let QuotaUse { reserve, left: Some(left), rate, ends_ms, .. } = &self.quota else {
            return QuotaForecast::Unknown;
        };
        if *left == 0 {
            return QuotaForecast::Spent;
        }
        if *left <= *reserve {
            return QuotaForecast::UrgentOnly;
        }
        match (rate, ends_ms) {
            (None | Some(QuotaRate { items: 0, .. }), _) => QuotaForecast::Unknown,
            (Some(rate), Some(at_ms)) => QuotaForecast::Ends { rate: *rate, at_ms: *at_ms },
            (Some(rate), None) => QuotaForecast::Lasts { rate: *rate },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quota_forecast_depends_on_what_is_left_and_the_rate() {
        let rate = QuotaRate { items: 60, within_ms: 3_540_000 };
        let status = |left: Option<u64>, rate: Option<QuotaRate>, ends_ms: Option<i64>| QuotaStatus {
            quota: QuotaUse {
                name: "urls".into(),
                kind: None,
                host: None,
                day: "2026-01-01".into(),
                turns_ms: 5_000,
                max: Some(500),
                reserve: 50,
                spent: 0,
                left,
                told_ms: None,
                rate,
                ends_ms,
            },
            now_ms: 2_000,
        };
        let idle = Some(QuotaRate { items: 0, ..rate });
        for (left, rate_now, ends_ms, forecast, urgent_only) in [
            (None, Some(rate), None, QuotaForecast::Unknown, 0),
            (Some(0), Some(rate), Some(2_000), QuotaForecast::Spent, 0),
            (Some(20), Some(rate), Some(2_000), QuotaForecast::UrgentOnly, 20),
            (Some(50), Some(rate), Some(2_000), QuotaForecast::UrgentOnly, 50),
            (Some(51), Some(rate), Some(4_000), QuotaForecast::Ends { rate, at_ms: 4_000 }, 50),
            (Some(51), Some(rate), None, QuotaForecast::Lasts { rate }, 50),
            (Some(51), idle, None, QuotaForecast::Unknown, 50),
            (Some(51), None, None, QuotaForecast::Unknown, 50),
        ] {
            let status = status(left, rate_now, ends_ms);
            assert_eq!(status.forecast(), forecast, "{left:?} left");
            assert_eq!(status.urgent_only(), urgent_only, "{left:?} left");
        }
        assert_eq!(status(None, None, None).turns_in_ms(), 3_000);
    }
}
