use crate::{Ops, OpsError};
use jiff::SignedDuration;
use purgeline_core::{Cause, Class, TargetName};
use purgeline_queue::{Hold, HoldName};
use serde::Serialize;
use std::str::FromStr;
use thiserror::Error;

/// Words of an operator: not none, and at most as many as are kept of a provider's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PauseReason(String);

/// Words that cannot be kept as a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PauseReasonError {
    /// There are none.
    #[error("expected a reason: others will ask why nothing goes")]
    Empty,
    /// There are too many.
    #[error("it is {0} characters long: expected at most {max}", max = Cause::MAX_MESSAGE_CHARS)]
    TooLong(usize),
}

/// A time that a pause lasts: a millisecond to a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PauseSpan {
    ms: u64,
}

/// A text that is no time that a pause may last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("expected a time of a millisecond to a year, as in 45m or \"2h 30m\"")]
pub struct PauseSpanError;

/// A target that is paused now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PausedTarget {
    /// The target.
    pub target: TargetName,
    /// The pause.
    pub hold: Hold,
}

/// A target that is not paused any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResumedTarget {
    /// The target.
    pub target: TargetName,
    /// It was paused until now.
    pub was_paused: bool,
    /// It is `broken` or `unauthorised`, and a probe may go at once.
    pub probes: Option<String>,
}

/// The code in front of an operator's words, where a provider's has its own.
const BY_HAND: &str = "by-hand";

const LONGEST_MS: u64 = 366 * 86_400_000;

impl PausedTarget {
    pub(super) async fn pause(
        ops: &Ops,
        name: &TargetName,
        reason: &PauseReason,
        span: Option<PauseSpan>,
        by: &str,
    ) -> Result<Self, OpsError> {
        let (queue, target) = (&ops.queue, &ops.target(name)?.target);
        let cause = Cause::new(Class::Delay, BY_HAND, &reason.0);
        let for_ms = span.map(|span| span.ms);
        let taken = queue.operate().hold(target, HoldName::Paused, for_ms, &cause, by).await?;
        let paused = HoldName::Paused.to_string();
        let stands = queue.inspect().holds(target).await?.into_iter().find(|hold| hold.name == paused);
        match stands {
            None => Err(OpsError::ResumedMeanwhile(name.clone())),
            Some(hold) if !taken => Err(OpsError::PausedForLonger { target: name.clone(), hold }),
            Some(hold) => Ok(Self { target: name.clone(), hold }),
        }
    }
}

impl ResumedTarget {
    pub(super) async fn resume(ops: &Ops, name: &TargetName, by: &str) -> Result<Self, OpsError> {
        let (queue, target) = (&ops.queue, &ops.target(name)?.target);
        let was_paused = queue.operate().release_by(target, HoldName::Paused, by).await?;
        let probes = queue.operate().probe(target).await?;
        Ok(Self { target: name.clone(), was_paused, probes })
    }
}

impl FromStr for PauseReason {
    type Err = PauseReasonError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        match text.chars().count() {
            0 => Err(PauseReasonError::Empty),
            count if count > Cause::MAX_MESSAGE_CHARS => Err(PauseReasonError::TooLong(count)),
            _ => Ok(Self(text.to_owned())),
        }
    }
}

impl FromStr for PauseSpan {
    type Err = PauseSpanError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let span: SignedDuration = text.parse().map_err(|_| PauseSpanError)?;
        let ms = u64::try_from(span.as_millis()).map_err(|_| PauseSpanError)?;
        if (1..=LONGEST_MS).contains(&ms) { Ok(Self { ms }) } else { Err(PauseSpanError) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_people_write_them() {
        for (text, ms) in [("45m", 2_700_000), ("2h 30m", 9_000_000), ("90s", 90_000), ("PT1H", 3_600_000)] {
            assert_eq!(text.parse(), Ok(PauseSpan { ms }), "{text}");
        }
        for bad in ["", "0s", "-1h", "soon", "5", "99999h"] {
            assert!(bad.parse::<PauseSpan>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_reason_has_words() {
        assert_eq!(" moving caches ".parse::<PauseReason>().unwrap().0, "moving caches");
        assert!("  ".parse::<PauseReason>().is_err() && "x".repeat(501).parse::<PauseReason>().is_err());
    }
}
