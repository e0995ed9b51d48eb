use std::{fmt, str::FromStr};

/// How long ago, as an operator writes it: `90s`, `15m`, `2h`, `3d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Age {
    ms: i64,
}

/// A text that is no age.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgeError(String);

impl Age {
    /// The time so long before `now_ms`, in milliseconds since 1970.
    #[must_use]
    pub const fn before(self, now_ms: i64) -> i64 {
        now_ms.saturating_sub(self.ms)
    }
}

impl FromStr for Age {
    type Err = AgeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || AgeError(text.to_owned());
        let ms = match text.chars().last().ok_or_else(error)? {
            's' => 1_000,
            'm' => 60_000,
            'h' => 3_600_000,
            'd' => 86_400_000,
            _ => return Err(error()),
        };
        let count: u32 = text[..text.len() - 1].parse().map_err(|_| error())?;
        Ok(Self { ms: i64::from(count) * ms })
    }
}

impl fmt::Display for AgeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" is not an age: expected a whole number and a unit, like 90s, 15m, 2h or 3d", self.0)
    }
}

impl std::error::Error for AgeError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_read() {
        let now = 1_000_000_000;
        for (text, ms) in
            [("90s", 90_000), ("15m", 900_000), ("2h", 7_200_000), ("3d", 259_200_000), ("0s", 0)]
        {
            assert_eq!(text.parse::<Age>().unwrap().before(now), now - ms, "{text}");
        }
        for bad in ["", "s", "90", "-1s", "1.5h", "2w", "3 d", "9999999999s", "1é"] {
            let error = bad.parse::<Age>().unwrap_err().to_string();
            assert!(error.contains("is not an age: expected"), "{bad}: {error}");
        }
    }
}
