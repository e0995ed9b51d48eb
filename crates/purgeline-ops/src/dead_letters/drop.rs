use super::change::ChangeLetters;
use crate::{Ops, OpsError};
use purgeline_providers::ConfiguredTarget;
use purgeline_queue::DeadLetter;
use serde::Serialize;

/// Letters of one target that were dropped, or would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DroppedLetters(
    /// How many.
    pub u64,
);

impl ChangeLetters for DroppedLetters {
    async fn change(
        &mut self,
        ops: &Ops,
        target: &ConfiguredTarget,
        letters: &[DeadLetter],
        dry_run: bool,
    ) -> Result<(), OpsError> {
        let ids: Vec<_> = letters.iter().map(|letter| letter.id.clone()).collect();
        self.0 += match dry_run {
            true => ids.len() as u64,
            false => ops.queue.operate().drop_dead(&target.target, &ids).await?,
        };
        Ok(())
    }
}
