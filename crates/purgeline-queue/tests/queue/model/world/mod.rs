//! The queue and the model side by side: each step is done to both, and then they must agree.

use super::{
    queue_model::{QueueModel, State},
    raw,
    rules::Rules,
    step::{At, By, Held, NAMES, Outcome, Step, Times},
};
use crate::bed::cause;
use jiff::SignedDuration;
use purgeline_core::{Clock, Item, JobId, JobState, ManualClock, Priority, Target};
use purgeline_queue::{HoldName, Queue, Settlement};
use std::collections::{BTreeMap, BTreeSet};

/// What is wrong, in words.
pub(crate) type Verdict<T = ()> = Result<T, String>;

macro_rules! ensure {
    ($holds:expr, $($words:tt)+) => {
        if !$holds {
            return Err(format!($($words)+));
        }
    };
}

mod agree;
mod breaker;
mod cancel;
mod confirm;
mod coverage;
mod dead;
mod produce;
mod quotas;
mod send;

/// A job as its producer has it.
#[derive(Clone, Debug)]
struct Asked {
    id: JobId,
    to: Vec<At>,
    priority: Priority,
    items: Vec<&'static str>,
    chunk: usize,
    /// With times of the clock.
    times: Times,
    /// Targets that were full, when others had taken their part, or that refused it before it came.
    cancelled: BTreeSet<At>,
    /// No target took it.
    gone: bool,
}

/// One call that was sent: when, and how many items of each kind.
#[derive(Clone, Debug)]
struct Sent {
    batch: (At, String),
    at: i64,
    kinds: BTreeMap<purgeline_core::Kind, usize>,
}

pub(crate) struct World<'a> {
    queue: Queue,
    clock: ManualClock,
    rules: &'a Rules,
    targets: [Target; 2],
    models: [QueueModel; 2],
    jobs: Vec<Asked>,
    /// Jobs that were said to have ended, in the order in which that was said; without those that
    /// have been reopened since.
    ended: Vec<(JobId, JobState)>,
    /// Jobs that somebody has begun to reopen: how they ended may be said again.
    said_again: BTreeSet<JobId>,
    /// Those who have begun to retry dead letters, and go on some day or never.
    slow: Vec<dead::Slow>,
    throttled_until: i64,
    sent: Vec<Sent>,
    /// Dirs for which the day had no room when a lease began, at each target.
    no_room: [BTreeSet<String>; 2],
    quotas: quotas::Quotas,
    /// Batches that are gone: somebody may still speak of them.
    gone: Vec<(At, String)>,
    step: u64,
}

impl<'a> World<'a> {
    pub(crate) async fn new(queue: Queue, clock: ManualClock, rules: &'a Rules) -> Self {
        let _: () = redis::cmd("FLUSHALL").query_async(&mut queue.manager()).await.unwrap();
        let account: purgeline_core::TargetName = "shared".parse().unwrap();
        let targets =
            ["www", "img"].map(|name| Target { name: name.parse().unwrap(), account: account.clone() });
        Self {
            queue,
            clock,
            rules,
            targets,
            models: [rules.rebound_ms; 2]
                .map(|rebound_ms| QueueModel { rebound_ms, ..QueueModel::default() }),
            jobs: Vec::new(),
            ended: Vec::new(),
            said_again: BTreeSet::new(),
            slow: Vec::new(),
            throttled_until: 0,
            sent: Vec::new(),
            no_room: Default::default(),
            quotas: quotas::Quotas::default(),
            gone: Vec::new(),
            step: 0,
        }
    }

    /// The targets' counters, together.
    pub(crate) async fn counters(&self) -> BTreeMap<String, u64> {
        let mut all = BTreeMap::new();
        for target in &self.targets {
            for (counter, value) in self.queue.inspect().stats(target).await.unwrap().counters {
                *all.entry(counter).or_default() += value;
            }
        }
        all
    }

    fn now(&self) -> i64 {
        self.clock.now().as_millisecond()
    }

    /// Does one step to the queue and to the model, and looks whether they agree.
    pub(crate) async fn take(&mut self, step: &Step) -> Verdict {
        self.apply(step).await?;
        self.check().await
    }

