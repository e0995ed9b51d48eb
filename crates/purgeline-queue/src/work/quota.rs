use crate::{QueueError, QuotaPolicy, WorkQueue, policy::json, redis::scripts};
use purgeline_core::{Kind, Target};
use redis::AsyncTypedCommands;

/// How the provider told what is left of a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToldBy<'a> {
    /// In the answer to the call of this batch.
    Answer(&'a str),
    /// When it was asked, with the [mark](WorkQueue::quota_mark) from before that.
    Question(&'a str),
}

/// What came of a quota that the provider calls spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpentQuota {
    /// So many quotas are spent now. 0: none of these is counted.
    Spent(u64),
    /// The day has just begun, and it may be the day before that is spent: for so many
    /// milliseconds it is not known.
    Unsure(u64),
}

impl WorkQueue {
    /// Where the counters of the day's quotas stand, to be handed to
    /// [`learn_quota`](Self::learn_quota) with the answer to a question that is asked after this.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn quota_mark(&self, target: &Target, quotas: &QuotaPolicy) -> Result<String, QueueError> {
        let now = self.store.now_ms().await?;
        let mut marks = Vec::new();
        for quota in quotas.on_day(self.store.given_or_own_time()) {
            let Some(day) = quota.today(now).filter(|_| !quota.per_host) else { continue };
            let vague =
                self.store.manager().hget(self.store.keys().quota(target, &quota.name, day), "vague").await?;
            marks.push(format!("{}@{}=0/{}", quota.name, day.day, vague.as_deref().unwrap_or("0")));
        }
        Ok(marks.join(" "))
    }

    /// Corrects what is counted of the day's quota of a kind: the provider says that `left` of
    /// `max` items are left. Doubts about calls under way are held against the quota until they have
    /// returned. False if nothing was learned: no such quota is counted, or it may be of another day.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn learn_quota(
        &self,
        target: &Target,
        quotas: &QuotaPolicy,
        kind: Kind,
        (left, max): (u64, u64),
        told: ToldBy<'_>,
    ) -> Result<bool, QueueError> {
        let (batch, mark) = match told {
            ToldBy::Answer(batch) => (batch, ""),
            ToldBy::Question(mark) => ("", mark),
        };
        let mut script = self.store.script(&scripts::LEARN_QUOTA, target);
        script.arg(json(&quotas.on_day(self.store.given_or_own_time())));
        script.arg(kind.as_str()).arg(left).arg(max).arg(batch).arg(mark);
        self.store.invoke(&script).await
    }

    /// Takes down that the day's quota of a kind (`None`: of each), or one host's own, is spent, as the
    /// provider says.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn spend_quota(
        &self,
        target: &Target,
        quotas: &QuotaPolicy,
        kind: Option<Kind>,
        host: Option<&str>,
    ) -> Result<SpentQuota, QueueError> {
        let mut script = self.store.script(&scripts::SPEND_QUOTA, target);
        script.arg(json(&quotas.on_day(self.store.given_or_own_time())));
        script.arg(kind.map_or("", Kind::as_str)).arg(host.unwrap_or_default());
        let (word, number): (String, u64) = self.store.invoke(&script).await?;
        match word.as_str() {
            "spent" => Ok(SpentQuota::Spent(number)),
            "unsure" => Ok(SpentQuota::Unsure(number)),
            _ => Err(QueueError::malformed("the answer of spend_quota.lua", "spent or unsure", word)),
        }
    }
}
