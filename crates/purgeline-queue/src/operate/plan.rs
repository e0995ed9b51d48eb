use crate::{DeadLetter, OperateQueue, QueueError};
use purgeline_core::Target;
use redis::AsyncTypedCommands;
use serde::Serialize;

/// What a retry of a dead letter would do now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RetryPlan {
    /// The same item waits already: it would join that, and cost no purge of its own.
    pub joins: bool,
    /// Jobs that the item would be tried again for.
    pub jobs: usize,
    /// Those of them that have ended at this target, and would be active again.
    pub reopened: usize,
    /// Jobs that are being cancelled, or are not kept any more: the retry is not for them.
    pub left_out: usize,
}

impl OperateQueue {
    /// What a retry of a dead letter would do now. Changes nothing.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn plan_retry(&self, target: &Target, letter: &DeadLetter) -> Result<RetryPlan, QueueError> {
        let mut redis = self.store.manager();
        let joins = redis.hexists(self.store.keys().pending(target), &letter.item).await?;
        let mut plan = RetryPlan { joins, ..RetryPlan::default() };
        if letter.jobs.is_empty() {
            return Ok(plan);
        }
        let mut pipe = redis::pipe();
        for job in &letter.jobs {
            let part = self.store.keys().part(target, job);
            pipe.cmd("HMGET").arg(part).arg("state").arg("cancelling");
        }
        let states: Vec<(Option<String>, Option<String>)> = pipe.query_async(&mut redis).await?;
        for state in states {
            match state {
                (Some(state), None) => {
                    plan.jobs += 1;
                    plan.reopened += usize::from(state != "active");
                }
                _ => plan.left_out += 1,
            }
        }
        Ok(plan)
    }
}
