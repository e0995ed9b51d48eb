use jiff::{Span, SpanRelativeTo, Timestamp};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use thiserror::Error;

/// A moment, as a producer names it: a time of day, or a while after the job is submitted.
///
/// As text `2026-11-21T18:00:00Z` (RFC 3339), or `+10m`, `+1h 30m`, `+2 days`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// At this time.
    At(Timestamp),
    /// So many milliseconds after the job is submitted.
    After(u64),
}

/// A text that names no moment.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("\"{0}\" is no time: expected one like 2026-11-21T18:00:00Z, or a while from now like +10m")]
pub struct WhenError(String);

/// A text that names no length of time.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("\"{0}\" is no length of time: expected one like 10s, 1m 30s or 500ms")]
pub struct DurationError(String);

/// The milliseconds of a length of time that somebody wrote: `10s`, `1m 30s`, `500ms`, `2 days` (of
/// 24 hours).
///
/// # Errors
/// When it is none, is negative, or is more than fits.
pub fn duration_ms(text: &str) -> Result<u64, DurationError> {
    let error = || DurationError(text.to_owned());
    let span: Span = text.parse().map_err(|_| error())?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| error())?;
    duration.as_millis().try_into().map_err(|_| error())
}

impl When {
    /// The moment in milliseconds since 1970, for a job that is submitted at `now_ms`.
    #[must_use]
    pub fn at_ms(self, now_ms: i64) -> i64 {
        match self {
            Self::At(time) => time.as_millisecond(),
            Self::After(ms) => now_ms.saturating_add_unsigned(ms),
        }
    }
}

impl FromStr for When {
    type Err = WhenError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || WhenError(text.to_owned());
        match text.strip_prefix('+') {
            Some(length) => duration_ms(length).map(Self::After).map_err(|_| error()),
            None => text.parse().map(Self::At).map_err(|_| error()),
        }
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(time) => time.fmt(f),
            Self::After(ms) => write!(f, "+{ms}ms"),
        }
    }
}

impl Serialize for When {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_or_a_while() {
        let time: When = "2026-11-21T20:00:00+02:00".parse().unwrap();
        assert_eq!(time.to_string(), "2026-11-21T18:00:00Z");
        assert_eq!(time.at_ms(0), 1_795_284_000_000);
        for (text, ms) in [("+10m", 600_000), ("+1h 30m", 5_400_000), ("+2 days", 172_800_000), ("+5ms", 5)] {
            let when: When = text.parse().unwrap();
            assert_eq!(when, When::After(ms), "{text}");
            assert_eq!(when.at_ms(1_000), 1_000 + i64::try_from(ms).unwrap());
            assert_eq!(when.to_string().parse(), Ok(when));
        }
        for text in ["10m", "+", "+-10m", "tomorrow", "2026-11-21", "2026-11-21T18:00:00", "+10 apples"] {
            let error = text.parse::<When>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("\"{text}\" is no time: expected one like 2026-")), "{error}");
        }
    }

    #[test]
    fn a_length_of_time_is_written_for_people() {
        assert_eq!(duration_ms("10s"), Ok(10_000));
        assert_eq!(duration_ms("1m 30s"), Ok(90_000));
        assert_eq!(duration_ms("0s"), Ok(0));
        for text in ["10", "-10s", "", "soon"] {
            assert!(duration_ms(text).is_err(), "{text}");
        }
    }
}
