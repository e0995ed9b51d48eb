//! Parts of jobs that do not add up: what waits is counted, what lacks is purged again.

use super::attempt::{Repair, Tried};
use crate::{
    Job, QueueError, Record, Timing, audit::verify::damage::PartSeen, redis::scripts, work::lease::read_item,
};
use purgeline_core::{Item, JobId, Priority, Target};
use redis::AsyncTypedCommands;
use std::collections::{BTreeSet, HashMap};

/// Most items put back for one part: as many as a job keeps the names of.
const MOST_BACK: usize = 100;

/// An item that a part may lack.
struct Candidate {
    name: String,
    lane: String,
}

/// A part as it should be.
#[derive(Debug, PartialEq, Eq)]
struct Right {
    enqueued: u64,
    items: u64,
    succeeded: u64,
    failed: u64,
    cancelled: u64,
    /// How many of the candidates are put back, the first ones.
    back: u64,
    /// Items that nobody knows the names of.
    lost: u64,
}

impl Right {
    /// What agrees with what waits. `candidates`: items that neither wait nor are known to have
    /// failed. Where it is not known which of them were purged, they are all purged again.
    fn of(seen: &PartSeen, waits: u64, candidates: u64) -> Self {
        let PartSeen { mut enqueued, mut items, mut succeeded, mut failed, mut cancelled, .. } = *seen;
        let there = seen.counts().settled() + waits;
        if enqueued > items {
            enqueued = enqueued.min(there.max(items));
        }
        enqueued = enqueued.max(waits);
        items = items.max(enqueued);
        // Too many are said to have settled.
        let mut excess = there.saturating_sub(enqueued);
        for count in [&mut succeeded, &mut failed, &mut cancelled] {
            let less = excess.min(*count);
            *count -= less;
            excess -= less;
        }
        let missing = enqueued.saturating_sub(succeeded + failed + cancelled + waits);
        let (mut back, mut lost) = (0, 0);
        if missing > 0 {
            let unsure = succeeded + missing;
            back = candidates.min(unsure);
            succeeded = succeeded.min(unsure - back);
            lost = unsure - back - succeeded;
        }
        Self { enqueued, items, succeeded, failed, cancelled, back, lost }
    }
}

