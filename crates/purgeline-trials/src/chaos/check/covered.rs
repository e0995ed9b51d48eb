//! Every item that succeeded was purged, by a call that began after it was asked for; every other
//! has a dead letter.

use std::collections::{HashMap, HashSet};

use purgeline_core::{Item, JobId, Kind, ancestors};
use purgeline_sim::{CallKind, Ending, ItemKind};

use super::{Rule, Violation};
use crate::chaos::{
    evidence::{AccountLog, Evidence, FinalLetter},
    journal::Accepted,
};

/// When the calls arrived that purged an item, and when its purge had ended, wall clock, ms.
type Purges<'a> = HashMap<(ItemKind, &'a str), Vec<(i64, i64)>>;

/// Failures at a target, to be looked up.
#[derive(Default)]
struct Dead {
    /// By job, the items whose letters name it.
    of_job: HashMap<JobId, HashSet<Item>>,
    /// Items whose letters name only some of the jobs that waited.
    of_any: HashSet<Item>,
}

pub(super) fn check(evidence: &Evidence, found: &mut Vec<Violation>) {
    let sides: HashMap<&str, (Purges<'_>, Dead)> = evidence
        .accounts
        .iter()
        .map(|(target, log)| {
            let letters = evidence.finals.dead.get(target).map(Vec::as_slice).unwrap_or_default();
            (target.as_str(), (purges(log), Dead::of(letters)))
        })
        .collect();
    for accepted in &evidence.accepted {
        for target in &accepted.targets {
            let Some((purges, dead)) = sides.get(target.as_str()) else { continue };
            one_part(evidence, accepted, target, (purges, dead), found);
        }
    }
}

fn one_part(
    evidence: &Evidence,
    accepted: &Accepted,
    target: &str,
    (purges, dead): (&Purges<'_>, &Dead),
    found: &mut Vec<Violation>,
) {
    let Some(job) = evidence.finals.jobs.get(&accepted.job) else { return };
    let (Some(counts), Some(ended_ms)) = (job.parts.get(target), job.ended_ms) else { return };
    // It was submitted after both.
    let embargo_ms = accepted.tried_ms.saturating_add_unsigned(accepted.embargo_ms);
    let since_ms = embargo_ms.max(job.submitted_ms);
    let items: Vec<_> =
        accepted.items.iter().filter_map(|name| Item::from_name(name)).map(|(item, _)| item).collect();
    let (excused, others): (Vec<_>, Vec<_>) =
        items.iter().partition(|item| counts.failed > 0 && dead.excuses(accepted.job, item));
    if (excused.len() as u64) < counts.failed {
        found.push(Violation {
            rule: Rule::Counted,
            what: format!(
                "job {} at {target}: {} items failed, and there are dead letters for {}",
                accepted.job,
                counts.failed,
                excused.len()
            ),
        });
    }
    for item in others {
        if !covered(purges, item, since_ms, ended_ms) {
            found.push(Violation {
                rule: Rule::Covered,
                what: format!(
                    "job {} at {target}: {item} succeeded, and no call between {since_ms} and {ended_ms} purged it well",
                    accepted.job
                ),
            });
        }
    }
}

/// The purges that were accepted and ended well.
fn purges(log: &AccountLog) -> Purges<'_> {
    let ended: HashMap<(&str, ItemKind, &str), i64> = log
        .tasks
        .iter()
        .filter(|task| task.ending == Ending::Success)
        .filter_map(|task| Some(((task.receipt.as_str(), task.item.kind, &*task.item.name), task.ended_ms?)))
        .collect();
    let mut purges = Purges::new();
    for call in log.calls.iter().filter(|call| call.kind == CallKind::Purge) {
        let Some(receipt) = call.outcome.as_ref().and_then(|outcome| outcome.receipt.as_deref()) else {
            continue;
        };
        for record in call.items.iter().filter(|record| record.accepted == Some(true)) {
            let (kind, name) = (record.item.kind, &*record.item.name);
            if let Some(&ended_ms) = ended.get(&(receipt, kind, name)) {
                purges.entry((kind, name)).or_default().push((call.arrived_ms, ended_ms));
            }
        }
    }
    purges
}

fn covered(purges: &Purges<'_>, item: &Item, since_ms: i64, until_ms: i64) -> bool {
    let purged = |kind, name: &str| {
        purges
            .get(&(kind, name))
            .is_some_and(|all| all.iter().any(|&(began, ended)| began >= since_ms && ended <= until_ms))
    };
    let own = match item.kind() {
        Kind::Dir => ItemKind::Dir,
        _ => ItemKind::Url,
    };
    purged(own, item.text()) || ancestors(item).any(|dir| purged(ItemKind::Dir, dir))
}

impl Dead {
    fn of(letters: &[FinalLetter]) -> Self {
        let mut dead = Self::default();
        for letter in letters {
            // Whatever is done to it, as the provider has it: it is the same item.
            let Some((item, _)) = Item::from_name(&letter.item) else { continue };
            for job in &letter.jobs {
                dead.of_job.entry(*job).or_default().insert(item.clone());
            }
            if letter.more_jobs {
                dead.of_any.insert(item);
            }
        }
        dead
    }

    /// Whether a letter says that this item of a job failed, itself or with a dir above it.
    fn excuses(&self, job: JobId, item: &Item) -> bool {
        let of_job = self.of_job.get(&job);
        let named =
            |item: &Item| self.of_any.contains(item) || of_job.is_some_and(|items| items.contains(item));
        named(item) || ancestors(item).any(|dir| named(&Item::from_normalized(Kind::Dir, dir)))
    }
}
