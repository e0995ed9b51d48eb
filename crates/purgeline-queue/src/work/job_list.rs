use super::abandoned_job::ABANDONED_MS;
use crate::{
    QueueError, Retention, WorkQueue,
    redis::ordered::{Ordered, Place},
};
use futures::future::try_join_all;
use purgeline_core::{JobId, JobState, Target};
use redis::AsyncTypedCommands;
use std::time::{Duration, Instant};

/// Ids read at a time.
const SLICE: usize = 200;
/// One walk over the list ends after this time even if there is more to remove.
const LONGEST: Duration = Duration::from_secs(5);
/// Jobs that one walk looks at, among those older than the bound, although none of the last slice
/// could be removed.
const LOOKED_AT: usize = 5_000;
/// Between two walks of the fleet.
const TURN_MS: u64 = 60_000;

/// What a walk over the list of jobs did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tended {
    /// Entries that were removed: of jobs that are no longer kept, of those beyond the bound, and
    /// what is no job's id.
    pub removed: usize,
    /// Jobs whose producers stayed away: what never came is closed.
    pub abandoned: Vec<JobId>,
}

/// What becomes of an entry of the list.
enum Fate {
    Stays,
    Goes,
    /// Its producer may have stayed away.
    IsOld(JobId),
}

impl WorkQueue {
    /// Whether it is time for a walk over the list of jobs ([`tend_jobs`](Self::tend_jobs)), and
    /// nobody else in the fleet has begun one for a minute.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn takes_turn_at_jobs(&self) -> Result<bool, QueueError> {
        let mut take = redis::cmd("SET");
        take.arg(self.store.keys().jobs_turn()).arg(1).arg("NX").arg("PX").arg(TURN_MS);
        Ok(take.query_async::<Option<String>>(&mut self.store.manager()).await?.is_some())
    }

    /// Walks on over the list of jobs, the oldest first, from where the last walk ended, and at its
    /// end from the beginning:
    ///
    /// - Entries go whose jobs are no longer kept, and those that are no job's id.
    /// - Jobs that are older than the newest `retention.max_jobs` go when they have ended. Jobs that
    ///   are active stay however many they are.
    /// - Deliveries that never came to one of these targets, since the job's producer has stayed
    ///   away for a day, are closed.
    ///
    /// Looks at 200 jobs, and goes on for at most five seconds as long as it finds entries that go.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn tend_jobs(&self, targets: &[Target], retention: &Retention) -> Result<Tended, QueueError> {
        let (begun, now_ms) = (Instant::now(), self.store.now_ms().await?);
        let (mut tended, mut looked) = (Tended::default(), 0);
        let mut place = self.walked_to().await?;
        loop {
            let kept_from = self.kept_from(retention.max_jobs).await?;
            if looked == 0
                && let (Some((_, at)), Some(kept_from)) = (&place, kept_from)
                && *at >= kept_from
            {
                // The oldest go first.
                place = None;
            }
            let page =
                Ordered::oldest_first(self.store.keys().jobs(), place).next(&self.store, SLICE).await?;
            let fates = try_join_all(page.iter().map(|place| self.fate(place, kept_from, now_ms))).await?;
            let mut gone = Vec::new();
            for ((id, _), fate) in page.iter().zip(fates) {
                match fate {
                    Fate::Stays => {}
                    Fate::Goes => gone.push(id),
                    Fate::IsOld(id) => {
                        if self.store.close_undelivered(id, targets, retention).await? {
                            tended.abandoned.push(id);
                        }
                    }
                }
            }
            if !gone.is_empty() {
                tended.removed += self.store.manager().zrem(self.store.keys().jobs(), &gone).await?;
            }
            looked += page.len();
            let is_at_end = page.len() < SLICE;
            let older_may_go = |(_, at): &Place| kept_from.is_some_and(|kept_from| *at < kept_from);
            let goes_on = !gone.is_empty() || (page.last().is_some_and(older_may_go) && looked < LOOKED_AT);
            place = page.last().filter(|_| !is_at_end).cloned();
            self.walk_on_from(place.as_ref()).await?;
            if is_at_end || !goes_on || begun.elapsed() > LONGEST {
                return Ok(tended);
            }
        }
    }

    /// The score of the oldest of the newest `max_jobs` entries; `None` if there are no more.
    async fn kept_from(&self, max_jobs: u64) -> Result<Option<f64>, QueueError> {
        let (mut redis, key) = (self.store.manager(), self.store.keys().jobs());
        let over = redis.zcard(&key).await?.saturating_sub(usize::try_from(max_jobs).unwrap_or(usize::MAX));
        if over == 0 {
            return Ok(None);
        }
        let at = isize::try_from(over).unwrap_or(isize::MAX);
        let first = redis.zrange_withscores(&key, at, at).await?;
        // With `max_jobs` 0 none is kept.
        Ok(Some(first.first().map_or(f64::INFINITY, |(_, score)| *score)))
    }

    async fn fate(&self, (id, at): &Place, kept_from: Option<f64>, now_ms: i64) -> Result<Fate, QueueError> {
        let Ok(id) = id.parse::<JobId>() else { return Ok(Fate::Goes) };
        let Some(state) = self.store.glance_at(id).await?.state else { return Ok(Fate::Goes) };
        if state == JobState::Active.as_str() {
            // Times in ms are exact in a double.
            let is_old = *at < (now_ms - ABANDONED_MS) as f64;
            return Ok(if is_old { Fate::IsOld(id) } else { Fate::Stays });
        }
        if kept_from.is_some_and(|kept_from| *at < kept_from) {
            self.store.manager().del(self.store.keys().job(id)).await?;
            return Ok(Fate::Goes);
        }
        Ok(Fate::Stays)
    }

    /// Where the last walk ended.
    async fn walked_to(&self) -> Result<Option<Place>, QueueError> {
        let text = self.store.manager().get(self.store.keys().jobs_walked()).await?;
        let place = |text: String| {
            let (score, id) = text.split_once(' ')?;
            Some((id.to_owned(), score.parse().ok()?))
        };
        Ok(text.and_then(place))
    }

    async fn walk_on_from(&self, place: Option<&Place>) -> Result<(), QueueError> {
        let key = self.store.keys().jobs_walked();
        match place {
            Some((id, score)) => self.store.manager().set(key, format!("{score} {id}")).await?,
            None => drop(self.store.manager().del(key).await?),
        }
        Ok(())
    }
}
