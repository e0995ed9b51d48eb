use async_trait::async_trait;
use purgeline_core::{Action, Cause, Class, Item, PollReport, Receipt, Signal, Submission};
use serde::Serialize;
use std::fmt::Debug;

/// An API that can purge: one value for each target, made by its registry entry from the
/// target's settings. It signs, builds, sends and parses; it keeps no queue state and knows no
/// Redis. Chunking, rates, retries and schedules are the caller's, from the
/// [`Descriptor`](purgeline_core::Descriptor). Its `Debug` output holds no secrets.
#[async_trait]
pub trait Provider: Debug + Send + Sync + 'static {
    /// Makes one call that purges these items, which fit in one call by the provider's limits.
    ///
    /// Never fails: what went wrong is each item's [`Outcome`](purgeline_core::Outcome) and the
    /// target's [`Signal`](purgeline_core::Signal)s. A timeout after sending is a retry, since
    /// purges are idempotent.
    async fn submit(&self, call: &Call<'_>) -> Submission;

    /// Asks how accepted batches fare: at most
    /// [`batches_per_call`](purgeline_core::PollSchedule::batches_per_call) of them, in one
    /// question to the provider (or its pages). Never fails, as [`submit`](Self::submit).
    ///
    /// A provider without a poll schedule is never asked, and need not answer.
    async fn poll(&self, open: &[OpenBatch]) -> PollReport {
        let _ = open;
        PollReport::default()
    }

    /// Asks what is left of the day's quotas: [`Signal::QuotaLeft`] for each kind that the
    /// provider tells of, and whatever else the answer tells about the whole target. Nothing where
    /// it has no such question, or cannot be asked now. Asked at start and now and then.
    async fn quota(&self) -> Vec<Signal> {
        Vec::new()
    }

    /// Lists what the provider says of its caches, for a person to read. Few providers can be
    /// asked.
    ///
    /// # Errors
    /// Why there is nothing to read; the code `not-offered` where it cannot be asked at all.
    async fn cache_listing(&self) -> Result<Vec<CacheEntry>, Cause> {
        Err(Cause::new(Class::ItemDead, "not-offered", "this provider does not list what it caches"))
    }
}

/// A cache as its provider describes it (seed 000: one for each user and device).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CacheEntry {
    /// Whose cache it is. Where the provider names users by their tokens, which are secrets, a
    /// fingerprint that tells them apart.
    pub user: String,
    /// The device that holds it.
    pub device: String,
    /// When it was last synchronised, as the provider writes it.
    pub sync_datetime: String,
    /// Moves when its contents do; `None` where the provider gives none.
    pub version: Option<i64>,
    /// The same, as a tag.
    pub etag: String,
}

/// The items of one call.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The batch's id, for logs and for providers that take an idempotency reference.
    pub batch: &'a str,
    /// At least one, at most what the limits allow.
    pub items: &'a [CallItem],
}

/// One item of a call, and what is done to it. Items of one kind in one call have one action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallItem {
    /// The item.
    pub item: Item,
    /// Its action, already folded to those that the provider tells apart.
    pub action: Action,
}

/// An accepted batch whose end is not known for all of its items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenBatch {
    /// The batch's id.
    pub batch: String,
    /// What the provider gave for it.
    pub receipt: Receipt,
    /// All items of the batch, in the order of the call.
    pub items: Vec<CallItem>,
    /// For each item, whether it still waits to be settled; the others need no answer.
    pub open: Vec<bool>,
    /// When the provider accepted it, in milliseconds since 1970 (UTC).
    pub submitted_at_ms: i64,
}

impl OpenBatch {
    /// The items that still wait, each with its position in the batch.
    pub fn waiting(&self) -> impl Iterator<Item = (usize, &CallItem)> {
        let is_open = |at: usize| self.open.get(at).copied().unwrap_or(false);
        self.items.iter().enumerate().filter(move |(at, _)| is_open(*at))
    }
}
