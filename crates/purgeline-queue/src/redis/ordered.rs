//! Reading a sorted set in order, a page at a time.

use crate::{QueueError, redis::store::Store};

/// Pages of a sorted set. Each begins behind the last member that was given, by score and name, so
/// that members which arrive or go between two pages neither repeat others nor leave them out.
#[derive(Clone, Debug)]
pub(crate) struct Ordered {
    key: String,
    newest_first: bool,
    /// The bounds of the scores, the first page's first.
    from: String,
    to: String,
    last: Option<Place>,
}

/// A member and its score.
pub(crate) type Place = (String, f64);

impl Ordered {
    /// The highest score first; the bounds as Redis reads them.
    pub(crate) fn newest_first(key: String, newest: String, oldest: String) -> Self {
        Self { key, newest_first: true, from: newest, to: oldest, last: None }
    }

    /// The lowest score first, behind a place.
    pub(crate) fn oldest_first(key: String, last: Option<Place>) -> Self {
        Self { key, newest_first: false, from: "-inf".to_owned(), to: "+inf".to_owned(), last }
    }

    /// At least the next `most` members, and those of the last page's score besides; none at the
    /// end.
    pub(crate) async fn next(&mut self, store: &Store, most: usize) -> Result<Vec<Place>, QueueError> {
        let mut redis = store.manager();
        let (mut from, mut count) = (self.from.clone(), most);
        if let Some((_, score)) = &self.last {
            // Those of the same score come again.
            from = score.to_string();
            let mut ask = redis::cmd("ZCOUNT");
            let same: usize = ask.arg(&self.key).arg(&from).arg(&from).query_async(&mut redis).await?;
            count += same;
        }
        let command = if self.newest_first { "ZREVRANGEBYSCORE" } else { "ZRANGEBYSCORE" };
        let mut range = redis::cmd(command);
        range.arg(&self.key).arg(&from).arg(&self.to).arg("WITHSCORES").arg("LIMIT").arg(0).arg(count);
        let mut page: Vec<Place> = range.query_async(&mut redis).await?;
        if let Some(last) = &self.last {
            page.retain(|place| self.is_behind(place, last));
        }
        if let Some(last) = page.last() {
            self.last = Some(last.clone());
        }
        Ok(page)
    }

    /// Redis orders members of one score by their bytes.
    fn is_behind(&self, (name, score): &Place, (last_name, last_score): &Place) -> bool {
        let order = score.total_cmp(last_score).then_with(|| name.cmp(last_name));
        if self.newest_first { order.is_lt() } else { order.is_gt() }
    }
}
