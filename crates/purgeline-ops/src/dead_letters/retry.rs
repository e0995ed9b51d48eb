use super::change::ChangeLetters;
use crate::{ChangedLetters, Ops, OpsError};
use purgeline_providers::ConfiguredTarget;
use purgeline_queue::{DeadLetter, RetryPlan};
use serde::Serialize;

/// What was done, or would be, at one target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RetriedLetters {
    /// Letters whose items wait again.
    pub retried: u64,
    /// Letters that stay, since the queue has no room for their items.
    pub no_room: u64,
    /// Letters that stay, since they stand for items whose names are lost.
    pub nameless: u64,
    /// Letters that stay, since their jobs changed at each try.
    pub busy: u64,
    /// Letters that another operator retried or dropped before this call reached them.
    pub gone: u64,
    /// Items that joined, or would join, the same item.
    pub joins: u64,
    /// How often a job that has ended was, or would be, active again for a letter.
    pub reopened: u64,
    /// How often a letter names a job that is being cancelled, or is not kept any more.
    pub left_out: u64,
}

impl ChangedLetters<RetriedLetters> {
    /// Whether letters stay since the queue has no room for their items.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.targets.values().any(|retried| retried.no_room > 0)
    }

    /// Whether letters stay that the same call may retry if it is made again.
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        self.targets.values().any(|retried| retried.busy > 0)
    }
}

impl ChangeLetters for RetriedLetters {
    async fn change(
        &mut self,
        ops: &Ops,
        target: &ConfiguredTarget,
        letters: &[DeadLetter],
        dry_run: bool,
    ) -> Result<(), OpsError> {
        for letter in letters {
            let RetryPlan { joins, reopened, left_out, .. } =
                ops.queue.operate().plan_retry(&target.target, letter).await?;
            self.joins += u64::from(joins);
            self.reopened += reopened as u64;
            self.left_out += left_out as u64;
        }
        if dry_run {
            let nameless = letters.iter().filter(|letter| letter.lane.is_empty()).count() as u64;
            self.nameless += nameless;
            self.retried += letters.len() as u64 - nameless;
            return Ok(());
        }
        let ids: Vec<_> = letters.iter().map(|letter| letter.id.clone()).collect();
        let room = target.config.max_pending_items.get();
        let done = ops.queue.operate().retry_dead(&target.target, &ids, room, &ops.retention).await?;
        self.retried += done.retried;
        self.no_room += done.no_room;
        self.nameless += done.nameless;
        self.busy += done.busy;
        self.gone += done.gone;
        Ok(())
    }
}
