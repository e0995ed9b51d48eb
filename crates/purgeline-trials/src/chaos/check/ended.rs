//! Every accepted job has ended, once, and its counters add up.

use std::collections::{BTreeMap, BTreeSet};

use purgeline_core::{JobId, PartCounts};

use super::{Rule, Violation};
use crate::chaos::{
    evidence::{Evidence, FinalJob},
    journal::Accepted,
};

pub(super) fn check(evidence: &Evidence, found: &mut Vec<Violation>) {
    let mut seen: BTreeMap<JobId, u64> = BTreeMap::new();
    for accepted in &evidence.accepted {
        let id = accepted.job;
        let mut wrong =
            |rule, what: String| found.push(Violation { rule, what: format!("job {id}: {what}") });
        if let Some(other) = seen.insert(id, accepted.number) {
            wrong(Rule::Counted, format!("is two jobs of the producers, {other} and {}", accepted.number));
        }
        let Some(job) = evidence.finals.jobs.get(&id) else {
            wrong(Rule::Ended, "was accepted and is not there".to_owned());
            continue;
        };
        if !job.state.is_terminal() {
            wrong(Rule::Ended, format!("is {}: {:?}", job.state, job.parts));
            continue;
        }
        for what in miscounted(accepted, job) {
            wrong(Rule::Counted, what);
        }
    }
}

fn miscounted(accepted: &Accepted, job: &FinalJob) -> Vec<String> {
    let mut wrong = Vec::new();
    let asked = accepted.items.len() as u64;
    if job.items != asked {
        wrong.push(format!("has {} items, {asked} were accepted", job.items));
    }
    let expected: BTreeSet<&str> = accepted.targets.iter().map(String::as_str).collect();
    let parts: BTreeSet<&str> = job.parts.keys().map(String::as_str).collect();
    if parts != expected {
        wrong.push(format!("has parts at {parts:?}, expected {expected:?}"));
    }
    for (target, counts) in &job.parts {
        if counts.items != asked || counts.settled() != asked {
            wrong.push(format!("at {target}: {counts:?}, {asked} items were accepted"));
        }
        if counts.cancelled > 0 {
            wrong
                .push(format!("at {target}: {} items were cancelled, nobody asked for it", counts.cancelled));
        }
    }
    let all = job.parts.values().fold(PartCounts::default(), |sum, counts| sum.plus(*counts));
    if job.state != all.state() {
        wrong.push(format!("is {}, but its parts are {}", job.state, all.state()));
    }
    wrong
}
