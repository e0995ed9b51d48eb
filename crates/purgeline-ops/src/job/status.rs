use crate::{
    LetterAtTarget, Ops, OpsError,
    item::{ItemState, explain},
};
use purgeline_core::{Item, JobId, TargetName};
use purgeline_queue::{Hold, Job};
use serde::Serialize;

/// A job with what an operator asks next: what failed and why, and where what waits is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JobStatus {
    /// The job.
    #[serde(flatten)]
    pub job: Job,
    /// Its first failures.
    pub failures: Vec<LetterAtTarget>,
    /// Where the first of its items are that wait.
    pub waiting: Vec<WaitingItem>,
    /// What is held at the targets where items of it wait.
    pub holds: Vec<HeldTarget>,
}

/// An item that waits at a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WaitingItem {
    /// Where it waits.
    pub target: TargetName,
    /// Its name.
    pub item: String,
    /// How far it has come.
    #[serde(flatten)]
    pub state: ItemState,
}

/// A hold at a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HeldTarget {
    /// The target.
    pub target: TargetName,
    /// What is held, why, until when.
    #[serde(flatten)]
    pub hold: Hold,
}

/// Items that are looked for, of those that the job keeps the names of.
const LOOKED_FOR: usize = 10;

impl JobStatus {
    /// Reads a job.
    ///
    /// # Errors
    /// [`OpsError::UnknownJob`]; when Redis cannot be asked.
    pub(super) async fn read(ops: &Ops, id: JobId) -> Result<Self, OpsError> {
        let queue = &ops.queue;
        let job = ops.jobs().read(id).await?;
        let mut status = Self { job, failures: Vec::new(), waiting: Vec::new(), holds: Vec::new() };
        for (name, part) in &status.job.parts {
            // A part at a target that is no longer configured shows what was taken down of it.
            let Ok(target) = ops.target(name) else { continue };
            for id in &part.dead {
                if let Some(letter) = queue.inspect().dead_letter(&target.target, id).await? {
                    status.failures.push(LetterAtTarget { target: name.clone(), letter });
                }
            }
            if part.counts.items > 0 && part.counts.state().is_terminal() {
                continue;
            }
            let standing = explain::read_standing(queue, target).await?;
            status
                .holds
                .extend(standing.holds.iter().cloned().map(|hold| HeldTarget { target: name.clone(), hold }));
            for text in status.job.first_items.iter().take(LOOKED_FOR) {
                let Some((item, action)) = Item::from_name(text) else { continue };
                let found = match status.job.timing.not_before_ms {
                    Some(at) => explain::find_embargoed(queue, target, &standing, &item, action, at).await?,
                    None => explain::find(queue, target, &standing, &item, action).await?,
                };
                if let Some(found) = found {
                    status.waiting.push(WaitingItem {
                        target: name.clone(),
                        item: text.clone(),
                        state: found,
                    });
                }
            }
        }
        Ok(status)
    }
}
