use super::{violation::Violation, walk::Walk};
use crate::{AuditQueue, QueueError};
use purgeline_core::Target;
use std::collections::{BTreeSet, HashSet};

impl AuditQueue {
    /// Walks all keys of these targets and gives what the invariants do not allow:
    ///
    /// 1. *Durable*: every pending record can be leased (it has a hint in a ranked lane, or a due
    ///    time), every item that waits for a dir is found when that ends, every embargo ends, every batch is
    ///    leased, ready or asked about, every item of a batch is whole.
    /// 2. *Counted once*: for each job at each target, the items that have settled and those that
    ///    wait add up to its items; a part is over exactly when all have settled; a job is over
    ///    when its parts are.
    /// 3. *Nothing is orphaned*: no lease, poll or delay of what is not there, no list of waiting
    ///    jobs that nothing leads to, no waiting job without a part, no word in the outbox that
    ///    nobody can carry.
    ///
    /// Exact on a queue at rest. While producers and workers run, what they move between two
    /// reads can look wrong: see [`verify_twice`](Self::verify_twice). At most 10,000 violations
    /// of a target are given.
    ///
    /// Looks at each key of a server twice, whatever the number of targets; in a cluster twice for
    /// each account. No answer of Redis holds more than 1,000 entries or one batch. What is kept here
    /// is 8 bytes for each item, twice that for a covered one, and 24 for each job that waits, and the
    /// names of batches, of lists of waiting jobs and of coverages; nothing of jobs that have ended.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn verify(&self, targets: &[Target]) -> Result<Vec<Violation>, QueueError> {
        let mut found = BTreeSet::new();
        let mut walks = Vec::with_capacity(targets.len());
        for target in targets {
            walks.push(Walk::new(&self.store, target).await?);
        }
        self.read_names(targets, &mut walks).await?;
        for walk in &mut walks {
            walk.coverages().await?;
            walk.pending().await?;
            walk.embargoed().await?;
            walk.batches().await?;
            walk.settling().await?;
            walk.stray_lists().await?;
            walk.stray_coverages();
            walk.submitting = walk.members(&walk.keys().submitting(walk.target)).await?;
        }
        self.read_parts(targets, &mut walks).await?;
        for mut walk in walks {
            walk.all_parts();
            walk.outbox().await?;
            found.extend(walk.found);
        }
        self.verify_jobs(targets, &mut found).await?;
        Ok(found.into_iter().collect())
    }

    /// What two walks in a row find, word for word: for a queue that is in use. What was only on
    /// its way has moved on by the second, or its numbers have; damage stays as it is.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn verify_twice(&self, targets: &[Target]) -> Result<Vec<Violation>, QueueError> {
        let mut found = self.verify(targets).await?;
        if !found.is_empty() {
            let again: HashSet<_> =
                self.verify(targets).await?.into_iter().map(|v| (v.target, v.what)).collect();
            found.retain(|violation| again.contains(&(violation.target.clone(), violation.what.clone())));
        }
        Ok(found)
    }
}
