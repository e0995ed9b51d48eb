use crate::{InspectQueue, QueueError, QuotaPolicy, QuotaUse, RateUse, TargetStats, WorkerInfo};
use futures::future::try_join_all;
use purgeline_core::{Rate, Target, TargetName};
use redis::{AsyncTypedCommands, streams::StreamRangeReply};
use serde::Serialize;
use std::collections::BTreeMap;

/// Everything at a glance, as it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// When it was taken, in milliseconds since 1970 by Redis's clock.
    pub at_ms: i64,
    /// The targets, in the order asked for.
    pub targets: Vec<TargetSnapshot>,
    /// The workers that are alive, by name.
    pub workers: Vec<WorkerInfo>,
    /// The latest events, newest first.
    pub events: Vec<Event>,
}

/// A target to look at, and what bounds it.
#[derive(Clone, Debug)]
pub struct Watched {
    /// The target.
    pub target: Target,
    /// The windows of its account.
    pub rates: Vec<Rate>,
    /// The quotas of its account's day.
    pub quotas: QuotaPolicy,
}

/// A target at a glance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TargetSnapshot {
    /// Its name.
    pub target: String,
    /// In numbers.
    #[serde(flatten)]
    pub stats: TargetStats,
    /// How much of its account's limits is used.
    pub rates: Vec<RateUse>,
    /// What is left of its account's quotas, those by host apart.
    pub quotas: Vec<QuotaUse>,
}

/// Something that happened: a job ended, a dead letter, a hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// At which target.
    pub target: Option<TargetName>,
    /// `job_ended`, `dead_letter`, `held`, `released` …
    pub what: String,
    /// Whatever else was said of it: `job`, `state`, `item`, `code` …
    pub fields: BTreeMap<String, String>,
}

impl InspectQueue {
    /// Everything at a glance: some targets with the use of their limits and quotas, the workers, and the
    /// `events` latest events. Asks for a few numbers of each target, all at once, whatever the
    /// number of items.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn watch(&self, targets: &[Watched], events: usize) -> Result<Snapshot, QueueError> {
        let (targets, workers, events, at_ms) = futures::try_join!(
            try_join_all(targets.iter().map(|target| self.glance(target))),
            self.workers(),
            self.latest_events(events),
            self.store.now_ms(),
        )?;
        Ok(Snapshot { at_ms, targets, workers, events })
    }

    async fn glance(&self, watched: &Watched) -> Result<TargetSnapshot, QueueError> {
        let Watched { target, rates, quotas } = watched;
        let (stats, rates, quotas) = futures::try_join!(
            self.stats(target),
            self.rates(target, rates),
            self.account_quotas(target, quotas)
        )?;
        Ok(TargetSnapshot { target: target.name.to_string(), stats, rates, quotas })
    }

    /// The latest events, newest first, at most `most`.
    async fn latest_events(&self, most: usize) -> Result<Vec<Event>, QueueError> {
        let reply: StreamRangeReply =
            self.store.manager().xrevrange_count(self.store.keys().events(), "+", "-", most).await?;
        Ok(reply.ids.into_iter().map(read_event).collect())
    }
}

fn read_event(entry: redis::streams::StreamId) -> Event {
    let mut fields: BTreeMap<String, String> = entry
        .map
        .into_iter()
        .filter_map(|(name, value)| Some((name, redis::from_redis_value(value).ok()?)))
        .collect();
    let written = entry.id.split('-').next().and_then(|ms| ms.parse().ok());
    Event {
        at_ms: fields.remove("at").and_then(|text| text.parse().ok()).or(written).unwrap_or_default(),
        target: fields.remove("target").and_then(|name| name.parse().ok()),
        what: fields.remove("what").unwrap_or_default(),
        fields,
    }
}