    async fn apply(&mut self, step: &Step) -> Verdict {
        let now = self.now();
        match step {
            Step::Submit { to, priority, items, chunk, chunks, room, times } => {
                let id = self.new_id();
                let items = items.iter().map(|at| NAMES[*at]).collect();
                let (to, cancelled) = (to.clone(), BTreeSet::new());
                let (priority, chunk) = (*priority, *chunk);
                let times = from(now, *times);
                self.jobs.push(Asked { id, to, priority, items, chunk, times, cancelled, gone: false });
                self.submit(self.jobs.len() - 1, *chunks, *room).await
            }
            Step::Resubmit { job, chunks } => match self.jobs.len() {
                0 => Ok(()),
                jobs => self.submit(job % jobs, *chunks, 1_000).await,
            },
            Step::Crowd { at, priority, item, jobs, times } => {
                for _ in 0..*jobs {
                    let (id, to) = (self.new_id(), vec![*at]);
                    let (items, cancelled) = (vec![NAMES[*item]], BTreeSet::new());
                    self.jobs.push(Asked {
                        id,
                        to,
                        priority: *priority,
                        items,
                        chunk: 1,
                        times: from(now, *times),
                        cancelled,
                        gone: false,
                    });
                    self.submit(self.jobs.len() - 1, 1, 1_000).await?;
                }
                Ok(())
            }
            Step::Lease { at, worker } => self.lease(*at, *worker).await.map(|_| ()),
            Step::Submitted { batch, by, poll_ms, twice } => {
                let Some((at, id)) = self.pick(*batch) else { return Ok(()) };
                self.submitted(at, &id, *by, *poll_ms).await?;
                if *twice { self.submitted(at, &id, *by, *poll_ms).await } else { Ok(()) }
            }
            Step::Settle { batch, outcomes, drained, twice } => {
                let Some((at, id)) = self.pick(*batch) else { return Ok(()) };
                self.settle(at, &id, outcomes, *drained).await?;
                if *twice { self.settle(at, &id, outcomes, *drained).await } else { Ok(()) }
            }
            Step::SettleAll { batch, outcome } => {
                let Some((at, id)) = self.pick(*batch) else { return Ok(()) };
                let items = self.models[at].batches.get(&id).map(|batch| &batch.items);
                let outcomes: Vec<_> =
                    items.into_iter().flatten().map(|(index, _)| (*index, *outcome)).collect();
                self.settle(at, &id, &outcomes, true).await
            }
            Step::Poll { at, put_off_ms } => self.poll(*at, *put_off_ms).await,
            Step::GiveBack { batch, by } => {
                let Some((at, id)) = self.pick(*batch) else { return Ok(()) };
                let (worker, owned) = self.speaker(at, &id, *by);
                let count = self.queue.work().give_back(&self.targets[at], &id, &worker).await.unwrap();
                if owned {
                    self.not_sent(at, &id);
                    self.unspend(at, &id);
                }
                let expected = if owned { self.take_back(at, &id, 0) } else { 0 };
                ensure!(count == expected as u64, "{count} items of {id} were given back, not {expected}");
                Ok(())
            }
            Step::Split { batch, by } => {
                let Some((at, id)) = self.pick(*batch) else { return Ok(()) };
                let (worker, owned) = self.speaker(at, &id, *by);
                let split = self.queue.work().split(&self.targets[at], &id, &worker, "bad").await.unwrap();
                ensure!(split == owned, "{worker} split {id}: {split}, owned {owned}");
                // A call that was refused has spent nothing; one that got no answer may have.
                let answered =
                    self.models[at].batches.get(&id).is_some_and(|batch| batch.heard != Some(true));
                if owned && answered {
                    self.unspend(at, &id);
                }
                if owned { self.split(at, &id).await } else { Ok(()) }
            }
            Step::SplitOpen { batch } => {
                let Some((at, id)) = self.pick(*batch) else { return Ok(()) };
                let state = self.models[at].batches.get(&id).map(|batch| batch.state);
                let open = matches!(state, Some(State::Submitted { .. }));
                let split = self.queue.work().split_open(&self.targets[at], &id, "bad").await.unwrap();
                ensure!(split == open, "{id} was split: {split}, open {open}");
                if open { self.split(at, &id).await } else { Ok(()) }
            }
            Step::Answered { batch, by, went, twice } => {
                let Some((at, id)) = self.pick(*batch) else { return Ok(()) };
                self.answered(at, &id, *by, *went).await?;
                if *twice { self.answered(at, &id, *by, *went).await } else { Ok(()) }
            }
            Step::Asked { at, went } => self.asked(*at, *went).await,
            Step::Probe { at } => self.probe(*at).await,
            Step::Renew { at, worker } => self.renew(*at, *worker).await,
            Step::Reap { at, most } => self.reap(*at, *most).await,
            Step::Hold { at, what, ms } => {
                let until = ms.map(|ms| now + i64::try_from(ms).unwrap());
                let model = &mut self.models[*at];
                let stands = match (model.holds.get(what), until) {
                    (None, _) | (Some(Some(_)), None) => false,
                    (Some(None), _) => true,
                    (Some(Some(old)), Some(new)) => *old >= new,
                };
                if !stands {
                    model.holds.insert(*what, until);
                }
                let held = self
                    .queue
                    .operate()
                    .hold(&self.targets[*at], name_of(*what), *ms, &cause("why"), "me")
                    .await;
                ensure!(
                    held.as_ref().unwrap() == &!stands,
                    "hold {what:?} {ms:?}: {held:?}, stands {stands}"
                );
                Ok(())
            }
            Step::Release { at, what } => {
                let held = self.models[*at].held(*what, now);
                self.models[*at].holds.remove(what);
                let lifted = self.queue.operate().release(&self.targets[*at], name_of(*what)).await.unwrap();
                // One that has run out may be there or not.
                ensure!(lifted || !held, "{what:?} was held, but there was nothing to release");
                Ok(())
            }
            Step::Throttle { at, ms } => {
                let until = now + i64::try_from(*ms).unwrap();
                let longer = until > self.throttled_until;
                self.throttled_until = self.throttled_until.max(until);
                let throttled =
                    self.queue.work().throttle(&self.targets[*at], *ms, &cause("429")).await.unwrap();
                ensure!(throttled == longer, "throttle {ms}: {throttled}, longer {longer}");
                Ok(())
            }
            Step::Pass { ms } => {
                self.clock.advance(SignedDuration::from_millis(*ms));
                Ok(())
            }
            Step::Drain { at, most } => {
                raw::drain(&self.queue, &self.targets[*at], now, *most).await;
                Ok(())
            }
            Step::Carry { at } => self.carry(*at).await,
            Step::Abandon { at } => self.abandon(*at).await,
            Step::RetryDead { letter, count, room, dies } => {
                self.retry_dead(*letter, *count, *room, *dies).await
            }
            Step::GoOnRetrying { which, room } => self.go_on_retrying(*which, *room).await,
            Step::RepeatEnds { at } => self.repeat_ends(*at).await,
            Step::DropDead { letter, count } => self.drop_dead(*letter, *count).await,
            Step::Cancel { job, dies } => {
                let open: Vec<_> = (0..self.jobs.len()).filter(|job| self.is_open(*job)).collect();
                match open.len() {
                    0 => Ok(()),
                    jobs => self.cancel(open[job % jobs], *dies).await,
                }
            }
            Step::ResumeCancels { at } => self.resume_cancels(*at).await,
            Step::Compact { at, slice } => {
                raw::compact(&self.queue, &self.targets[*at], now, *slice).await;
                Ok(())
            }
        }
    }

