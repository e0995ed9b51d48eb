//! What workers do to confirm, to stay alive, and to let the jobs hear.

use super::{Verdict, World, settlement, worker_name};
use crate::{
    bed::RETENTION,
    model::{
        breaker_model::Probe,
        coverage::Cover,
        queue_model::{Batch, Ended, State},
        raw,
        rules::{POLL_LEASE_MS, POLLED},
        snapshot::Snapshot,
        step::{At, By, LEASE_MS, Outcome},
    },
};
use purgeline_core::{JobId, JobState, PartCounts, Receipt};
use purgeline_queue::Polls;

impl World<'_> {
    pub(super) async fn submitted(&mut self, at: At, id: &str, by: By, poll_ms: u64) -> Verdict {
        let (mut worker, mut owned) = self.speaker(at, id, by);
        let now = self.now();
        let mut first = owned;
        // Who says it a second time has lost the lease by saying it the first time.
        if let Some(State::Submitted { worker: before, .. }) =
            self.models[at].batches.get(id).map(|b| b.state)
        {
            worker = worker_name(if by == By::Owner { before } else { before + 1 });
            (owned, first) = (by == By::Owner, false);
        }
        let receipt = Receipt(format!("receipt {id}"));
        let kept =
            self.queue.work().submitted(&self.targets[at], id, &worker, &receipt, poll_ms).await.unwrap();
        ensure!(kept == owned, "{worker} said that {id} is submitted: {kept}, owned {owned}");
        if first {
            let batch = self.models[at].batches.get_mut(id).unwrap();
            let State::Leased { worker, .. } = batch.state else { return Err("not leased".into()) };
            batch.state =
                State::Submitted { worker, poll_at: now + i64::try_from(poll_ms).unwrap(), since: now };
        }
        Ok(())
    }

    pub(super) async fn settle(
        &mut self,
        at: At,
        id: &str,
        outcomes: &[(u32, Outcome)],
        drained: bool,
    ) -> Verdict {
        let (now, target) = (self.now(), &self.targets[at]);
        let settlements: Vec<_> =
            outcomes.iter().map(|(index, outcome)| (*index, settlement(*outcome))).collect();
        let items = if drained {
            self.queue.work().settle(target, id, &settlements, &RETENTION).await.unwrap().items
        } else {
            raw::settle(&self.queue, target, now, id, outcomes).await
        };
        let known = self.models[at].batches.contains_key(id);
        let ends_cover = outcomes.iter().any(|(index, outcome)| {
            let sent = Cover::Sent { batch: id.to_owned(), index: *index };
            *outcome == Outcome::Done && self.models[at].covers.values().any(|cover| *cover == sent)
        });
        let expected = self.models[at].settle(id, outcomes, now)?;
        ensure!(items == expected, "{items} items of {id} were settled, not {expected}");
        if known && !self.models[at].batches.contains_key(id) {
            self.gone.push((at, id.to_owned()));
        }
        if drained && outcomes.iter().any(|(_, outcome)| *outcome == Outcome::Done) {
            let found = Snapshot::take(&self.queue, &self.targets[at]).await?;
            let model = &mut self.models[at];
            let settles = ends_cover && model.settles_covered();
            model.expire(&found, now);
            model.see_covers(&found, now)?;
            ensure!(
                !settles || !model.settles_covered(),
                "a dir of {id} was purged, but what it covered waits"
            );
        }
        Ok(())
    }

    pub(super) async fn split(&mut self, at: At, id: &str) -> Verdict {
        let after = Snapshot::take(&self.queue, &self.targets[at]).await?;
        let halves = self.models[at].halves(id);
        let batch = self.models[at].batches.remove(id).unwrap();
        let leased = batch.leased;
        for index in batch.items.keys() {
            self.models[at].end_cover(id, *index, &Cover::Released);
        }
        self.gone.push((at, id.to_owned()));
        let mut ids: Vec<_> = after
            .batches
            .iter()
            .filter(|(_, batch)| batch.split_of.as_deref() == Some(id))
            .map(|(id, _)| id.clone())
            .collect();
        ids.sort_by_key(|id| (id.len(), id.clone()));
        let halves: Vec<_> = halves.into_iter().filter(|half| !half.is_empty()).collect();
        ensure!(ids.len() == halves.len(), "{id} was split into {ids:?}");
        for (id, half) in ids.into_iter().zip(halves) {
            let items = half.into_iter().enumerate();
            let items = items.map(|(at, item)| (u32::try_from(at).unwrap() + 1, item)).collect();
            self.models[at]
                .batches
                .insert(id, Batch { state: State::Ready, leased, items, is_half: true, heard: None });
        }
        Ok(())
    }

    pub(super) async fn poll(&mut self, at: At, put_off_ms: u64) -> Verdict {
        let now = self.now();
        let due = match self.queue.work().due_polls(&self.targets[at], &self.rules.poll_policy).await.unwrap()
        {
            Polls::Due(due) => due.polls,
            Polls::Wait { .. } => Vec::new(),
        };
        let stopped = self.questions_stopped(at);
        let model = &mut self.models[at];
        let is_due =
            |batch: &Batch| matches!(batch.state, State::Submitted { poll_at, .. } if poll_at <= now);
        let expected = model.batches.values().filter(|batch| is_due(batch)).count().min(POLLED);
        let expected = if stopped { 0 } else { expected };
        ensure!(due.len() == expected, "{} polls are due, not {expected}", due.len());
        if !due.is_empty() {
            let until = now + i64::try_from(POLL_LEASE_MS).unwrap();
            model.probe_by(Probe::Question { until });
        }
        let mut asked = Vec::new();
        for poll in due {
            let batch = model.batches.get_mut(&poll.batch).ok_or(format!("no batch {}", poll.batch))?;
            ensure!(is_due(batch), "{} is asked about, but not due", poll.batch);
            ensure!(poll.receipt.0 == format!("receipt {}", poll.batch), "{:?}", poll.receipt);
            let State::Submitted { worker, since, .. } = batch.state else { continue };
            let names: Vec<_> = poll.items.iter().map(|item| item.item.name(item.action)).collect();
            let expected: Vec<_> = batch.items.values().map(|(name, _)| name.clone()).collect();
            ensure!(names == expected, "{} holds {expected:?}, asked about {names:?}", poll.batch);
            // As if the worker died, unless the answer is to be put off.
            let later = if put_off_ms > 20 { put_off_ms } else { POLL_LEASE_MS };
            batch.state = State::Submitted { worker, poll_at: now + i64::try_from(later).unwrap(), since };
            asked.push(poll.batch);
        }
        if put_off_ms > 20 {
            self.queue.work().put_off(&self.targets[at], &asked, put_off_ms).await.unwrap();
            if !asked.is_empty() {
                self.models[at].breaker.returns_poll();
            }
        }
        Ok(())
    }

    pub(super) async fn renew(&mut self, at: At, worker: usize) -> Verdict {
        let now = self.now();
        let ids: Vec<_> = self.models[at].batches.keys().cloned().chain(["b0".to_owned()]).collect();
        let lease_ms = u64::try_from(LEASE_MS).unwrap();
        let lost =
            self.queue.work().renew(&self.targets[at], &worker_name(worker), lease_ms, &ids).await.unwrap();
        let mut expected = Vec::new();
        for id in ids {
            match self.models[at].batches.get_mut(&id).map(|batch| &mut batch.state) {
                Some(State::Leased { worker: owner, deadline }) if *owner == worker => {
                    *deadline = now + LEASE_MS;
                }
                _ => expected.push(id),
            }
        }
        ensure!(lost == expected, "lost {lost:?}, expected {expected:?}");
        Ok(())
    }

    pub(super) async fn reap(&mut self, at: At, most: usize) -> Verdict {
        let now = self.now();
        let over = |batch: &Batch| matches!(batch.state, State::Leased { deadline, .. } if deadline <= now);
        let expected = self.models[at].batches.values().filter(|batch| over(batch)).count().min(most);
        let reaped = self.queue.work().reap(&self.targets[at], most).await.unwrap();
        ensure!(reaped.len() == expected, "{reaped:?} were reaped, not {expected}");
        for reaped in reaped {
            let batch = self.models[at].batches.get(&reaped.batch).ok_or(format!("no {reaped:?}"))?;
            ensure!(over(batch), "{reaped:?} was reaped before its time");
            let items = self.take_back(at, &reaped.batch, 1);
            ensure!(reaped.items == items as u64, "{reaped:?} held {items} items");
        }
        Ok(())
    }

    pub(super) async fn carry(&mut self, at: At) -> Verdict {
        for (job, state) in self.queue.work().carry_outbox(&self.targets[at], &RETENTION).await.unwrap() {
            self.job_ended(job, state)?;
        }
        Ok(())
    }

    /// A job was said to have ended: for the first time, when all of it has, and as it has.
    pub(super) fn job_ended(&mut self, job: JobId, state: JobState) -> Verdict {
        ensure!(!self.ended.iter().any(|(ended, _)| *ended == job), "job {job} ended twice");
        let expected = self.state_of(job);
        ensure!(expected == Some(state), "job {job} ended {state}, expected {expected:?}");
        self.ended.push((job, state));
        Ok(())
    }

    /// How a job has ended; `None` while it has not.
    pub(super) fn state_of(&self, job: JobId) -> Option<JobState> {
        let asked = self.jobs.iter().find(|asked| asked.id == job)?;
        let mut all = PartCounts::default();
        for at in &asked.to {
            let items = asked.items.len() as u64;
            all = all.plus(if asked.cancelled.contains(at) {
                PartCounts { items, cancelled: items, ..PartCounts::default() }
            } else {
                let part = self.models[*at].parts.get(&job).filter(|part| part.items > 0 && part.over())?;
                PartCounts {
                    items: part.items as u64,
                    succeeded: part.count(Ended::Succeeded),
                    failed: part.count(Ended::Failed),
                    cancelled: part.count(Ended::Expired) + part.count(Ended::Cancelled),
                }
            });
        }
        Some(all.state())
    }
}
