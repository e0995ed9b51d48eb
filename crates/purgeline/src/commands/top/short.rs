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

/// A number of items in at most five characters, rounded down: `99999`, `100k`, `25M`.
pub(super) struct Count(pub(super) u64);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            few @ ..100_000 => write!(f, "{few}"),
            many @ ..10_000_000 => write!(f, "{}k", many / 1_000),
            very_many => write!(f, "{}M", very_many / 1_000_000),
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

    #[test]
    fn counts_are_short() {
        for (count, expected) in
            [(99_999, "99999"), (100_999, "100k"), (9_999_999, "9999k"), (25_000_000, "25M")]
        {
            assert_eq!(Count(count).to_string(), expected);
        }
    }
}
