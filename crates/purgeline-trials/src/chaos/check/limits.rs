//! The limits over time, at the simulators.

use super::{Rule, Violation};
use crate::chaos::evidence::Evidence;

pub(super) fn check(evidence: &Evidence, found: &mut Vec<Violation>) {
    for (target, log) in &evidence.accounts {
        for (kind, limit) in &log.limits {
            let worst = limit.worst(log.calls.iter().filter(|call| call.kind == *kind));
            if worst > limit.max {
                found.push(Violation {
                    rule: Rule::Limits,
                    what: format!(
                        "{target}: {worst} {:?} of {kind:?} calls in a window of {} ms, {} are allowed",
                        limit.unit, limit.window_ms, limit.max
                    ),
                });
            }
        }
        for call in log.calls.iter().filter(|call| call.limited) {
            found.push(Violation {
                rule: Rule::Limits,
                what: format!("{target}: call {} ({:?}) was refused for a limit", call.seq, call.kind),
            });
        }
    }
}
