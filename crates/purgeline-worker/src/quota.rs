use crate::{
    context::TargetContext, jitter::between, permit::InTime, persist::persist, verdict::refuses_credentials,
};
use purgeline_queue::{Asked, Question, QueueError, ToldBy};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// How often a provider is asked what is left of the day's quotas. It counts by the day, but an
/// account's day may be used by others too, and its quota raised.
const PAUSE_MS: u64 = 3_600_000;
/// How long the worker that asks has for it; if it dies, another asks after that.
const ASKING_MS: u64 = 60_000;
/// The shortest wait where it is not known when it is worth asking again.
const WAIT: Duration = Duration::from_secs(1);

impl TargetContext {
    /// Asks every hour what is left of the provider's quotas, until told to end: one worker for the
    /// whole fleet. The others read what it has learned in Redis.
    pub(crate) async fn watch_quotas(&self, end: &CancellationToken) {
        let watch = async {
            loop {
                let pause = self.ask_for_quotas().await.unwrap_or_else(|error| {
                    warn!(%error, target = %self.target().name, "what is left of the quotas was not written");
                    Duration::from_millis(ASKING_MS)
                });
                tokio::time::sleep(pause + between(Duration::ZERO, WAIT)).await;
            }
        };
        end.run_until_cancelled(watch).await;
    }

    /// Asks, if it is time and no other worker has asked. Gives the time until it may be time again.
    async fn ask_for_quotas(&self) -> Result<Duration, QueueError> {
        let (target, queue) = (self.target(), &self.queue);
        if let Err(wait) = queue.takes_quota_question(target, &self.name, ASKING_MS).await? {
            return Ok(wait);
        }
        let mark = persist(self.patience(), "mark", || queue.quota_mark(target, &self.quota_policy)).await?;
        if !self.permits_question().await? {
            return Ok(Duration::from_millis(ASKING_MS));
        }
        let signals = self.provider.quota().await;
        if let Some(refused) = refuses_credentials(&signals) {
            self.hear(Asked::Question, &refused).await?;
        }
        persist(self.patience(), "quotas", || self.heed(&signals, ToldBy::Question(&mark))).await?;
        queue.quotas_asked(target, &self.name, PAUSE_MS).await?;
        Ok(Duration::from_millis(PAUSE_MS))
    }

    /// Waits for a permit in the windows for questions, where the provider has some. False if none
    /// came in time: the target is held, say.
    async fn permits_question(&self) -> Result<bool, QueueError> {
        let Some(policy) = &self.poll_policy else { return Ok(true) };
        let give_up = Instant::now() + Duration::from_millis(ASKING_MS / 2);
        loop {
            let asked = Instant::now();
            let wait = match self.queue.question(self.target(), policy).await? {
                Question::May(headroom_ms) => {
                    let permit = self.question_permits.granted(asked, headroom_ms);
                    if self.question_permits.in_time(permit, Instant::now()) == InTime::Yes {
                        return Ok(true);
                    }
                    WAIT
                }
                Question::Wait(after) => after.unwrap_or(WAIT),
            };
            if asked + wait > give_up {
                return Ok(false);
            }
            tokio::time::sleep(wait).await;
        }
    }
}
