//! Jobs are taken out of what waits, by some who die in the middle.

use super::{Verdict, World};
use crate::{
    bed::RETENTION,
    model::{
        raw,
        snapshot::Snapshot,
        step::{At, MINUTE_MS},
    },
};
use purgeline_core::JobId;
use purgeline_queue::CancelState;

impl World<'_> {
    /// Whether a job is there and nobody has heard that it has ended: one that has is not cancelled.
    pub(super) fn is_open(&self, job: usize) -> bool {
        let asked = &self.jobs[job];
        !asked.gone && !self.ended.iter().any(|(ended, _)| *ended == asked.id)
    }

    /// An operator cancels a job at each of its targets. `dies`: at the first, after so many slices
    /// of what waits there.
    pub(super) async fn cancel(&mut self, job: usize, dies: Option<usize>) -> Verdict {
        let asked = self.jobs[job].clone();
        for at in asked.to.iter().filter(|at| !asked.cancelled.contains(at)) {
            if let Some(slices) = dies {
                return self.begin_cancel(*at, asked.id, slices).await;
            }
            if self.cancel_at(*at, asked.id).await? == CancelState::Absent {
                self.jobs[job].cancelled.insert(*at);
                let (name, items) = (&self.targets[*at].name, asked.items.len() as u64);
                let ended =
                    self.queue.produce().cancel_part(asked.id, name, items, &RETENTION).await.unwrap();
                if let Some(state) = ended {
                    self.job_ended(asked.id, state)?;
                }
            }
        }
        Ok(())
    }

    async fn cancel_at(&mut self, at: At, job: JobId) -> Verdict<CancelState> {
        let target = self.targets[at].clone();
        let expected = self.expect_refusal(at, job).await?;
        let plan = self.queue.operate().cancel(&target, job, "why", &RETENTION, true).await.unwrap();
        let done = self.queue.operate().cancel(&target, job, "why", &RETENTION, false).await.unwrap();
        let found = Snapshot::take(&self.queue, &target).await?;
        let (cancelled, gone) = self.models[at].withdraw(job, &found)?;
        let over = found.parts[&job].state != "active";
        let expected =
            if expected == CancelState::Cancelling && over { CancelState::Ended } else { expected };
        ensure!(
            (done.state, done.cancelled, done.gone) == (expected, cancelled, gone),
            "{done:?}, expected {expected:?}: {cancelled} items, {gone} records"
        );
        ensure!(plan.cancelled == cancelled, "{plan:?}, but {done:?}");
        ensure!(!self.models[at].waits_for(job), "{job} was cancelled, but still waits");
        Ok(done.state)
    }

    async fn begin_cancel(&mut self, at: At, job: JobId, slices: usize) -> Verdict {
        let (now, target) = (self.now(), self.targets[at].clone());
        self.expect_refusal(at, job).await?;
        raw::cancel(&self.queue, &target, now, job, slices).await;
        let found = Snapshot::take(&self.queue, &target).await?;
        self.models[at].withdraw(job, &found).map(|_| ())
    }

    /// What a cancel will find, before it goes through what waits: a part that has not been counted
    /// to its end, or none, is refused from now on.
    async fn expect_refusal(&mut self, at: At, job: JobId) -> Verdict<CancelState> {
        let now = self.now();
        let found = Snapshot::take(&self.queue, &self.targets[at]).await?;
        let (state, items) = found.parts.get(&job).map_or(("", 0), |part| (part.state.as_str(), part.items));
        if items > 0 && state != "active" {
            return Ok(CancelState::Ended);
        }
        if items > 0 || !self.models[at].parts.contains_key(&job) {
            self.models[at].refuse(job, now);
        }
        Ok(if items == 0 { CancelState::Absent } else { CancelState::Cancelling })
    }

    /// Somebody goes on with cancels that nobody has gone on with for a minute.
    pub(super) async fn resume_cancels(&mut self, at: At) -> Verdict {
        let now = self.now();
        let since = |since: i64| since <= now - MINUTE_MS;
        let parts = &self.models[at].parts;
        let overdue: Vec<_> = parts
            .iter()
            .filter(|(_, part)| part.cancelling.is_some_and(since))
            .map(|(job, _)| *job)
            .collect();
        let resumed = self.queue.work().resume_cancels(&self.targets[at], &RETENTION).await.unwrap();
        ensure!(resumed == overdue.len(), "{resumed} cancels were resumed, not {overdue:?}");
        let found = Snapshot::take(&self.queue, &self.targets[at]).await?;
        let model = &mut self.models[at];
        for job in overdue {
            model.withdraw(job, &found)?;
            ensure!(!model.waits_for(job), "{job} was cancelled, but still waits");
            if let Some(part) = model.parts.get_mut(&job) {
                part.cancelling = Some(now);
            }
        }
        Ok(())
    }
}
