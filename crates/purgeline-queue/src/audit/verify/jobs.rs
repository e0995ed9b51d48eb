use super::{damage::Damage, read::AT_ONCE, violation::Violation};
use crate::{
    AuditQueue, Part, QueueError,
    redis::scan::{PAGE, Scan},
    work::abandoned_job::ABANDONED_MS,
};
use futures::{StreamExt, TryStreamExt, stream};
use purgeline_core::{JobId, JobState, PartCounts, Target, TargetName};
use redis::{AsyncTypedCommands, streams::StreamRangeReply};
use std::collections::{BTreeSet, HashSet};

/// How long workers have for closing a job whose producer stayed away, in milliseconds: an hour.
const CLOSED_MS: i64 = 3_600_000;

impl AuditQueue {
    /// Each job is over exactly when its parts are, or word of it is on its way.
    pub(super) async fn verify_jobs(
        &self,
        targets: &[Target],
        found: &mut BTreeSet<Violation>,
    ) -> Result<(), QueueError> {
        let words = self.words(targets).await?;
        let overdue_ms = self.store.now_ms().await? - ABANDONED_MS - CLOSED_MS;
        let page = isize::try_from(PAGE).unwrap_or(isize::MAX);
        for from in (0..).step_by(PAGE) {
            let ids: Vec<String> =
                self.store.manager().zrange(self.store.keys().jobs(), from, from + page - 1).await?;
            if ids.is_empty() {
                break;
            }
            let ids = ids.iter().filter_map(|id| id.parse::<JobId>().ok());
            let mut jobs = stream::iter(ids).map(|id| self.store.job(id, targets)).buffered(AT_ONCE);
            while let Some(job) = jobs.try_next().await? {
                let Some(job) = job else { continue };
                let id = job.id;
                let all = job.parts.values().fold(PartCounts::default(), |sum, part| sum.plus(part.counts));
                let over =
                    job.parts.values().all(|part| part.counts.items > 0 && part.counts.state().is_terminal());
                let expected = if over { all.state() } else { JobState::Active };
                let is_undelivered = |name: &TargetName, part: &Part| {
                    part.counts.items == 0 && targets.iter().any(|target| target.name == *name)
                };
                if job.state == JobState::Active
                    && job.submitted_ms < overdue_ms
                    && job.parts.iter().any(|(name, part)| is_undelivered(name, part))
                {
                    let damage = Damage::Undelivered { key: self.store.keys().job(id), job: id };
                    found.insert(Violation::new("-", damage));
                }
                let word_under_way = words.contains(&id);
                if job.state != expected && !(word_under_way && job.state == JobState::Active) {
                    let damage = Damage::JobState {
                        key: self.store.keys().job(id),
                        job: id,
                        state: job.state,
                        expected,
                    };
                    found.insert(Violation::new("-", damage));
                }
            }
        }
        Ok(())
    }

    /// The jobs that word is on its way to: in an outbox; or somebody has begun to reopen their
    /// parts, whose ends are said again if he dies.
    async fn words(&self, targets: &[Target]) -> Result<HashSet<JobId>, QueueError> {
        let mut words = HashSet::new();
        for target in targets {
            let key = self.store.keys().outbox(target);
            let mut from = "-".to_owned();
            loop {
                let page: StreamRangeReply =
                    self.store.manager().xrange_count(&key, &from, "+", PAGE).await?;
                let Some(last) = page.ids.last() else { break };
                from = format!("({}", last.id);
                let jobs = page.ids.iter().filter_map(|entry| entry.get::<String>("job"));
                words.extend(jobs.filter_map(|job| job.parse::<JobId>().ok()));
            }
            let mut reopening = Scan::sorted(&self.store.keys().reopening(target));
            while let Some(page) = reopening.next(&self.store).await? {
                words.extend(page.iter().filter_map(|(job, _)| job.parse::<JobId>().ok()));
            }
        }
        Ok(words)
    }
}
