use crate::{InspectQueue, QueueError, Record, TargetStats, inspect::holds::read_holds};
use purgeline_core::Target;
use redis::AsyncTypedCommands;
use std::collections::{BTreeMap, HashMap};

/// Lanes that are shown.
const LANES: isize = 64;
/// Counters that the scripts keep for themselves, of no meaning to a reader.
const INTERNAL: [&str; 5] = ["seq", "dirs", "under_way", "last_return", "announced"];

/// Counters, lanes, holds and the account's throttle, as Redis keeps them.
type Texts = (HashMap<String, String>, Vec<String>, HashMap<String, String>, Option<String>);

impl InspectQueue {
    /// A target in numbers. Takes three round trips, however many lanes there are: one for the
    /// numbers, one for the lanes, one for the record of the oldest item.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn stats(&self, target: &Target) -> Result<TargetStats, QueueError> {
        // Sent at once: all are on their way before the first is answered.
        let (numbers, (counters, lanes, holds, throttled), now) =
            futures::try_join!(self.numbers(target), self.texts(target), self.store.now_ms())?;
        let [pending, delayed, embargoed, in_batches, in_flight, open, ready, outbox, dead] = numbers;
        let (lanes, oldest) = self.lane_lengths(target, lanes).await?;
        let oldest_ms = match oldest {
            Some(name) => self.asked_ms(target, &name).await?,
            None => None,
        };
        Ok(TargetStats {
            pending,
            delayed,
            embargoed,
            in_batches,
            in_flight,
            open_batches: open,
            ready_batches: ready,
            dead_letters: dead,
            outbox,
            lanes,
            oldest_ms,
            holds: read_holds(&self.store.keys().hold(target), holds, throttled, now)?,
            counters: read_counters(counters),
        })
    }

    async fn numbers(&self, target: &Target) -> Result<[u64; 9], QueueError> {
        let keys = self.store.keys();
        let mut pipe = redis::pipe();
        pipe.hlen(keys.pending(target))
            .zcard(keys.delayed(target))
            .hlen(keys.embargoed(target))
            .hlen(keys.inflight(target));
        pipe.zcard(keys.leases(target))
            .zcard(keys.polls(target))
            .llen(keys.ready(target))
            .xlen(keys.outbox(target));
        pipe.zcard(keys.dead(target));
        Ok(pipe.query_async(&mut self.store.manager()).await?)
    }

    async fn texts(&self, target: &Target) -> Result<Texts, QueueError> {
        let keys = self.store.keys();
        let mut pipe = redis::pipe();
        pipe.hgetall(keys.stats(target)).zrange(keys.lanes(target), 0, LANES - 1);
        pipe.hgetall(keys.hold(target)).get(keys.throttled(target));
        Ok(pipe.query_async(&mut self.store.manager()).await?)
    }

    /// The hints of each lane, and the first item of the first lane that has one.
    async fn lane_lengths(
        &self,
        target: &Target,
        lanes: Vec<String>,
    ) -> Result<(Vec<(String, u64)>, Option<String>), QueueError> {
        if lanes.is_empty() {
            return Ok((Vec::new(), None));
        }
        let mut pipe = redis::pipe();
        for lane in &lanes {
            let key = self.store.keys().lane(target, lane);
            pipe.llen(&key).lindex(&key, 0);
        }
        let answers: Vec<Option<String>> = pipe.query_async(&mut self.store.manager()).await?;
        let length = |answer: &Option<String>| answer.as_deref().and_then(|text| text.parse().ok());
        let oldest = answers.chunks(2).find_map(|pair| pair.get(1).cloned().flatten());
        let lengths = answers.iter().step_by(2).map(|answer| length(answer).unwrap_or_default());
        Ok((lanes.into_iter().zip(lengths).collect(), oldest))
    }

    /// When an item that waits was first asked for.
    async fn asked_ms(&self, target: &Target, name: &str) -> Result<Option<i64>, QueueError> {
        let key = self.store.keys().pending(target);
        let text = self.store.manager().hget(&key, name).await?;
        text.map(|text| Ok(Record::parse(&key, &text)?.since_ms)).transpose()
    }
}

fn read_counters(counters: HashMap<String, String>) -> BTreeMap<String, u64> {
    counters
        .into_iter()
        .filter(|(name, _)| !INTERNAL.contains(&name.as_str()))
        .filter_map(|(name, text)| Some((name, text.parse().ok()?)))
        .collect()
}
