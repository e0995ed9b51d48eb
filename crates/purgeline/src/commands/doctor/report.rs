use purgeline_queue::Mend;
use serde::Serialize;
use std::fmt;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    /// As it should be.
    Good,
    /// It works, and may surprise one day.
    Warning,
    /// It must be mended.
    Bad,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    /// What was looked at.
    pub(super) check: String,
    /// How it came out.
    pub(super) verdict: Verdict,
    /// What was found.
    pub(super) found: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) advice: Option<String>,
}

/// What `purgeline doctor` answers.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    healthy: bool,
    /// What was mended before the checks, or could not be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    repairs: Vec<Mend>,
    checks: Vec<Check>,
}

impl Check {
    pub(super) fn good(check: impl Into<String>, found: impl Into<String>) -> Self {
        Self { check: check.into(), verdict: Verdict::Good, found: found.into(), advice: None }
    }

    pub(super) fn warning(
        check: impl Into<String>,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { verdict: Verdict::Warning, advice: Some(advice.into()), ..Self::good(check, found) }
    }

    pub(super) fn bad(check: impl Into<String>, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { verdict: Verdict::Bad, advice: Some(advice.into()), ..Self::good(check, found) }
    }
}

impl Report {
    pub(super) fn new(checks: Vec<Check>, repairs: Vec<Mend>) -> Self {
        let healthy = checks.iter().all(|check| check.verdict != Verdict::Bad);
        Self { healthy, repairs, checks }
    }

    pub(super) const fn is_healthy(&self) -> bool {
        self.healthy
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.check, self.found)?;
        match &self.advice {
            Some(advice) => write!(f, " - {advice}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for mend in &self.repairs {
            writeln!(f, "{mend}")?;
        }
        for check in &self.checks {
            let verdict = match check.verdict {
                Verdict::Good => "good",
                Verdict::Warning => "warning",
                Verdict::Bad => "BAD",
            };
            writeln!(f, "{verdict:<8} {check}")?;
        }
        f.write_str(if self.healthy { "all that must hold holds" } else { "not well: mend what is BAD" })
    }
}
