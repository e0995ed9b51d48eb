use crate::{LeasePolicy, Queue, QueueError, Record, record::covers, scripts};
use purgeline_core::{Action, Item, Target};
use redis::Value;
use std::time::Duration;

/// The answer to a worker that asked for work.
#[derive(Clone, Debug)]
pub enum Lease {
    /// Send these.
    Batch(LeasedBatch),
    /// Nothing may go now.
    Wait {
        /// When it is worth asking again without a wake-up; `None`: not known.
        after: Option<Duration>,
        /// Why: `empty`, `linger`, `in_flight`, `tasks`, `rate calls-1000ms`, `quota urls`, `paused`, `broken`,
        /// `delayed` …
        why: String,
    },
}

/// Items that belong to one worker until its lease runs out, to be sent in one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeasedBatch {
    /// Its id at its target, like `b17`.
    pub id: String,
    /// When the lease runs out unless it is renewed, in milliseconds since 1970 by Redis's clock.
    pub deadline_ms: i64,
    /// The head room by which its permits are good, in milliseconds: the policy's, or more while the
    /// fleet has a slow worker.
    pub headroom_ms: u64,
    /// The target's breaker is open: nothing else goes until it is known how this went.
    pub probe: bool,
    /// What to send.
    pub items: Vec<LeasedItem>,
}

/// One item of a leased batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeasedItem {
    /// Its number in the batch, by which it is settled.
    pub index: u32,
    /// The item.
    pub item: Item,
    /// What is done to it.
    pub action: Action,
    /// What is written of it.
    pub record: Record,
    /// Of a dir that covers other items: by what id they say that they wait for it.
    pub covers: Option<String>,
}

impl Queue {
    /// Takes the next batch of a target for `worker`, with the permits of the fleet's limits for
    /// it; or says when to ask again.
    ///
    /// # Errors
    /// When Redis cannot be asked. A lease that was granted but whose answer was lost runs out
    /// and is reaped.
    pub async fn lease(
        &self,
        target: &Target,
        worker: &str,
        policy: &LeasePolicy,
    ) -> Result<Lease, QueueError> {
        // The script asks to be called again when it met nothing but stale hints; it has then
        // removed hundreds of them.
        let policy = policy.on_day(self.given_or_own_time());
        for _ in 0..1000 {
            let mut script = self.script(&scripts::LEASE, target);
            script.arg(worker).arg(&policy);
            let reply: Vec<Value> = self.invoke(&script).await?;
            if let Some(lease) = read_lease(&reply)? {
                return Ok(lease);
            }
        }
        Ok(Lease::Wait { after: Some(Duration::from_millis(10)), why: "stale hints".to_owned() })
    }
}

/// `None`: ask again at once.
fn read_lease(reply: &[Value]) -> Result<Option<Lease>, QueueError> {
    let texts: Vec<String> = reply
        .iter()
        .map(redis::from_redis_value_ref)
        .collect::<Result<_, _>>()
        .map_err(redis::RedisError::from)?;
    let malformed =
        || QueueError::malformed("the answer of lease.lua", "batch, probe, wait or again", &texts);
    match texts.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["again"] => Ok(None),
        ["wait", ms, why] => {
            let ms: u64 = ms.parse().map_err(|_| malformed())?;
            let after = (ms > 0).then(|| Duration::from_millis(ms));
            Ok(Some(Lease::Wait { after, why: why.to_owned() }))
        }
        [word @ ("batch" | "probe"), id, deadline, headroom, _count, ref items @ ..] => {
            let items = read_items(id, items)?;
            let deadline_ms = deadline.parse().map_err(|_| malformed())?;
            Ok(Some(Lease::Batch(LeasedBatch {
                id: id.to_owned(),
                deadline_ms,
                headroom_ms: headroom.parse().map_err(|_| malformed())?,
                probe: word == "probe",
                items,
            })))
        }
        _ => Err(malformed()),
    }
}

fn read_items(batch: &str, texts: &[&str]) -> Result<Vec<LeasedItem>, QueueError> {
    let mut items = Vec::with_capacity(texts.len() / 3);
    for chunk in texts.chunks_exact(3) {
        items.push(read_item(batch, chunk[0], chunk[2])?);
    }
    items.sort_by_key(|item| item.index);
    Ok(items)
}

/// One field of a batch: its number, and `<record> item=<name>`.
pub(crate) fn read_item(batch: &str, index: &str, value: &str) -> Result<LeasedItem, QueueError> {
    let malformed =
        || QueueError::malformed(format!("batch {batch}, item {index}"), "a record and item=", value);
    let (record, name) = value.split_once(" item=").ok_or_else(malformed)?;
    let (item, action) = Item::from_name(name).ok_or_else(malformed)?;
    Ok(LeasedItem {
        index: index.parse().map_err(|_| malformed())?,
        item,
        action,
        record: Record::parse(&format!("batch {batch}, item {index}"), record)?,
        covers: covers(record).map(str::to_owned),
    })
}
