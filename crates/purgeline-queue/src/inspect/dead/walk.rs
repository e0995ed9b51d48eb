use crate::{DeadFilter, DeadLetter, InspectQueue, QueueError, redis::store::Store};
use purgeline_core::Target;

/// Letters read at a time.
const SLICE: usize = 200;

/// A walk over the dead letters of a target, newest first, a bounded number a call to Redis. What
/// becomes a letter while it walks, or is no more, does not disturb it.
#[derive(Debug)]
pub struct DeadWalk<'a> {
    queue: Store,
    target: &'a Target,
    filter: &'a DeadFilter,
    /// The last one seen.
    at: Option<(f64, String)>,
}

impl InspectQueue {
    /// Walks the dead letters of a target.
    #[must_use]
    pub fn walk_dead<'a>(&self, target: &'a Target, filter: &'a DeadFilter) -> DeadWalk<'a> {
        DeadWalk { queue: self.store.clone(), target, filter, at: None }
    }
}

impl DeadWalk<'_> {
    /// The next letters, newest first: those that the filter takes of the next few hundred, so
    /// that there may be none in the middle of the walk. `None` at its end.
    ///
    /// # Errors
    /// When Redis cannot be asked, or holds something else.
    pub async fn next(&mut self) -> Result<Option<Vec<DeadLetter>>, QueueError> {
        let key = self.queue.keys().dead(self.target);
        let mut redis = self.queue.manager();
        let mut newest = match self.filter.before_ms {
            Some(before) => format!("({before}"),
            None => "+inf".to_owned(),
        };
        let mut most = SLICE;
        if let Some((score, _)) = &self.at {
            // Those that failed in the same millisecond come again.
            newest = score.to_string();
            let mut count = redis::cmd("ZCOUNT");
            let same: usize = count.arg(&key).arg(&newest).arg(&newest).query_async(&mut redis).await?;
            most += same;
        }
        let oldest = self.filter.from_ms.map_or_else(|| "-inf".to_owned(), |from| from.to_string());
        let mut range = redis::cmd("ZREVRANGEBYSCORE");
        range.arg(&key).arg(&newest).arg(&oldest).arg("WITHSCORES").arg("LIMIT").arg(0).arg(most);
        let mut found: Vec<(String, f64)> = range.query_async(&mut redis).await?;
        if let Some((score, id)) = &self.at {
            found.retain(|(other, at)| at < score || other < id);
        }
        let Some((id, score)) = found.last().cloned() else { return Ok(None) };
        self.at = Some((score, id));
        let ids: Vec<_> = found.into_iter().map(|(id, _)| id).collect();
        let mut letters = Vec::new();
        for slice in ids.chunks(SLICE) {
            letters.extend(self.queue.read_letters(self.target, slice).await?);
        }
        letters.retain(|letter| self.filter.takes(letter));
        Ok(Some(letters))
    }
}
