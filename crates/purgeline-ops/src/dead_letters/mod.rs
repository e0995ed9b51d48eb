//! What failed for good: listed, grouped, one by one, retried, dropped.

mod change;
mod drop;
mod filter;
mod groups;
mod list;
mod name;
mod retry;

pub use change::ChangedLetters;
pub use drop::DroppedLetters;
pub use filter::{DeadLetterFilter, Letters};
pub use groups::{DeadLetterExample, DeadLetterGroup, DeadLetterGroups, GroupBy};
pub use list::{DeadLetterList, DeadLetterStatus, LetterAtTarget};
pub use name::{LetterName, LetterNameError};
pub use retry::RetriedLetters;

use crate::{Ops, OpsError};

/// What failed for good; see [`Ops::dead_letters`].
#[derive(Clone, Copy, Debug)]
pub struct DeadLetters<'a> {
    ops: &'a Ops,
}

impl<'a> DeadLetters<'a> {
    pub(crate) const fn new(ops: &'a Ops) -> Self {
        Self { ops }
    }

    /// The newest dead letters that match, at most `limit`.
    ///
    /// # Errors
    /// [`OpsError::UnknownTarget`]; when Redis cannot be asked.
    pub async fn list(&self, filter: &DeadLetterFilter, limit: usize) -> Result<DeadLetterList, OpsError> {
        DeadLetterList::read(self.ops, filter, limit).await
    }

    /// All dead letters that match, counted by what they have in common: the `limit` biggest
    /// groups.
    ///
    /// # Errors
    /// [`OpsError::UnknownTarget`]; when Redis cannot be asked.
    pub async fn groups(
        &self,
        filter: &DeadLetterFilter,
        by: GroupBy,
        limit: usize,
    ) -> Result<DeadLetterGroups, OpsError> {
        DeadLetterGroups::read(self.ops, filter, by, limit).await
    }

    /// One dead letter, with what a retry would do now.
    ///
    /// # Errors
    /// [`OpsError::UnknownTarget`], [`OpsError::UnknownLetter`]; when Redis cannot be asked.
    pub async fn status(&self, name: &LetterName) -> Result<DeadLetterStatus, OpsError> {
        DeadLetterStatus::read(self.ops, name).await
    }

    /// Tries the items of dead letters again, under the jobs that waited for them: those jobs are
    /// active again until they end anew. May be stopped and repeated at any time.
    ///
    /// # Errors
    /// [`OpsError::WhichLetters`], [`OpsError::UnknownTarget`]; when Redis cannot be asked: then
    /// some letters may have been retried.
    pub async fn retry(
        &self,
        letters: &Letters,
        dry_run: bool,
    ) -> Result<ChangedLetters<RetriedLetters>, OpsError> {
        change::change(self.ops, letters, dry_run).await
    }

    /// Forgets dead letters; their jobs stay as they ended.
    ///
    /// # Errors
    /// [`OpsError::WhichLetters`], [`OpsError::UnknownTarget`]; when Redis cannot be asked: then
    /// some letters may have been dropped.
    pub async fn drop(
        &self,
        letters: &Letters,
        dry_run: bool,
    ) -> Result<ChangedLetters<DroppedLetters>, OpsError> {
        change::change(self.ops, letters, dry_run).await
    }
}
