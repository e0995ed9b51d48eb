use crate::Kind;
use serde::Deserialize;
use std::num::NonZeroU32;

/// A quota that a target asks for: items in the provider's day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuotaConfig {
    /// The kind that is counted. Absent: items of all kinds together.
    #[serde(default)]
    pub kind: Option<Kind>,
    /// The most in a day.
    pub max: NonZeroU32,
    /// Whether the bound holds for each host apart.
    #[serde(default)]
    pub per_host: bool,
    /// By which offset from UTC the provider counts its days, in hours. Default: what it declares, UTC
    /// where it declares nothing.
    #[serde(default)]
    pub day_utc_offset_hours: Option<UtcOffsetHours>,
}

/// An offset from UTC in whole hours, -12 to 14.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "i8")]
pub struct UtcOffsetHours(pub(crate) i8);

/// The part of each day's quota that only urgent items may use, in percent: 0 to 90.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u8")]
pub struct ReservePercent(u8);

impl ReservePercent {
    /// The percentage, 0 to 90.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl Default for ReservePercent {
    fn default() -> Self {
        Self(10)
    }
}

impl TryFrom<u8> for ReservePercent {
    type Error = String;

    fn try_from(percent: u8) -> Result<Self, String> {
        // With more, next to nothing would go on ordinary days.
        (percent <= 90)
            .then_some(Self(percent))
            .ok_or_else(|| format!("expected 0 to 90 percent, came {percent}"))
    }
}

impl TryFrom<i8> for UtcOffsetHours {
    type Error = String;

    fn try_from(hours: i8) -> Result<Self, String> {
        (-12..=14)
            .contains(&hours)
            .then_some(Self(hours))
            .ok_or_else(|| format!("expected an offset from UTC of -12 to 14 hours, came {hours}"))
    }
}
