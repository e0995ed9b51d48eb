//! The listing of caches, and what can be concluded from it.

use super::types::{Entry, short_hash};
use crate::CacheEntry;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Caches whose marks are kept. With more than these the marks would outgrow a receipt.
const MAX_MARKS: usize = 128;

/// What version and etag each cache had: a short hash of whose it is, and one of the two.
///
/// Movement proves that some cache of those listed was synchronised anew between two listings. The
/// listing names no resource (seed 000), so it does not prove which one; and a cache whose
/// contents were the same may not move at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Marks(BTreeMap<String, String>);

/// Reads a listing; `None` if it is none.
pub(super) fn read(body: &str) -> Option<Vec<CacheEntry>> {
    let entries: Vec<Entry> = serde_json::from_str(body).ok()?;
    Some(entries.into_iter().map(Entry::shown).collect())
}

impl Marks {
    /// Of the caches that were synchronised last, where there are many.
    pub(super) fn of(entries: &[CacheEntry]) -> Self {
        let mut entries: Vec<_> = entries.iter().collect();
        entries.sort_by(|one, other| other.sync_datetime.cmp(&one.sync_datetime));
        let mark = |entry: &CacheEntry| {
            let whose = short_hash(&format!("{}\0{}", entry.user, entry.device));
            (whose, short_hash(&format!("{:?}\0{}", entry.version, entry.etag)))
        };
        Self(entries.into_iter().take(MAX_MARKS).map(mark).collect())
    }

    /// Whether a cache that was there before has another version or etag now.
    pub(super) fn moved_since(&self, before: &Self) -> bool {
        self.0.iter().any(|(whose, mark)| before.0.get(whose).is_some_and(|before| before != mark))
    }
}
