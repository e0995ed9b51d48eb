use std::{collections::BTreeMap, fmt};

use purgeline_sim::CallKind;
use serde::Serialize;

use super::{
    check::{self, Violation},
    evidence::Evidence,
    plan::TimedFault,
};
use crate::output::table;

/// Violations that are printed; the rest are counted.
const PRINTED: usize = 20;

/// What a fault run has shown.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) seed: Option<u64>,
    pub(super) minutes: Option<f64>,
    /// How long it took to work everything off after the last fault.
    pub(super) drained_s: Option<f64>,
    /// Faults by kind.
    pub(super) faults: BTreeMap<String, usize>,
    /// Calls that a simulator did something wrong to.
    pub(super) calls_struck: usize,
    pub(super) jobs: usize,
    /// Items of the jobs, one for each target that they went to.
    pub(super) items: usize,
    /// Of those, the ones that failed for good.
    pub(super) failed: u64,
    pub(super) calls: usize,
    /// Items in the calls, each as often as it was sent.
    pub(super) items_sent: usize,
    pub(super) questions: usize,
    pub(super) violations: Vec<Violation>,
}

impl Report {
    /// Judges the evidence.
    pub(super) fn of(evidence: &Evidence) -> Self {
        let calls = || evidence.accounts.values().flat_map(|log| &log.calls);
        let of_kind = |kind| calls().filter(move |call| call.kind == kind);
        Self {
            seed: None,
            minutes: None,
            drained_s: None,
            faults: BTreeMap::new(),
            calls_struck: calls().filter(|call| call.fault.is_some()).count(),
            jobs: evidence.accepted.len(),
            items: evidence.accepted.iter().map(|job| job.items.len() * job.targets.len()).sum(),
            failed: evidence
                .finals
                .jobs
                .values()
                .flat_map(|job| job.parts.values())
                .map(|part| part.failed)
                .sum(),
            calls: of_kind(CallKind::Purge).count(),
            items_sent: of_kind(CallKind::Purge).map(|call| call.items.len()).sum(),
            questions: of_kind(CallKind::Status).count(),
            violations: check::check(evidence),
        }
    }

    pub(super) fn with_faults(mut self, plan: &[TimedFault]) -> Self {
        for fault in plan {
            *self.faults.entry(fault.to_string()).or_default() += 1;
        }
        self
    }

    /// Whether nothing is wrong, and something was tried at all.
    pub(super) const fn holds(&self) -> bool {
        self.violations.is_empty() && self.jobs > 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.faults.is_empty() {
            let mut faults = table(&["faults injected", ""]);
            for (kind, count) in &self.faults {
                faults.add_row([kind.clone(), count.to_string()]);
            }
            faults.add_row(["all".to_owned(), self.faults.values().sum::<usize>().to_string()]);
            writeln!(f, "{faults}\n")?;
        }
        let mut seen = table(&["seen", ""]);
        if let (Some(minutes), Some(drained_s)) = (self.minutes, self.drained_s) {
            seen.add_row(["minutes of faults".to_owned(), format!("{minutes:.1}")]);
            seen.add_row(["drained in".to_owned(), format!("{drained_s:.1} s")]);
        }
        for (what, count) in [
            ("jobs accepted", self.jobs),
            ("items of jobs, at each target", self.items),
            ("calls that purge", self.calls),
            ("items in them", self.items_sent),
            ("questions", self.questions),
            ("calls that a provider did wrong to", self.calls_struck),
        ] {
            seen.add_row([what.to_owned(), count.to_string()]);
        }
        seen.add_row(["items that failed for good".to_owned(), self.failed.to_string()]);
        seen.add_row(["violations".to_owned(), self.violations.len().to_string()]);
        if let Some(seed) = self.seed {
            seen.add_row(["seed".to_owned(), seed.to_string()]);
        }
        write!(f, "{seen}")?;
        for Violation { rule, what } in self.violations.iter().take(PRINTED) {
            write!(f, "\n{rule:?}: {what}")?;
        }
        if self.violations.len() > PRINTED {
            write!(f, "\n… and {} more", self.violations.len() - PRINTED)?;
        }
        Ok(())
    }
}
