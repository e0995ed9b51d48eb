//! When a job's items go, and until when they are of use: what may be asked for, and what that
//! means at a target.

use crate::SubmitError;
use purgeline_core::{
    JobOptions, MAX_AHEAD_MS, MAX_MAX_WAIT_MS, MAX_QUIET_MS, MAX_WAIT_TIMES, When, config::TargetConfig,
};
use purgeline_queue::{Quiet, Timing};

/// Whether the options make sense by themselves.
pub(crate) fn check(options: &JobOptions) -> Result<(), SubmitError> {
    let refuse = |option, problem: String| Err(SubmitError::Timing { option, problem });
    match (options.quiet_ms, options.max_wait_ms) {
        (Some(quiet), _) if quiet > MAX_QUIET_MS => {
            refuse("quiet_ms", format!("{quiet} is too long: {MAX_QUIET_MS}, a day, is the most"))
        }
        (_, Some(max)) if max > MAX_MAX_WAIT_MS => {
            refuse("max_wait_ms", format!("{max} is too long: {MAX_MAX_WAIT_MS}, a week, is the most"))
        }
        (None, Some(_)) => {
            refuse("max_wait_ms", "it bounds the wait for quiet: give quiet_ms too".to_owned())
        }
        (Some(quiet), Some(max)) if max < quiet => refuse(
            "max_wait_ms",
            format!("{max} is less than quiet_ms, {quiet}: nothing would ever be quiet so long"),
        ),
        _ => Ok(()),
    }
}

/// What the job itself says, for a job that is submitted at `now_ms`.
pub(crate) fn asked(options: &JobOptions, now_ms: i64) -> Timing {
    Timing {
        quiet: quiet(options.quiet_ms, options.max_wait_ms),
        not_before_ms: options.not_before.map(|when| when.at_ms(now_ms)),
        expires_at_ms: options.expires_at.map(|when| when.at_ms(now_ms)),
    }
}

/// Whether a new job's times can be kept.
pub(crate) fn check_times(options: &JobOptions, now_ms: i64) -> Result<(), SubmitError> {
    let Timing { not_before_ms, expires_at_ms, .. } = asked(options, now_ms);
    let refuse = |option, when: Option<When>, problem: &str| {
        let when = when.map(|when| when.to_string()).unwrap_or_default();
        Err(SubmitError::Timing { option, problem: format!("{when} {problem}") })
    };
    let too_far = |at: Option<i64>| at.is_some_and(|at| at > now_ms.saturating_add_unsigned(MAX_AHEAD_MS));
    if too_far(not_before_ms) {
        return refuse("not_before", options.not_before, "is too far ahead: 366 days are the most");
    }
    if too_far(expires_at_ms) {
        return refuse("expires_at", options.expires_at, "is too far ahead: 366 days are the most");
    }
    match (not_before_ms, expires_at_ms) {
        (_, Some(expires)) if expires <= now_ms => {
            refuse("expires_at", options.expires_at, "has passed: the purge would be of no use")
        }
        (Some(from), Some(expires)) if expires <= from => {
            refuse("expires_at", options.expires_at, "is not after not_before: the purge could never go")
        }
        _ => Ok(()),
    }
}

/// The timing at one target: a job that does not say whether it waits for quiet does as the target
/// is configured.
pub(crate) fn at_target(options: &JobOptions, asked: Timing, target: &TargetConfig) -> Timing {
    let configured = || quiet(target.quiet_ms, target.max_wait_ms);
    Timing { quiet: if options.quiet_ms.is_some() { asked.quiet } else { configured() }, ..asked }
}

fn quiet(quiet_ms: Option<u64>, max_wait_ms: Option<u64>) -> Option<Quiet> {
    let quiet_ms = quiet_ms.filter(|ms| *ms > 0)?;
    Some(Quiet { quiet_ms, max_wait_ms: max_wait_ms.unwrap_or(quiet_ms.saturating_mul(MAX_WAIT_TIMES)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(options: &JobOptions) -> String {
        check(options).and_then(|()| check_times(options, 1_000_000)).unwrap_err().to_string()
    }

    fn when(text: &str) -> Option<When> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn what_cannot_be_kept_is_refused_with_a_reason() {
        let none = JobOptions::default;
        let cases = [
            (JobOptions { quiet_ms: Some(86_400_001), ..none() }, "quiet_ms: 86400001 is too long"),
            (JobOptions { max_wait_ms: Some(5), ..none() }, "max_wait_ms: it bounds the wait for quiet"),
            (JobOptions { quiet_ms: Some(9), max_wait_ms: Some(8), ..none() }, "max_wait_ms: 8 is less than"),
            (
                JobOptions { quiet_ms: Some(9), max_wait_ms: Some(604_800_001), ..none() },
                "max_wait_ms: 604800001 is too long",
            ),
            (
                JobOptions { not_before: when("+367d"), ..none() },
                "not_before: +31708800000ms is too far ahead",
            ),
            (
                JobOptions { expires_at: when("+367d"), ..none() },
                "expires_at: +31708800000ms is too far ahead",
            ),
            (
                JobOptions { expires_at: when("1970-01-01T00:16:40Z"), ..none() },
                "expires_at: 1970-01-01T00:16:40Z has passed",
            ),
            (
                JobOptions { not_before: when("+10m"), expires_at: when("+10m"), ..none() },
                "expires_at: +600000ms is not after not_before",
            ),
        ];
        for (options, expected) in cases {
            let problem = problem(&options);
            assert!(problem.starts_with(expected), "{problem}");
        }
    }

    #[test]
    fn the_target_says_what_the_job_does_not() {
        let target: TargetConfig =
            serde_json::from_str(r#"{"provider":"http","quiet_ms":5,"max_wait_ms":7}"#).unwrap();
        let at_target = |quiet_ms| {
            let options = JobOptions { quiet_ms, ..JobOptions::default() };
            at_target(&options, asked(&options, 0), &target).quiet
        };
        assert_eq!(at_target(None), Some(Quiet { quiet_ms: 5, max_wait_ms: 7 }));
        assert_eq!(at_target(Some(2)), Some(Quiet { quiet_ms: 2, max_wait_ms: 12 }));
        assert_eq!(at_target(Some(0)), None);
    }
}
