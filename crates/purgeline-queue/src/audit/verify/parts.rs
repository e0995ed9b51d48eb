use super::{
    damage::{Damage, PartSeen},
    read::AT_ONCE,
    walk::Walk,
};
use crate::{QueueError, redis::scan::PAGE, work::outbox::Word};
use futures::future::try_join_all;
use purgeline_core::JobId;
use redis::AsyncTypedCommands;
use redis::streams::StreamRangeReply;
use std::collections::BTreeMap;

/// Word that nobody has carried for so long, in milliseconds, is stuck: workers carry it within
/// seconds, unless none has run all the while.
const CARRIED_MS: i64 = 600_000;

impl Walk<'_> {
    /// Each part's items add up, and it is over when they have settled. May be given a part twice.
    pub(super) async fn parts(&mut self, ids: &[String]) -> Result<(), QueueError> {
        for some in ids.chunks(AT_ONCE) {
            let fields =
                try_join_all(some.iter().map(|id| self.fields(self.keys().part(self.target, id)))).await?;
            // One may have ended since its name was read.
            for (id, fields) in some.iter().zip(fields).filter(|(_, fields)| !fields.is_empty()) {
                let Ok(job) = id.parse::<JobId>() else {
                    self.wrong(Damage::PartName { id: id.clone() });
                    continue;
                };
                let seen = PartSeen::read(&fields);
                if seen.enqueued != seen.items {
                    self.announced.insert(job, i128::from(seen.items) - i128::from(seen.enqueued));
                }
                if seen.enqueued < seen.items && !self.submitting.contains(id) {
                    let PartSeen { enqueued, items, .. } = seen;
                    self.wrong(Damage::Unannounced { job, enqueued, items });
                }
                self.part(job, seen);
            }
        }
        Ok(())
    }

    /// What must hold of all parts together; to be called when all have been looked at.
    pub(super) fn all_parts(&mut self) {
        let announced = self.announced.values().sum();
        self.compare("announced", announced);
        for (job, items) in std::mem::take(&mut self.waiting) {
            if !self.has_part.contains(&job) {
                self.wrong(Damage::NoPart { job, items });
            }
        }
    }

    fn part(&mut self, job: JobId, seen: PartSeen) {
        let waits = self.waiting.get(&job).copied().unwrap_or_default();
        if waits > 0 {
            self.has_part.insert(job);
        }
        if seen.counts().settled() + waits != seen.enqueued {
            self.wrong(Damage::PartCounts { job, seen: seen.clone(), waits });
        }
        if seen.enqueued > seen.items {
            self.wrong(Damage::PartItems { job, seen: seen.clone(), waits });
        }
        // A cancel came before anything of the job did.
        let refused = seen.state == "cancelled" && seen.items == 0;
        if seen.state != seen.counts().state().as_str() && !refused {
            self.wrong(Damage::PartState { job, seen, waits });
        }
    }

    /// What happened at the target can be carried on to whoever must hear of it, and is.
    pub(super) async fn outbox(&mut self) -> Result<(), QueueError> {
        let key = self.keys().outbox(self.target);
        // By Redis's own clock, as the entries' ids are.
        let (seconds, _): (i64, i64) = redis::cmd("TIME").query_async(&mut self.queue.manager()).await?;
        let mut from = "-".to_owned();
        loop {
            let page: StreamRangeReply = self.queue.manager().xrange_count(&key, &from, "+", PAGE).await?;
            let Some(last) = page.ids.last() else { return Ok(()) };
            from = format!("({}", last.id);
            for entry in page.ids {
                let since_ms = entry.id.split('-').next().and_then(|ms| ms.parse().ok()).unwrap_or(i64::MAX);
                if let Err(error) = Word::read(&key, &entry) {
                    self.wrong(Damage::OutboxEntry { id: entry.id, error: error.to_string() });
                } else if seconds.saturating_mul(1000).saturating_sub(since_ms) > CARRIED_MS {
                    self.wrong(Damage::OutboxWaits { id: entry.id, since_ms });
                }
            }
        }
    }
}

impl PartSeen {
    fn read(fields: &BTreeMap<String, String>) -> Self {
        let number = |name: &str| fields.get(name).and_then(|text| text.parse().ok()).unwrap_or_default();
        Self {
            state: fields.get("state").cloned().unwrap_or_default(),
            enqueued: number("enqueued"),
            items: number("items"),
            succeeded: number("succeeded"),
            failed: number("failed"),
            cancelled: number("cancelled"),
        }
    }
}
