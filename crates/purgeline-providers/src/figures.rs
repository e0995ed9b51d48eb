//! Figures that documents state, written where they are declared. A zero would be a slip of the
//! pen and becomes one.

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
