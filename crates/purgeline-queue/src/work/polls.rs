use crate::{
    LeasedItem, PollPolicy, QueueError, WorkQueue, policy::json, redis::scripts, work::lease::read_item,
};
use purgeline_core::{Receipt, Target};
use redis::Value;
use std::time::Duration;

/// The answer to a worker that asked what to ask the provider about.
#[derive(Clone, Debug)]
pub enum Polls {
    /// Ask about these.
    Due(DuePolls),
    /// Nothing may be asked now.
    Wait {
        /// When it is worth asking again; `None`: not known.
        after: Option<Duration>,
        /// Why.
        why: String,
    },
}

/// Open batches that one question may be about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DuePolls {
    /// The head room by which its permit is good, in milliseconds: the policy's, or more while the
    /// fleet has a slow worker.
    pub headroom_ms: u64,
    /// The batches.
    pub polls: Vec<DuePoll>,
}

/// An open batch whose next question is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DuePoll {
    /// Its id at its target.
    pub batch: String,
    /// What the provider gave for it.
    pub receipt: Receipt,
    /// When it was accepted, in milliseconds since 1970 by Redis's clock.
    pub submitted_at_ms: i64,
    /// Questions so far, this one included.
    pub polls: u32,
    /// The items that have not settled.
    pub items: Vec<LeasedItem>,
}

impl WorkQueue {
    /// Takes the open batches of a target whose question is due. If this worker dies, they are
    /// due again after the policy's lease.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn due_polls(&self, target: &Target, policy: &PollPolicy) -> Result<Polls, QueueError> {
        let mut script = self.store.script(&scripts::POLLS, target);
        script.arg(json(policy));
        let reply: Vec<Value> = self.store.invoke(&script).await?;
        let texts: Vec<String> = reply
            .iter()
            .map(redis::from_redis_value_ref)
            .collect::<Result<_, _>>()
            .map_err(redis::RedisError::from)?;
        read_polls(&texts)
    }

    /// Sets when open batches are next asked about, in milliseconds from now.
    ///
    /// # Errors
    /// When Redis cannot be asked; they are then due after the poll's lease.
    pub async fn put_off(
        &self,
        target: &Target,
        batches: &[String],
        after_ms: u64,
    ) -> Result<(), QueueError> {
        if batches.is_empty() {
            return Ok(());
        }
        let mut script = self.store.script(&scripts::PUT_OFF, target);
        script.arg(after_ms).arg(batches);
        let _: u64 = self.store.invoke(&script).await?;
        Ok(())
    }
}

fn read_polls(texts: &[String]) -> Result<Polls, QueueError> {
    let malformed = || QueueError::malformed("the answer of polls.lua", "polls or wait", texts);
    let number = |text: &str| text.parse::<u64>().map_err(|_| malformed());
    match texts {
        [word, ms, why] if word == "wait" => {
            let ms = number(ms)?;
            Ok(Polls::Wait { after: (ms > 0).then(|| Duration::from_millis(ms)), why: why.clone() })
        }
        [word, headroom, rest @ ..] if word == "polls" => {
            let headroom_ms = number(headroom)?;
            let mut polls = Vec::new();
            let mut rest = rest;
            while let [batch, receipt, submitted_at, asked, count, after @ ..] = rest {
                let fields = usize::try_from(number(count)?).map_err(|_| malformed())? * 2;
                let (items, next) = after.split_at_checked(fields).ok_or_else(malformed)?;
                let mut items = items
                    .chunks_exact(2)
                    .map(|pair| read_item(batch, &pair[0], &pair[1]))
                    .collect::<Result<Vec<_>, _>>()?;
                items.sort_by_key(|item| item.index);
                polls.push(DuePoll {
                    batch: batch.clone(),
                    receipt: Receipt(receipt.clone()),
                    submitted_at_ms: submitted_at.parse().map_err(|_| malformed())?,
                    polls: asked.parse().map_err(|_| malformed())?,
                    items,
                });
                rest = next;
            }
            Ok(Polls::Due(DuePolls { headroom_ms, polls }))
        }
        _ => Err(malformed()),
    }
}
