use serde::Serialize;
use std::fmt;

/// When a job's items go at a target, and until when they are of use. By default at once, and always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Timing {
    /// They wait for quiet.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<Quiet>,
    /// No call is made for the job before then, in milliseconds since 1970, and none that begins
    /// before then counts for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before_ms: Option<i64>,
    /// No call is made for the job from then on, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at_ms: Option<i64>,
}

/// A wait for quiet: an item goes when nobody has asked for it for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Quiet {
    /// How long after the last request, in milliseconds.
    pub quiet_ms: u64,
    /// How long after the first request at most, in milliseconds.
    pub max_wait_ms: u64,
}

impl Timing {
    /// What there is of it, in milliseconds, by the names that the job's hash and enqueue.lua know.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&'static str, i64)> {
        let ms = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
        [
            ("quiet", self.quiet.map(|quiet| ms(quiet.quiet_ms))),
            ("max_wait", self.quiet.map(|quiet| ms(quiet.max_wait_ms))),
            ("not_before", self.not_before_ms),
            ("expires", self.expires_at_ms),
        ]
        .into_iter()
        // What was before 1970 is as good as at its beginning.
        .filter_map(|(name, ms)| Some((name, ms?.max(0))))
    }

    /// From the fields of a job's hash.
    pub(crate) fn read(field: impl Fn(&'static str) -> Option<i64>) -> Self {
        let ms = |name| u64::try_from(field(name)?).ok();
        let quiet = ms("quiet").zip(ms("max_wait"));
        Self {
            quiet: quiet.map(|(quiet_ms, max_wait_ms)| Quiet { quiet_ms, max_wait_ms }),
            not_before_ms: field("not_before"),
            expires_at_ms: field("expires"),
        }
    }
}

/// As enqueue.lua reads it.
impl fmt::Display for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fields().try_for_each(|(name, ms)| write!(f, "{name}={ms} "))
    }
}
