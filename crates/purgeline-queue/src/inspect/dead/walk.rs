use crate::{
    DeadFilter, DeadLetter, InspectQueue, QueueError,
    redis::{ordered::Ordered, store::Store},
};
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
    pages: Ordered,
}

impl InspectQueue {
    /// Walks the dead letters of a target.
    #[must_use]
    pub fn walk_dead<'a>(&self, target: &'a Target, filter: &'a DeadFilter) -> DeadWalk<'a> {
        let newest = match filter.before_ms {
            Some(before) => format!("({before}"),
            None => "+inf".to_owned(),
        };
        let oldest = filter.from_ms.map_or_else(|| "-inf".to_owned(), |from| from.to_string());
        let pages = Ordered::newest_first(self.store.keys().dead(target), newest, oldest);
        DeadWalk { queue: self.store.clone(), target, filter, pages }
    }
}

impl DeadWalk<'_> {
    /// The next letters, newest first: those that the filter takes of the next few hundred, so
    /// that there may be none in the middle of the walk. `None` at its end.
    ///
    /// # Errors
    /// When Redis cannot be asked, or holds something else.
    pub async fn next(&mut self) -> Result<Option<Vec<DeadLetter>>, QueueError> {
        let page = self.pages.next(&self.queue, SLICE).await?;
        if page.is_empty() {
            return Ok(None);
        }
        let ids: Vec<_> = page.into_iter().map(|(id, _)| id).collect();
        let mut letters = Vec::new();
        for slice in ids.chunks(SLICE) {
            letters.extend(self.queue.read_letters(self.target, slice).await?);
        }
        letters.retain(|letter| self.filter.takes(letter));
        Ok(Some(letters))
    }
}
