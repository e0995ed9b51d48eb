use crate::{
    Hold, InspectQueue, LeasedItem, QueueError, Record, redis::store::Store, work::lease::read_item,
};
use purgeline_core::{Action, Item, Kind, Lane, Target, ancestors};
use redis::AsyncTypedCommands;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// Hints of a lane that are looked at for one item.
pub const LOOKED_AT: u64 = 10_000;

/// An item that waits, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PendingItem {
    /// Its name: `url:https://www.example.com/a`.
    pub name: String,
    /// What is written of it.
    #[serde(flatten)]
    pub record: Record,
}

/// Where a batch stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BatchState {
    /// A worker has it and calls the provider.
    Leased,
    /// It came of a split and waits to be leased.
    Ready,
    /// The provider accepted it and is asked how it fares.
    Submitted,
}

/// The dir that an item waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoveringDir {
    /// The dir.
    pub dir: Item,
    /// The batch that has it; `None`: it waits.
    pub batch: Option<String>,
}

/// A batch as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchView {
    /// Its id at its target.
    pub id: String,
    /// Where it stands.
    pub state: BatchState,
    /// The worker that leased it.
    pub worker: Option<String>,
    /// When it was leased, in milliseconds since 1970.
    pub leased_at_ms: Option<i64>,
    /// What the provider gave for it.
    pub receipt: Option<String>,
    /// When the provider accepted it, in milliseconds since 1970.
    pub submitted_at_ms: Option<i64>,
    /// When its lease runs out unless its worker renews it, or when it is asked about next, in
    /// milliseconds since 1970.
    pub due_ms: Option<i64>,
    /// Questions asked about it.
    pub polls: u32,
    /// The items that have not settled.
    pub items: Vec<LeasedItem>,
}

/// A target in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TargetStats {
    /// Distinct items that wait, the delayed ones included.
    pub pending: u64,
    /// Items that wait for a due time.
    pub delayed: u64,
    /// Items that wait for the end of an embargo, once for each such time; not among the pending.
    pub embargoed: u64,
    /// Items that a batch holds.
    pub in_batches: u64,
    /// Calls under way.
    pub in_flight: u64,
    /// Accepted batches whose end is not known.
    pub open_batches: u64,
    /// Halves of split batches that wait to be leased.
    pub ready_batches: u64,
    /// Dead letters.
    pub dead_letters: u64,
    /// What happened and has not been carried on yet: ended parts that their jobs have not heard
    /// of, events.
    pub outbox: u64,
    /// Lanes with something in them, the first to go first, each with its hints.
    pub lanes: Vec<(String, u64)>,
    /// When the oldest item of the first lane was asked for, in milliseconds since 1970.
    pub oldest_ms: Option<i64>,
    /// What is held.
    pub holds: Vec<Hold>,
    /// Counters since the beginning: `jobs`, `jobs_ended`, `asked`, `joined`, `covered`, `leased` (batches),
    /// `succeeded`, `failed`, `retried`, `reaped`, `expired`, `rebounds`, `rebounds_skipped` (items) …
    pub counters: BTreeMap<String, u64>,
}

impl InspectQueue {
    /// An item that waits at a target; `None` if it does not.
    ///
    /// # Errors
    /// When Redis cannot be asked, or holds no record there.
    pub async fn pending_item(
        &self,
        target: &Target,
        item: &Item,
        action: Action,
    ) -> Result<Option<PendingItem>, QueueError> {
        let (key, name) = (self.store.keys().pending(target), item.name(action));
        let Some(text) = self.store.manager().hget(&key, &name).await? else { return Ok(None) };
        Ok(Some(PendingItem { record: Record::parse(&format!("{key} {name}"), &text)?, name }))
    }

