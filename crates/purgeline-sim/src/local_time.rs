//! Wall times as Chinese APIs write them: `2015-11-01 16:05:05`, without a zone.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

const FORMAT: &str = "%Y-%m-%d %H:%M:%S";

/// China's time, which all these APIs mean unless told otherwise.
pub(crate) const UTC_PLUS_8: Offset = Offset::constant(8);

/// A wall time, ms, as text. Empty if it is beyond the calendar.
pub(crate) fn format(wall_ms: i64, offset: Offset) -> String {
    let zoned = Timestamp::from_millisecond(wall_ms).map(|t| t.to_zoned(TimeZone::fixed(offset)));
    zoned.map(|t| t.strftime(FORMAT).to_string()).unwrap_or_default()
}

/// The wall time, ms, that a text means.
pub(crate) fn parse(text: &str, offset: Offset) -> Option<i64> {
    let local = DateTime::strptime(FORMAT, text).ok()?;
    Some(offset.to_timestamp(local).ok()?.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let text = "2026-01-01 08:00:00";
        assert_eq!(parse(text, UTC_PLUS_8), Some(1_767_225_600_000));
        assert_eq!(format(1_767_225_600_000, UTC_PLUS_8), text);
        assert_eq!(format(1_767_225_600_000, Offset::UTC), "2026-01-01 00:00:00");
        assert_eq!(parse("2026-01-01", UTC_PLUS_8), None);
    }
}
