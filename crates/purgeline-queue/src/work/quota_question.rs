use crate::{PollPolicy, QueueError, WorkQueue, policy::json, redis::scripts};
use purgeline_core::Target;
use std::time::Duration;

/// The answer to a worker that would ask the provider something that is about no batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// It may, by this head room in milliseconds.
    May(u64),
    /// Not now: after this time it is worth asking again; `None`: not known.
    Wait(Option<Duration>),
}

impl WorkQueue {
    /// Whether `worker` is the one that asks for the fleet what is left of a target's quotas: for so
    /// many milliseconds nobody else is. Else the time after which it is worth asking again.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn takes_quota_question(
        &self,
        target: &Target,
        worker: &str,
        for_ms: u64,
    ) -> Result<Result<(), Duration>, QueueError> {
        let (mut redis, key) = (self.store.manager(), self.store.keys().quota_asked(target));
        let mut take = redis::cmd("SET");
        take.arg(&key).arg(worker).arg("NX").arg("PX").arg(for_ms);
        if take.query_async::<Option<String>>(&mut redis).await?.is_some() {
            return Ok(Ok(()));
        }
        let left: i64 = redis::cmd("PTTL").arg(&key).query_async(&mut redis).await?;
        Ok(Err(Duration::from_millis(u64::try_from(left).unwrap_or_default())))
    }

    /// The quotas have been asked for: nobody asks again for so many milliseconds.
    ///
    /// # Errors
    /// When Redis cannot be asked; then another worker asks again sooner.
    pub async fn quotas_asked(&self, target: &Target, worker: &str, for_ms: u64) -> Result<(), QueueError> {
        let mut keep = redis::cmd("SET");
        keep.arg(self.store.keys().quota_asked(target)).arg(worker).arg("PX").arg(for_ms);
        Ok(keep.query_async(&mut self.store.manager()).await?)
    }

    /// Takes the permit for a question that is about no batch, of the windows for questions.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn question(&self, target: &Target, policy: &PollPolicy) -> Result<Question, QueueError> {
        let mut script = self.store.script(&scripts::QUESTION, target);
        script.arg(json(policy));
        match self.store.invoke(&script).await? {
            (1, headroom_ms) => Ok(Question::May(headroom_ms)),
            (_, 0) => Ok(Question::Wait(None)),
            (0, ms) => Ok(Question::Wait(Some(Duration::from_millis(ms)))),
            other => Err(QueueError::malformed("the answer of question.lua", "0 or 1, and ms", other)),
        }
    }
}
