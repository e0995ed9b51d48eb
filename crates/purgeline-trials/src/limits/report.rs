use std::fmt;

use purgeline_sim::CallKind;
use serde::Serialize;

use crate::{
    output::table,
    window::{Limit, Unit, Use},
};

/// The share of the binding limit that must be used, in per cent.
const LEAST_USED: f64 = 95.0;

/// What was seen of all cases.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    pub(super) cases: Vec<CaseReport>,
}

/// What was seen at one simulator.
#[derive(Debug, Serialize)]
pub(super) struct CaseReport {
    pub(super) provider: &'static str,
    pub(super) title: String,
    pub(super) rows: Vec<Row>,
    /// Calls that the simulator refused, wholly or in part.
    pub(super) refusals: usize,
    /// Calls that purge, and the items in them, each as often as it was sent.
    pub(super) calls: usize,
    pub(super) items: u64,
    pub(super) workers_joined: usize,
    pub(super) workers_terminated: usize,
    pub(super) workers_killed: usize,
}

/// One limit.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    /// The calls that it is about.
    pub(super) kind: CallKind,
    #[serde(flatten)]
    pub(super) limit: Limit,
    /// The most that arrived in any window.
    pub(super) worst: u64,
    /// What was used of it, if it is the one that bounds the fleet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) used: Option<Use>,
    pub(super) binding: bool,
}

impl Report {
    /// Whether everything is as claimed.
    pub(super) fn holds(&self) -> bool {
        self.cases.iter().all(|case| case.refusals == 0 && case.rows.iter().all(Row::holds))
    }
}

impl Row {
    fn holds(&self) -> bool {
        let used = self.used.is_some_and(|used| used.percent >= LEAST_USED);
        self.worst <= self.limit.max && (!self.binding || used)
    }

    fn name(&self) -> &'static str {
        match (self.kind, self.limit.unit) {
            (CallKind::Status, _) => "questions",
            (_, Unit::Calls) => "calls",
            (_, Unit::Items) => "items",
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut limits = table(&["provider", "limit", "window", "worst window", "used", ""]);
        let mut fleet =
            table(&["provider", "calls", "items", "refusals", "joined", "terminated", "killed", ""]);
        let mark = |holds: bool| if holds { "ok" } else { "FAIL" };
        for case in &self.cases {
            for row in &case.rows {
                let used = row.used.map(|used| format!("{:.1} % over {:.1} s", used.percent, used.over_s));
                limits.add_row([
                    case.provider.to_owned(),
                    format!("{} {}", row.limit.max, row.name()),
                    format!("{} ms", row.limit.window_ms),
                    row.worst.to_string(),
                    used.unwrap_or_default(),
                    mark(row.holds()).to_owned(),
                ]);
            }
            fleet.add_row([
                case.provider.to_owned(),
                case.calls.to_string(),
                case.items.to_string(),
                case.refusals.to_string(),
                case.workers_joined.to_string(),
                case.workers_terminated.to_string(),
                case.workers_killed.to_string(),
                mark(case.refusals == 0).to_owned(),
            ]);
        }
        for case in &self.cases {
            writeln!(f, "{}: {}", case.provider, case.title)?;
        }
        writeln!(f, "\n{limits}\n\n{fleet}\n")?;
        write!(
            f,
            "worst window: the most that arrived at the simulator in any window of that length, wherever it begins\n\
             used: of the limit that bounds the fleet, at least {LEAST_USED} %; from the call after the first window's\n\
             worth of the backlog to the one before the last window's worth, the time it takes at best by the time it took"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let limit = Limit { unit: Unit::Items, max: 240, window_ms: 1_000 };
        let used = Some(Use { percent: 95.0, over_s: 60.0 });
        Report {
            cases: vec![CaseReport {
                provider: "qiniu",
                title: "as documented".to_owned(),
                rows: vec![Row { kind: CallKind::Purge, limit, worst: 240, used, binding: true }],
                refusals: 0,
                calls: 250,
                items: 15_000,
                workers_joined: 4,
                workers_terminated: 0,
                workers_killed: 0,
            }],
        }
    }

    #[test]
    fn each_claim_can_fail() {
        assert!(report().holds());
        let fails: [fn(&mut CaseReport); 4] = [
            |case| case.refusals = 1,
            |case| case.rows[0].worst = 241,
            |case| case.rows[0].used = Some(Use { percent: 94.9, over_s: 60.0 }),
            |case| case.rows[0].used = None,
        ];
        for fail in fails {
            let mut report = report();
            fail(&mut report.cases[0]);
            assert!(!report.holds(), "{report}");
        }
    }
}
