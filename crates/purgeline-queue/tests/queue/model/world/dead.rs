//! Dead letters are retried, by some who are slow or die in the middle, and dropped.

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
use std::collections::BTreeSet;

/// Somebody who has begun to retry dead letters, and has not done it.
#[derive(Clone, Debug)]
pub(super) struct Slow {
    at: At,
    ids: Vec<String>,
    promises: Vec<(JobId, u64)>,
}

impl World<'_> {
    /// So many letters of one target, the same ones again if there are fewer.
    fn pick_letters(&self, first: usize, count: usize) -> Option<(At, Vec<String>)> {
        let known = |at: At| self.models[at].letters.keys().map(move |id| (at, id.clone()));
        let mut all: Vec<_> = known(0).chain(known(1)).collect();
        let first = first.checked_rem(all.len())?;
        let at = all[first].0;
        all.rotate_left(first);
        let ids = all.into_iter().filter(|(of, _)| *of == at).map(|(_, id)| id).collect::<Vec<_>>();
        Some((at, ids.iter().cycle().take(count).cloned().collect()))
    }

    /// `dies`: in the middle, when so many jobs have been told.
    pub(super) async fn retry_dead(
        &mut self,
        first: usize,
        count: usize,
        room: u64,
        dies: Option<usize>,
    ) -> Verdict {
        let Some((at, ids)) = self.pick_letters(first, count) else { return Ok(()) };
        let target = self.targets[at].clone();
        if let Some(told) = dies {
            let promises = raw::reopen(&self.queue, &target, self.now(), &ids).await;
            self.said_again.extend(promises.iter().map(|(job, _)| *job));
            self.tell(at, &promises[..told.min(promises.len())]).await;
            self.slow.push(Slow { at, ids, promises });
            return Ok(());
        }
        self.count_all_of(at, &ids).await?;
        self.check_plan(at, &ids[0]).await?;
        let model = &self.models[at];
        let named = ids.iter().flat_map(|id| &model.letters[id].units).map(|unit| unit.job);
        let over: BTreeSet<_> = named.filter(|job| model.parts[job].over()).collect();
        let before = model.waiting();
        let answer = self.queue.operate().retry_dead(&target, &ids, room, &RETENTION).await.unwrap();
        for job in over {
            self.reopened(job);
        }
        let (retried, stay) = self.see_retried(at, &ids).await?;
        let gone = (ids.len() - stay) as u64 - retried;
        ensure!(
            (answer.retried, answer.no_room, answer.gone) == (retried, stay as u64, gone),
            "{answer:?}, but {retried} of {ids:?} are gone and {stay} stay"
        );
        let (model, room) = (&self.models[at], usize::try_from(room).unwrap());
        ensure!(model.waiting() <= before.max(room), "{} wait, room {room}", model.waiting());
        for letter in ids.iter().filter_map(|id| model.letters.get(id)) {
            let full = model.waiting() >= room && !model.pending.contains_key(&letter.name);
            ensure!(full, "{letter:?} stays, but {} wait, room {room}", model.waiting());
        }
        Ok(())
    }

    /// All jobs hear how they have ended, and then all dead letters are retried. False: there are none.
    pub(super) async fn retry_all(&mut self) -> Verdict<bool> {
        let mut any = false;
        for at in 0..2 {
            self.carry(at).await?;
            let first = if at == 0 { 0 } else { self.models[0].letters.len() };
            let count = self.models[at].letters.len();
            if count > 0 {
                self.retry_dead(first, count, u64::from(u16::MAX), None).await?;
                any = true;
            }
            self.check().await?;
        }
        Ok(any)
    }

    /// One who was slow goes on where he was.
    pub(super) async fn go_on_retrying(&mut self, which: usize, room: u64) -> Verdict {
        if self.slow.is_empty() {
            return Ok(());
        }
        let Slow { at, ids, promises } = self.slow.remove(which % self.slow.len());
        self.tell(at, &promises).await;
        let known: Vec<_> = ids.iter().map(|id| self.models[at].letters.contains_key(id)).collect();
        let answers = raw::retry(&self.queue, &self.targets[at], self.now(), &ids, &promises, room).await;
        let (retried, _) = self.see_retried(at, &ids).await?;
        let said = answers.iter().filter(|answer| *answer == "retried").count() as u64;
        ensure!(said == retried, "{answers:?}, but {retried} of {ids:?} are gone");
        for ((id, known), answer) in ids.iter().zip(known).zip(&answers) {
            ensure!(known || answer == "gone", "{id} is gone, but {answer}");
        }
        Ok(())
    }

    /// Letters that are there no more have been retried. Gives how many, and how many of the asked
    /// ones stay.
    async fn see_retried(&mut self, at: At, ids: &[String]) -> Verdict<(u64, usize)> {
        self.step += 1;
        let (now, step) = (self.now(), self.step);
        let found = Snapshot::take(&self.queue, &self.targets[at]).await?;
        let model = &mut self.models[at];
        let asked: BTreeSet<_> = ids.iter().collect();
        let mut retried = 0;
        for id in asked {
            if model.letters.contains_key(id) && !found.letters.contains(id) {
                model.retry(id, now, step);
                retried += 1;
            }
        }
        Ok((retried, ids.iter().filter(|id| found.letters.contains(*id)).count()))
    }

    /// A retry counts first what was left of its letters' jobs. What that would change besides, is
    /// changed before: what has expired goes, and parts that are being cancelled end.
    async fn count_all_of(&mut self, at: At, ids: &[String]) -> Verdict {
        let (now, target) = (self.now(), self.targets[at].clone());
        raw::drain(&self.queue, &target, now, 0).await;
        let model = &self.models[at];
        let mut parts =
            ids.iter().flat_map(|id| &model.letters[id].units).map(|unit| &model.parts[&unit.job]);
        if model.settles_covered() || parts.any(|part| part.cancelling.is_some() && part.over()) {
            self.queue.work().drain(&target, &RETENTION).await.unwrap();
        }
        let found = Snapshot::take(&self.queue, &target).await?;
        self.models[at].expire(&found, now);
        self.models[at].see_covers(&found, now)?;
        self.models[at].see_ends(&found);
        Ok(())
    }

    async fn check_plan(&self, at: At, id: &str) -> Verdict {
        let letter =
            self.queue.inspect().dead_letter(&self.targets[at], id).await.unwrap().ok_or("no letter")?;
        let plan = self.queue.operate().plan_retry(&self.targets[at], &letter).await.unwrap();
        let model = &self.models[at];
        let known = &model.letters[id];
        ensure!(letter.item == known.name, "{letter:?}, expected {known:?}");
        ensure!(plan.joins == model.pending.contains_key(&known.name), "{plan:?} of {known:?}");
        let left_out = known.units.iter().any(|unit| model.parts[&unit.job].cancelling.is_some());
        // Of a hot item's jobs those that have not been counted are not named yet.
        let agrees =
            if letter.more_jobs { plan.left_out == 0 || left_out } else { (plan.left_out > 0) == left_out };
        ensure!(agrees, "{plan:?} of {known:?}");
        Ok(())
    }

    /// Jobs hear that parts of them are about to be reopened.
    async fn tell(&mut self, at: At, promises: &[(JobId, u64)]) {
        for promise in promises {
            if raw::reopen_job(&self.queue, &self.targets[at], *promise).await {
                self.reopened(promise.0);
            }
        }
    }

    /// A job is active again, if it had ended.
    fn reopened(&mut self, job: JobId) {
        self.ended.retain(|(ended, _)| *ended != job);
        self.said_again.insert(job);
    }

    pub(super) async fn drop_dead(&mut self, first: usize, count: usize) -> Verdict {
        let Some((at, ids)) = self.pick_letters(first, count) else { return Ok(()) };
        let dropped = self.queue.operate().drop_dead(&self.targets[at], &ids).await.unwrap();
        let expected = ids.iter().filter(|id| self.models[at].letters.remove(*id).is_some()).count();
        ensure!(dropped == expected as u64, "{dropped} of {ids:?} were dropped, not {expected}");
        Ok(())
    }

    /// Those who have been slow for so long are dead, and their jobs end as they had.
    pub(super) async fn repeat_ends(&mut self, at: At) -> Verdict {
        self.queue.work().repeat_ends(&self.targets[at], &RETENTION).await.unwrap();
        Ok(())
    }

    /// Whoever has begun a retry or a cancel and has not done it is dead now: another follows.
    pub(super) async fn follow_the_dead(&mut self) -> Verdict {
        self.slow.clear();
        self.apply(&super::Step::Pass { ms: MINUTE_MS }).await?;
        for at in 0..2 {
            self.take(&super::Step::RepeatEnds { at }).await?;
        }
        for job in 0..self.jobs.len() {
            let id = self.jobs[job].id;
            let begun =
                self.models.iter().any(|model| model.parts.get(&id).is_some_and(|part| part.cancelled));
            if begun && self.is_open(job) {
                self.cancel(job, None).await?;
                self.check().await?;
            }
        }
        Ok(())
    }
}