    /// The dir above an item that is to purge it, which this record of the item tells of. `None` if it
    /// waits for none, or no longer and is about to return to its lane.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn covering_dir(
        &self,
        target: &Target,
        item: &Item,
        action: Action,
        record: &Record,
    ) -> Result<Option<CoveringDir>, QueueError> {
        let (keys, mut redis) = (self.store.keys(), self.store.manager());
        let Some(id) = record.covered_by() else { return Ok(None) };
        if let Some(name) = redis.hget(keys.coverages(target), id).await? {
            return Ok(Item::from_name(&name).map(|(dir, _)| CoveringDir { dir, batch: None }));
        }
        for dir in ancestors(item) {
            let dir = Item::from_normalized(Kind::Dir, dir);
            for batch in self.batches_of(target, &dir, action).await? {
                let Some(view) = self.batch(target, &batch).await? else { continue };
                if view.items.iter().any(|item| item.covers.as_deref() == Some(id)) {
                    return Ok(Some(CoveringDir { dir, batch: Some(batch) }));
                }
            }
            // One that waits for a wider dir itself takes along what it covers.
            let pending = self.pending_item(target, &dir, action).await?;
            if let Some(wider) = pending.as_ref().and_then(|dir| dir.record.covered_by()) {
                let list = keys.covered(target, wider);
                let listed = redis::cmd("LPOS").arg(list).arg(format!("@{id}")).to_owned();
                if listed.query_async::<Option<u64>>(&mut redis).await?.is_some() {
                    return Ok(Some(CoveringDir { dir, batch: None }));
                }
            }
        }
        Ok(None)
    }

    /// The batch that holds an item at a target, the last one if several do; `None` if none does.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn batch_of(
        &self,
        target: &Target,
        item: &Item,
        action: Action,
    ) -> Result<Option<String>, QueueError> {
        Ok(self.batches_of(target, item, action).await?.pop())
    }

    /// The batches that hold an item at a target, in the order in which they took it: each request
    /// that came after one was leased gets a call of its own.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn batches_of(
        &self,
        target: &Target,
        item: &Item,
        action: Action,
    ) -> Result<Vec<String>, QueueError> {
        let holders =
            self.store.manager().hget(self.store.keys().inflight(target), item.name(action)).await?;
        Ok(holders.map(|holders| holders.split(',').map(str::to_owned).collect()).unwrap_or_default())
    }

    /// How many items stand before one in its lane, as far as hints tell: some may be stale.
    /// `None` if it stands in none, or more than [`LOOKED_AT`] do.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn items_before(
        &self,
        target: &Target,
        item: &Item,
        action: Action,
        lane: &Lane,
    ) -> Result<Option<u64>, QueueError> {
        let mut position = redis::cmd("LPOS");
        position.arg(self.store.keys().lane(target, lane)).arg(item.name(action));
        Ok(position.arg("MAXLEN").arg(LOOKED_AT).query_async(&mut self.store.manager()).await?)
    }

    /// A batch of a target; `None` if there is none of that id.
    ///
    /// # Errors
    /// When Redis cannot be asked, or holds no batch there.
    pub async fn batch(&self, target: &Target, id: &str) -> Result<Option<BatchView>, QueueError> {
        let key = self.store.keys().batch(target, id);
        let fields: HashMap<String, String> = self.store.manager().hgetall(&key).await?;
        if fields.is_empty() {
            return Ok(None);
        }
        let field = |name: &str| fields.get(name).cloned();
        let state = match field("state").as_deref() {
            Some("leased") => BatchState::Leased,
            Some("ready") => BatchState::Ready,
            Some("submitted") => BatchState::Submitted,
            other => return Err(QueueError::malformed(&key, "state leased, ready or submitted", other)),
        };
        let mut items = fields
            .iter()
            .filter(|(name, _)| name.bytes().all(|byte| byte.is_ascii_digit()))
            .map(|(index, value)| read_item(id, index, value))
            .collect::<Result<Vec<_>, _>>()?;
        items.sort_by_key(|item| item.index);
        let (polls, leases) = (self.store.keys().polls(target), self.store.keys().leases(target));
        let schedule = if state == BatchState::Submitted { polls } else { leases };
        let due = self.store.manager().zscore(schedule, id).await?;
        Ok(Some(BatchView {
            id: id.to_owned(),
            state,
            worker: field("worker"),
            leased_at_ms: field("leased_at").and_then(|text| text.parse().ok()),
            receipt: field("receipt"),
            submitted_at_ms: field("submitted_at").and_then(|text| text.parse().ok()),
            // A time in ms is exact in a double.
            due_ms: due.and_then(|due: f64| format!("{due:.0}").parse().ok()),
            polls: field("polls").and_then(|text| text.parse().ok()).unwrap_or_default(),
            items,
        }))
    }
}

impl Store {
    /// Distinct items that wait at a target, the delayed and the embargoed ones included.
    pub(crate) async fn pending(&self, target: &Target) -> Result<u64, QueueError> {
        let mut redis = self.manager();
        let pending = redis.hlen(self.keys().pending(target)).await?;
        let embargoed = redis.hlen(self.keys().embargoed(target)).await?;
        Ok(count(pending + embargoed))
    }
}

fn count(number: usize) -> u64 {
    // usize is at most 64 bits wide wherever Rust's std runs.
    u64::try_from(number).unwrap_or(u64::MAX)
}
