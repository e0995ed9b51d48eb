//! The judge. It reads the evidence alone.

mod covered;
mod ended;
mod limits;
#[cfg(test)]
mod tests;

use serde::Serialize;

use super::evidence::Evidence;

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Violation {
    /// The rule that is broken.
    pub(super) rule: Rule,
    pub(super) what: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Rule {
    /// An accepted job is there, and every item of it has ended.
    Ended,
    /// The counters add up: parts to what was accepted, jobs to their parts, failures to dead letters.
    Counted,
    /// Every success is covered by a call that began after the enqueue, was accepted, and ended well
    /// before the success was said.
    Covered,
    /// No more arrived in any window than the provider allows, and nothing was refused for a limit.
    Limits,
    /// `verify` finds nothing.
    Verify,
    /// No process ended by itself, nothing stood still.
    Alive,
}

/// Everything that is wrong.
pub(super) fn check(evidence: &Evidence) -> Vec<Violation> {
    let mut found = Vec::new();
    ended::check(evidence, &mut found);
    covered::check(evidence, &mut found);
    limits::check(evidence, &mut found);
    let given = |rule, texts: &[String]| {
        texts.iter().map(|what| Violation { rule, what: what.clone() }).collect::<Vec<_>>()
    };
    found.extend(given(Rule::Verify, &evidence.finals.verify));
    found.extend(given(Rule::Alive, &evidence.finals.troubles));
    found
}
