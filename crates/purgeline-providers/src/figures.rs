//! Figures that documents state, written where they are declared. A zero would be a slip of the
//! pen and becomes one.

use purgeline_core::{Kind, Quota};
use std::num::{NonZeroU32, NonZeroU64};

/// So many items, calls or hosts.
pub(crate) const fn count(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

/// So many milliseconds.
pub(crate) const fn ms(number: u64) -> NonZeroU64 {
    match NonZeroU64::new(number) {
        Some(number) => number,
        None => NonZeroU64::MIN,
    }
}

/// Quotas of URLs and of dirs that are no fixed figures: the provider tells what is left. By days in
/// UTC+8, as far as is known ([`crate::day::UTC_PLUS_8`]).
pub(crate) fn told_quotas() -> Vec<Quota> {
    [Kind::Url, Kind::Dir]
        .map(|kind| Quota {
            kind: Some(kind),
            max: None,
            day_utc_offset_hours: 8,
            per_host: false,
            configured: false,
        })
        .to_vec()
}