impl Repair<'_> {
    pub(super) async fn part(
        &self,
        target: &Target,
        id: JobId,
        seen: &PartSeen,
        waits: u64,
    ) -> Result<Tried, QueueError> {
        let job = self.queue.job(id, std::slice::from_ref(target)).await?;
        let candidates = match &job {
            Some(job) => self.candidates(target, job).await?,
            None => Vec::new(),
        };
        let right = Right::of(seen, waits, candidates.len() as u64);
        let back = &candidates[..usize::try_from(right.back).unwrap_or_default().min(candidates.len())];
        let fields = [seen.enqueued, seen.items, seen.succeeded, seen.failed, seen.cancelled];
        let seen: Vec<_> = std::iter::once(seen.state.clone()).chain(fields.map(|n| n.to_string())).collect();
        self.write(target, id, &seen, &right, job.as_ref(), back).await
    }

    /// A part for items that wait for a job that has none.
    pub(super) async fn new_part(&self, target: &Target, id: JobId, items: u64) -> Result<Tried, QueueError> {
        let job = self.queue.job(id, &[]).await?;
        let right = Right { enqueued: items, items, succeeded: 0, failed: 0, cancelled: 0, back: 0, lost: 0 };
        self.write(target, id, &vec![String::new(); 6], &right, job.as_ref(), &[]).await
    }

    async fn write(
        &self,
        target: &Target,
        id: JobId,
        seen: &[String],
        right: &Right,
        job: Option<&Job>,
        back: &[Candidate],
    ) -> Result<Tried, QueueError> {
        let mut script = self.script(&scripts::MEND_PART, target);
        script
            .arg(id.to_string())
            .arg(self.retention.succeeded_ms)
            .arg(self.retention.failed_ms)
            .arg(self.retention.max_dead_letters)
            .arg(seen);
        let Right { enqueued, items, succeeded, failed, cancelled, lost, .. } = right;
        for count in [enqueued, items, succeeded, failed, cancelled, lost] {
            script.arg(*count);
        }
        script
            .arg(job.map_or(Priority::Normal, |job| job.priority).as_str())
            .arg(job.and_then(|job| job.source.as_deref()).unwrap_or_default());
        let timing = job.map(|job| job.timing).unwrap_or_default();
        script.arg(entry_of(id, timing)).arg(timing.not_before_ms.unwrap_or_default());
        for candidate in back {
            script.arg(&candidate.name).arg(&candidate.lane);
        }
        let mut done = format!(
            "it has {items} items: {succeeded} succeeded, {failed} failed, {cancelled} cancelled, {} wait",
            enqueued.saturating_sub(succeeded + failed + cancelled + lost)
        );
        if !back.is_empty() {
            done += &format!(", {} of them to be purged again", back.len());
        }
        if *lost > 0 {
            done += &format!(
                ", and {lost} count as failed, since nobody knows their names (a dead letter says so)"
            );
        }
        self.once(&script, &done).await
    }

    /// The items of a job that do not wait for it at a target and are not among its dead letters;
    /// none if the job does not keep all their names.
    async fn candidates(&self, target: &Target, job: &Job) -> Result<Vec<Candidate>, QueueError> {
        if job.first_items.len() as u64 != job.items || job.first_items.len() > MOST_BACK {
            return Ok(Vec::new());
        }
        let mut dead = BTreeSet::new();
        for id in job.parts.get(&target.name).map(|part| part.dead.as_slice()).unwrap_or_default() {
            dead.extend(self.queue.dead_letter(target, id).await?.map(|letter| letter.item));
        }
        let (mut names, mut candidates) = (BTreeSet::new(), Vec::new());
        for (item, wished) in job.first_items.iter().filter_map(|name| Item::from_name(name)) {
            let Some((action, lane)) = (self.route)(target, &item, wished, job.priority) else { continue };
            let name = item.name(action);
            if dead.contains(&name) || !names.insert(name.clone()) || self.waits(target, &name, job).await? {
                continue;
            }
            candidates.push(Candidate { name, lane: lane.to_string() });
        }
        Ok(candidates)
    }

    /// Whether a job waits for an item at a target, in a record or a batch.
    async fn waits(&self, target: &Target, name: &str, job: &Job) -> Result<bool, QueueError> {
        let queue = self.queue;
        let keys = queue.keys();
        let embargoed = job.timing.not_before_ms.map(|at| (keys.embargoed(target), format!("{at} {name}")));
        for (hash, name) in [(keys.pending(target), name.to_owned())].into_iter().chain(embargoed) {
            if let Some(text) = queue.manager().hget(hash, &name).await?
                && let Ok(record) = Record::parse(&name, &text)
                && self.names(&record, &keys.waiters(target, &name), job).await?
            {
                return Ok(true);
            }
        }
        let holders = queue.manager().hget(keys.inflight(target), name).await?.unwrap_or_default();
        for batch in holders.split(',').filter(|batch| !batch.is_empty()) {
            let fields: HashMap<String, String> = queue.manager().hgetall(keys.batch(target, batch)).await?;
            for (index, text) in
                fields.iter().filter(|(name, _)| name.bytes().all(|byte| byte.is_ascii_digit()))
            {
                let Ok(item) = read_item(batch, index, text) else { continue };
                let list = keys.waiters(target, format_args!("{batch}:{index}"));
                if item.item.name(item.action) == name && self.names(&item.record, &list, job).await? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Whether a record, or its list, names a job.
    async fn names(&self, record: &Record, list: &str, job: &Job) -> Result<bool, QueueError> {
        if record.jobs.contains(&job.id) {
            return Ok(true);
        }
        let mut find = redis::cmd("LPOS");
        find.arg(list).arg(entry_of(job.id, job.timing));
        Ok(record.more_jobs && find.query_async::<Option<u64>>(&mut self.queue.manager()).await?.is_some())
    }
}

/// What stands in a record for a waiting job.
fn entry_of(id: JobId, timing: Timing) -> String {
    timing.expires_at_ms.map_or(id.to_string(), |at| format!("{id}!{at}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seen(enqueued: u64, items: u64, [succeeded, failed, cancelled]: [u64; 3]) -> PartSeen {
        PartSeen { state: "active".to_owned(), enqueued, items, succeeded, failed, cancelled }
    }

    #[test]
    fn each_lack_has_its_remedy() {
        let right = |enqueued, items, settled, waits, candidates| {
            let Right { enqueued, items, succeeded, failed, back, lost, .. } =
                Right::of(&seen(enqueued, items, settled), waits, candidates);
            (enqueued, items, succeeded, failed, back, lost)
        };
        assert_eq!(right(4, 4, [0, 0, 0], 3, 1), (4, 4, 0, 0, 1, 0), "one is gone, and known by name");
        assert_eq!(right(4, 4, [0, 0, 0], 3, 0), (4, 4, 0, 0, 0, 1), "one is gone, and nobody knows which");
        assert_eq!(right(4, 4, [2, 0, 0], 1, 3), (4, 4, 0, 0, 3, 0), "it may be any of three");
        assert_eq!(right(4, 4, [2, 1, 0], 0, 1), (4, 4, 2, 1, 1, 0), "the other two are elsewhere");
        assert_eq!(right(4, 4, [1, 0, 0], 4, 0), (4, 4, 0, 0, 0, 0), "more have settled than can have");
        assert_eq!(right(5, 4, [0, 0, 0], 4, 0), (4, 4, 0, 0, 0, 0), "one too many is said to be enqueued");
        assert_eq!(right(4, 3, [0, 0, 0], 4, 0), (4, 4, 0, 0, 0, 0), "it has more items than it says");
        assert_eq!(right(2, 4, [0, 0, 0], 2, 0), (2, 4, 0, 0, 0, 0), "its producer is at it");
    }

    proptest! {
        #[test]
        fn it_adds_up(
            enqueued in 0_u64..20, items in 0_u64..20, settled in proptest::array::uniform3(0_u64..20),
            waits in 0_u64..20, candidates in 0_u64..20,
        ) {
            let right = Right::of(&seen(enqueued, items, settled), waits, candidates);
            prop_assert!(right.enqueued <= right.items && right.back <= candidates);
            let settled = right.succeeded + right.failed + right.cancelled + right.lost;
            prop_assert_eq!(settled + waits + right.back, right.enqueued);
        }
    }
}
