use super::{DeadLetterFilter, groups::Counting};
use crate::{DeadLetterGroups, GroupBy, LetterName, Ops, OpsError};
use purgeline_core::TargetName;
use purgeline_queue::{DeadLetter, RetryPlan};
use serde::Serialize;

/// Dead letters, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeadLetterList {
    /// The letters.
    pub dead_letters: Vec<LetterAtTarget>,
}

/// A dead letter, and where its item failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LetterAtTarget {
    /// Where it failed.
    pub target: TargetName,
    /// What is kept of it.
    #[serde(flatten)]
    pub letter: DeadLetter,
}

/// A dead letter, with what a retry would do now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeadLetterStatus {
    /// Where it failed.
    pub target: TargetName,
    /// What is kept of it.
    #[serde(flatten)]
    pub letter: DeadLetter,
    /// What a retry would do now.
    pub retry: RetryPlan,
}

impl DeadLetterList {
    pub(super) async fn read(ops: &Ops, filter: &DeadLetterFilter, limit: usize) -> Result<Self, OpsError> {
        let targets = ops.one_or_all(filter.target.as_ref())?;
        let filter = filter.read(ops).await?;
        let mut dead_letters = Vec::new();
        for target in targets {
            let mut walk = ops.queue.inspect().walk_dead(&target.target, &filter);
            let mut found = Vec::new();
            while found.len() < limit
                && let Some(letters) = walk.next().await?
            {
                found.extend(letters);
            }
            let name = &target.target.name;
            dead_letters
                .extend(found.into_iter().map(|letter| LetterAtTarget { target: name.clone(), letter }));
        }
        dead_letters.sort_by_key(|listed| std::cmp::Reverse(listed.letter.failed_at_ms));
        dead_letters.truncate(limit);
        Ok(Self { dead_letters })
    }
}

impl DeadLetterGroups {
    pub(super) async fn read(
        ops: &Ops,
        filter: &DeadLetterFilter,
        by: GroupBy,
        limit: usize,
    ) -> Result<Self, OpsError> {
        let targets = ops.one_or_all(filter.target.as_ref())?;
        let filter = filter.read(ops).await?;
        let mut counting = Counting::new(by);
        for target in targets {
            let mut walk = ops.queue.inspect().walk_dead(&target.target, &filter);
            while let Some(letters) = walk.next().await? {
                letters.iter().for_each(|letter| counting.add(&target.target.name, letter));
            }
        }
        Ok(counting.finish(limit))
    }
}

impl DeadLetterStatus {
    pub(super) async fn read(ops: &Ops, name: &LetterName) -> Result<Self, OpsError> {
        let target = &ops.target(&name.target)?.target;
        let letter = ops.queue.inspect().dead_letter(target, &name.id).await?;
        let letter = letter.ok_or_else(|| OpsError::UnknownLetter(name.clone()))?;
        let retry = ops.queue.operate().plan_retry(target, &letter).await?;
        Ok(Self { target: name.target.clone(), letter, retry })
    }
}
