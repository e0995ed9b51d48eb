//! The provider's day, by which it counts quotas.

use jiff::{
    Timestamp, ToSpan,
    civil::Date,
    tz::{Offset, TimeZone},
};

/// UTC+8, by which every provider of the seeds counts its days as far as is known. Wangsu's
/// documents say so outright (documents.cdnetworks.com, page 23795); for the others it is assumed.
pub(crate) const UTC_PLUS_8: Offset = Offset::constant(8);

/// The provider's date.
pub(crate) fn date(now: Timestamp, offset: Offset) -> Date {
    offset.to_datetime(now).date()
}

/// Milliseconds until the provider's next day begins: 1 to 86,400,000.
pub(crate) fn ms_to_next(now: Timestamp, offset: Offset) -> u64 {
    let midnight = date(now, offset)
        .checked_add(1.day())
        .and_then(|tomorrow| tomorrow.to_zoned(TimeZone::fixed(offset)))
        .map_or(Timestamp::MAX, |midnight| midnight.timestamp());
    let ms = midnight.as_millisecond().saturating_sub(now.as_millisecond());
    // Part of a millisecond before midnight it is still today.
    u64::try_from(ms).unwrap_or(0).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    #[test]
    fn the_day_ends_at_16_utc() {
        assert_eq!(ms_to_next(at("2026-01-01T15:59:59Z"), UTC_PLUS_8), 1_000);
        assert_eq!(ms_to_next(at("2026-01-01T15:59:59.9999Z"), UTC_PLUS_8), 1);
        assert_eq!(ms_to_next(at("2026-01-01T16:00:00Z"), UTC_PLUS_8), 86_400_000);
        assert_eq!(date(at("2026-01-01T15:59:59Z"), UTC_PLUS_8).to_string(), "2026-01-01");
        assert_eq!(date(at("2026-01-01T16:00:00Z"), UTC_PLUS_8).to_string(), "2026-01-02");
    }
}
