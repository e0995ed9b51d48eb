use super::attempt::{Repair, Route, Tried};
use crate::{AuditQueue, QueueError, Retention, Violation, audit::verify::damage::Damage};
use purgeline_core::Target;
use serde::Serialize;
use std::{collections::HashMap, fmt};

/// How often one thing is tried.
const TRIES: u32 = 3;

/// One thing that was wrong, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mend {
    /// The target, or `-` for what belongs to none.
    pub target: String,
    /// What was wrong.
    pub what: String,
    /// Whether it is mended.
    pub mended: bool,
    /// What was done; or why nothing was.
    pub how: String,
}

impl AuditQueue {
    /// Mends what two walks in a row find ([`verify_twice`](Self::verify_twice)), and walks again,
    /// until they find nothing that it can mend. Each mend is one script that looks again whether
    /// things are still as they were seen, so it may be called while workers run, at any time and
    /// more than once.
    ///
    /// No item is lost by it: where it is not known whether an item was purged, it is purged again,
    /// and where not even its name is known any more, its job is told so by a dead letter. A job
    /// that has ended does not end again.
    ///
    /// # Errors
    /// When Redis cannot be asked; what was mended by then stays mended.
    pub async fn repair(
        &self,
        targets: &[Target],
        retention: &Retention,
        route: &Route<'_>,
    ) -> Result<Vec<Mend>, QueueError> {
        let repair = Repair { queue: &self.store, targets, retention, route };
        let mut mends: Vec<Mend> = Vec::new();
        // By target and words: how often it was tried.
        let mut tried: HashMap<(String, String), u32> = HashMap::new();
        loop {
            let mut found = self.verify_twice(targets).await?;
            let tries = |violation: &Violation| {
                let key = (violation.target.clone(), violation.what.clone());
                tried.get(&key).copied().unwrap_or_default()
            };
            found.retain(|violation| tries(violation) < TRIES);
            // What is counted is looked at only when what waits is in order.
            let Some(stage) = found.iter().map(|violation| violation.damage.stage()).min() else {
                return Ok(mends);
            };
            for Violation { target, what, damage } in
                found.into_iter().filter(|violation| violation.damage.stage() == stage)
            {
                let tries = tried.entry((target.clone(), what.clone())).or_default();
                *tries += 1;
                let (mended, how) = match repair.mend(&target, &damage).await? {
                    Tried::Mended(how) => (true, how),
                    Tried::Changed if *tries < TRIES => continue,
                    Tried::Changed => (
                        false,
                        "it changes while it is looked at; once more when less is going on".to_owned(),
                    ),
                    Tried::Refused(why) => {
                        *tries = TRIES;
                        (false, why)
                    }
                };
                mends.push(Mend { target, what, mended, how });
            }
        }
    }
}

impl Damage {
    /// In which order damage is mended: what waits, what parts count of it, jobs, counters.
    const fn stage(&self) -> u8 {
        match self {
            Self::PartName { .. }
            | Self::NoPart { .. }
            | Self::PartCounts { .. }
            | Self::PartItems { .. }
            | Self::PartState { .. }
            | Self::Unannounced { .. } => 1,
            Self::JobState { .. } | Self::Undelivered { .. } => 2,
            Self::Counter { .. } => 3,
            // Its job may have been found in the meantime.
            Self::NoJob { .. } => 4,
            _ => 0,
        }
    }
}

impl fmt::Display for Mend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, what, mended, how } = self;
        let outcome = if *mended { "mended" } else { "NOT mended" };
        write!(f, "{outcome}: {target}: {what}: {how}")
    }
}
