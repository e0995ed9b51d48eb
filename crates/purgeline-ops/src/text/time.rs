use jiff::Timestamp;
use std::fmt;

/// A time for people: `2026-11-21 18:40:26Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time(
    /// Milliseconds since 1970.
    pub i64,
);

/// A span for people, in milliseconds: `1.2 s`, `3 min 5 s`, `2 h 10 min`, `4 d 3 h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(
    /// Milliseconds.
    pub i64,
);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::from_millisecond(self.0) {
            Ok(time) => write!(f, "{}", time.strftime("%Y-%m-%d %H:%M:%SZ")),
            Err(_) => write!(f, "{} ms", self.0), // No calendar goes there.
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / 1000;
        match seconds {
            ..1 => write!(f, "{} ms", self.0),
            1..60 => write!(f, "{seconds}.{} s", self.0 % 1000 / 100),
            60..3600 => write!(f, "{} min {} s", seconds / 60, seconds % 60),
            3600..86_400 => write!(f, "{} h {} min", seconds / 3600, seconds % 3600 / 60),
            _ => write!(f, "{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_spans_read_well() {
        assert_eq!(Time(1_763_750_426_123).to_string(), "2025-11-21 18:40:26Z");
        assert_eq!(Time(i64::MAX).to_string(), "9223372036854775807 ms");
        for (ms, expected) in [
            (999, "999 ms"),
            (1_250, "1.2 s"),
            (59_999, "59.9 s"),
            (185_000, "3 min 5 s"),
            (7_800_000, "2 h 10 min"),
            (356_400_000, "4 d 3 h"),
        ] {
            assert_eq!(Span(ms).to_string(), expected);
        }
    }
}
