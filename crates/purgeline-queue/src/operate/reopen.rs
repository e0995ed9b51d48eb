use crate::{OperateQueue, QueueError, redis::scripts};
use futures::{StreamExt, TryStreamExt, stream};
use purgeline_core::{JobId, Target};

/// Jobs that are reopened at once.
const AT_ONCE: usize = 64;
/// A part that has ended and is to be reopened, and the round that it will then be in.
pub(super) type Promise = (JobId, u64);

impl OperateQueue {
    /// Makes jobs active again, before parts of them are. Jobs that are not kept any more are left
    /// out: their items are retried all the same.
    pub(super) async fn reopen_jobs(&self, target: &Target, promises: &[Promise]) -> Result<(), QueueError> {
        let reopen = |(job, round): Promise| async move {
            let mut script = scripts::REOPEN_JOB.prepare_invoke();
            script.key(self.store.keys().job(job)).arg(target.name.as_str()).arg(round);
            self.store.invoke::<u8>(&script).await
        };
        stream::iter(promises.iter().copied())
            .map(reopen)
            .buffer_unordered(AT_ONCE)
            .try_for_each(|_| async { Ok(()) })
            .await
    }
}