    fn new_id(&self) -> JobId {
        JobId::from_idempotency_key(&format!("job {}", self.jobs.len()))
    }

    /// A batch that is there, or one that was until lately.
    fn pick(&self, at: usize) -> Option<(At, String)> {
        let mut known: Vec<_> = self
            .models
            .iter()
            .enumerate()
            .flat_map(|(target, model)| model.batches.keys().map(move |id| (target, id.clone())))
            .collect();
        if !known.is_empty() {
            known.extend(self.gone.last().cloned());
        }
        if known.is_empty() { None } else { Some(known.swap_remove(at % known.len())) }
    }

    /// The name of the worker that speaks for a batch, and whether it has the lease.
    fn speaker(&self, at: At, id: &str, by: By) -> (String, bool) {
        let owner = match self.models[at].batches.get(id).map(|batch| batch.state) {
            Some(State::Leased { worker, .. }) => Some(worker),
            _ => None,
        };
        match (owner, by) {
            (Some(worker), By::Owner) => (worker_name(worker), true),
            (Some(worker), By::Another) => (worker_name(worker + 1), false),
            (None, _) => (worker_name(0), false),
        }
    }

    fn take_back(&mut self, at: At, id: &str, attempts: u32) -> usize {
        let now = self.now();
        self.gone.push((at, id.to_owned()));
        self.models[at].take_back(id, attempts, now)
    }
}

/// The times of the clock for a job that is submitted now.
fn from(now: i64, times: Times) -> Times {
    let at = |ms: Option<i64>| ms.map(|ms| now + ms);
    Times { not_before: at(times.not_before), expires: at(times.expires), ..times }
}

fn worker_name(worker: usize) -> String {
    format!("worker-{worker}")
}

fn name_of(held: Held) -> HoldName {
    match held {
        Held::Paused => HoldName::Paused,
        Held::Kind(kind) => HoldName::Kind(kind),
    }
}

fn settlement(outcome: Outcome) -> Settlement {
    match outcome {
        Outcome::Done => Settlement::Done,
        Outcome::Failed => Settlement::Failed(cause("400034")),
        Outcome::Retry(after_ms) => Settlement::Retry { after_ms, cause: cause("503") },
        Outcome::Unanswered(after_ms) => Settlement::Unanswered { after_ms, cause: cause("late") },
        Outcome::Again(after_ms) => Settlement::Again { after_ms, cause: cause("429") },
    }
}

/// All names are what the producer makes of items.
#[test]
fn the_names_are_names() {
    for name in NAMES {
        let (item, action) = Item::from_name(name).unwrap();
        assert_eq!(item.name(action), name);
    }
}
