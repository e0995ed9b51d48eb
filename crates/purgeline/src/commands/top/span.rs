use std::fmt;

/// A span in at most four characters, in milliseconds: `0.4s`, `59s`, `12m`, `3h`, `4d`.
pub(super) struct Short(pub(super) i64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.max(0) / 1000;
        match seconds {
            0 => write!(f, "0.{}s", self.0.max(0) / 100),
            1..60 => write!(f, "{seconds}s"),
            60..3600 => write!(f, "{}m", seconds / 60),
            3600..86_400 => write!(f, "{}h", seconds / 3600),
            _ => write!(f, "{}d", seconds / 86_400),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_short() {
        for (ms, expected) in [
            (-5, "0.0s"),
            (449, "0.4s"),
            (59_999, "59s"),
            (725_000, "12m"),
            (7_200_000, "2h"),
            (345_600_000, "4d"),
        ] {
            assert_eq!(Short(ms).to_string(), expected);
        }
    }
}
