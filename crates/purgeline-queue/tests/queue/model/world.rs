//! The queue and the model side by side: each step is done to both, and then they must agree.

use super::{
    queue_model::{AskedChunk, Batch, Purge, QueueModel, State, Taken, Unit, kind_of},
    raw,
    rules::{HEADROOM_MS, LINGER_MS, POLL_LEASE_MS, POLLED, Rules},
    snapshot::{Record, Snapshot, Waiting},
    step::{At, By, Held, LEASE_MS, NAMES, Outcome, Step},
};
use crate::bed::{RETENTION, cause, host_lane, lane};
use jiff::SignedDuration;
use purgeline_core::{Clock, Item, JobId, JobState, ManualClock, PartCounts, Priority, Receipt, Target};
use purgeline_queue::{
    Chunk, Enqueued, HoldName, Lease, LeasedBatch, NewJob, Polls, Queue, QueueError, Settlement,
};
use redis::AsyncTypedCommands;
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

/// A job as its producer has it.
#[derive(Clone, Debug)]
struct Asked {
    id: JobId,
    to: Vec<At>,
    priority: Priority,
    items: Vec<&'static str>,
    chunk: usize,
    /// Targets that were full, when others had taken their part.
    cancelled: BTreeSet<At>,
    /// No target took it.
    gone: bool,
}

/// One call that was sent: when, and how many items of each kind.
#[derive(Clone, Debug)]
struct Sent {
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
    /// Jobs that were said to have ended, in the order in which that was said.
    ended: Vec<(JobId, JobState)>,
    throttled_until: i64,
    sent: Vec<Sent>,
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
            models: Default::default(),
            jobs: Vec::new(),
            ended: Vec::new(),
            throttled_until: 0,
            sent: Vec::new(),
            gone: Vec::new(),
            step: 0,
        }
    }

    /// The targets' counters, together.
    pub(crate) async fn counters(&self) -> BTreeMap<String, u64> {
        let mut all = BTreeMap::new();
        for target in &self.targets {
            for (counter, value) in self.queue.stats(target).await.unwrap().counters {
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
            Step::Submit { to, priority, items, chunk, chunks, room } => {
                let id = self.new_id();
                let items = items.iter().map(|at| NAMES[*at]).collect();
                let (to, cancelled) = (to.clone(), BTreeSet::new());
                let (priority, chunk) = (*priority, *chunk);
                self.jobs.push(Asked { id, to, priority, items, chunk, cancelled, gone: false });
                self.submit(self.jobs.len() - 1, *chunks, *room).await
            }
            Step::Resubmit { job, chunks } => match self.jobs.len() {
                0 => Ok(()),
                jobs => self.submit(job % jobs, *chunks, 1_000).await,
            },
            Step::Crowd { at, priority, item, jobs } => {
                for _ in 0..*jobs {
                    let (id, to) = (self.new_id(), vec![*at]);
                    let (items, cancelled) = (vec![NAMES[*item]], BTreeSet::new());
                    self.jobs.push(Asked {
                        id,
                        to,
                        priority: *priority,
                        items,
                        chunk: 1,
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
                let count = self.queue.give_back(&self.targets[at], &id, &worker).await.unwrap();
                let expected = if owned { self.take_back(at, &id, 0) } else { 0 };
                ensure!(count == expected as u64, "{count} items of {id} were given back, not {expected}");
                Ok(())
            }
            Step::Split { batch, by } => {
                let Some((at, id)) = self.pick(*batch) else { return Ok(()) };
                let (worker, owned) = self.speaker(at, &id, *by);
                let split = self.queue.split(&self.targets[at], &id, &worker, "bad").await.unwrap();
                ensure!(split == owned, "{worker} split {id}: {split}, owned {owned}");
                if owned { self.split(at, &id).await } else { Ok(()) }
            }
            Step::SplitOpen { batch } => {
                let Some((at, id)) = self.pick(*batch) else { return Ok(()) };
                let state = self.models[at].batches.get(&id).map(|batch| batch.state);
                let open = matches!(state, Some(State::Submitted { .. }));
                let split = self.queue.split_open(&self.targets[at], &id, "bad").await.unwrap();
                ensure!(split == open, "{id} was split: {split}, open {open}");
                if open { self.split(at, &id).await } else { Ok(()) }
            }
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
                let held =
                    self.queue.hold(&self.targets[*at], name_of(*what), *ms, &cause("why"), "me").await;
                ensure!(
                    held.as_ref().unwrap() == &!stands,
                    "hold {what:?} {ms:?}: {held:?}, stands {stands}"
                );
                Ok(())
            }
            Step::Release { at, what } => {
                let held = self.models[*at].held(*what, now);
                self.models[*at].holds.remove(what);
                let lifted = self.queue.release(&self.targets[*at], name_of(*what)).await.unwrap();
                // One that has run out may be there or not.
                ensure!(lifted || !held, "{what:?} was held, but there was nothing to release");
                Ok(())
            }
            Step::Throttle { at, ms } => {
                let until = now + i64::try_from(*ms).unwrap();
                let longer = until > self.throttled_until;
                self.throttled_until = self.throttled_until.max(until);
                let throttled = self.queue.throttle(&self.targets[*at], *ms, &cause("429")).await.unwrap();
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

/// What producers do.
impl World<'_> {
    /// Sends a job's chunks, at most so many to each target, as a producer does that begins anew.
    async fn submit(&mut self, job: usize, chunks: usize, room: u64) -> Verdict {
        let asked = self.jobs[job].clone();
        if asked.gone {
            return Ok(());
        }
        let new = NewJob {
            id: asked.id,
            digest: format!("{job}"),
            targets: asked.to.iter().map(|at| self.targets[*at].name.clone()).collect(),
            items: asked.items.len() as u64,
            first_items: String::new(),
            priority: asked.priority,
            source: None,
        };
        self.queue.create_job(&new).await.unwrap();
        for (place, at) in asked.to.iter().enumerate() {
            if asked.cancelled.contains(at) || self.send_chunks(&asked, *at, chunks, room).await? {
                continue;
            }
            // Full: nobody takes it, or those take their part who came before.
            if place == 0 {
                self.jobs[job].gone = true;
                self.queue.discard_job(asked.id).await.unwrap();
                return Ok(());
            }
            let (name, items) = (&self.targets[*at].name, asked.items.len() as u64);
            self.jobs[job].cancelled.insert(*at);
            let ended = self.queue.cancel_part(asked.id, name, items, &RETENTION).await.unwrap();
            if let Some(state) = ended {
                self.job_ended(asked.id, state)?;
            }
        }
        Ok(())
    }

    /// False: the target is full.
    async fn send_chunks(&mut self, asked: &Asked, at: At, chunks: usize, room: u64) -> Verdict<bool> {
        let count = asked.items.len().div_ceil(asked.chunk);
        for (index, names) in asked.items.chunks(asked.chunk).enumerate().take(chunks) {
            let items: Vec<_> = names.iter().map(|name| self.with_lane(name, asked.priority)).collect();
            let chunk = Chunk {
                job: asked.id,
                index,
                chunks: count,
                job_items: asked.items.len(),
                priority: asked.priority,
                source: "model",
                items: &items,
            };
            let answer = self.queue.enqueue(&self.targets[at], &chunk, room).await;
            let model_chunk = AskedChunk {
                job: asked.id,
                index,
                chunks: count,
                job_items: asked.items.len(),
                priority: asked.priority,
                items: names,
                first: index * asked.chunk,
            };
            self.step += 1;
            let now = self.now();
            let taken = self.models[at].enqueue(&model_chunk, room, now, self.step);
            let expected = match answer {
                Ok(Enqueued::Added { new, joined, covered }) => Taken::Added { new, joined, covered },
                Ok(Enqueued::Repeated) => Taken::Repeated,
                Ok(Enqueued::Gap(taken)) => Taken::Gap(taken),
                Err(QueueError::Full { .. }) => Taken::Full,
                Err(QueueError::Abandoned(_)) => Taken::Abandoned,
                Err(error) => return Err(error.to_string()),
            };
            ensure!(expected == taken, "chunk {index} of {}: {expected:?}, expected {taken:?}", asked.id);
            match taken {
                Taken::Full => return Ok(false),
                Taken::Abandoned => return Ok(true),
                _ => {}
            }
        }
        Ok(true)
    }

    fn with_lane(&self, name: &str, priority: Priority) -> (String, String) {
        let lane = if self.rules.by_host { host_lane(priority, name) } else { lane(priority, name) };
        (name.to_owned(), lane.to_string())
    }

    async fn abandon(&mut self, at: At) -> Verdict {
        let now = self.now();
        let mut expected = BTreeSet::new();
        for (job, part) in &mut self.models[at].parts {
            if part.taken < part.chunks && !part.abandoned && now - part.since >= 86_400_000 {
                expected.insert((*job, part.enqueued as u64, part.items as u64));
                part.abandoned = true;
                part.items = part.enqueued;
            }
        }
        let closed = self.queue.abandon(&self.targets[at], &RETENTION).await.unwrap();
        let closed: BTreeSet<_> =
            closed.iter().map(|part| (part.job, part.enqueued, part.announced)).collect();
        ensure!(closed == expected, "abandoned {closed:?}, expected {expected:?}");
        Ok(())
    }
}

/// What workers do to send.
impl World<'_> {
    /// True if it got something.
    async fn lease(&mut self, at: At, worker: usize) -> Verdict<bool> {
        self.step += 1;
        let (now, target) = (self.now(), self.targets[at].clone());
        let answer = self.queue.lease(&target, &worker_name(worker), &self.rules.policy).await.unwrap();
        let after = Snapshot::take(&self.queue, &target).await?;
        let (leased, sent) = match &answer {
            Lease::Batch(batch) => (Some(batch), batch.items.iter().map(|i| i.item.name(i.action)).collect()),
            Lease::Wait { .. } => (None, BTreeSet::new()),
        };
        let was_ready = leased.is_some_and(|batch| self.models[at].batches.contains_key(&batch.id));
        let sent_now: BTreeSet<String> = if was_ready { BTreeSet::new() } else { sent };
        self.promote(at, &after, &sent_now);
        let model = &mut self.models[at];
        let vanished: BTreeSet<_> = model
            .pending
            .keys()
            .filter(|name| !after.pending.contains_key(*name) && !sent_now.contains(*name))
            .cloned()
            .collect();
        model.absorb(&vanished, now)?;
        // Only now, since a dir may have covered others before it was seen to be under way.
        self.wait_for_earlier(at, &after)?;
        let Some(batch) = leased else {
            let Lease::Wait { after, why } = answer else { return Ok(false) };
            let after = after.map(|after| i64::try_from(after.as_millis()).unwrap());
            return self.may_wait(at, &why, after).map(|()| false);
        };
        ensure!(batch.deadline_ms == now + LEASE_MS, "deadline {} at {now}", batch.deadline_ms);
        ensure!(!self.stopped(at), "a batch was leased while everything is held");
        ensure!(self.models[at].in_flight() < self.rules.max_in_flight(), "too many calls in flight");
        self.within_limits(batch)?;
        for item in &batch.items {
            let held = self.models[at].held(Held::Kind(item.item.kind()), now);
            ensure!(!held, "{} was leased while its kind is held", item.item);
        }
        if was_ready {
            self.lease_ready(at, batch)?;
        } else {
            self.lease_pending(at, batch)?;
        }
        let state = State::Leased { worker, deadline: batch.deadline_ms };
        let model = self.models[at].batches.get_mut(&batch.id).unwrap();
        (model.state, model.leased) = (state, self.step);
        Ok(true)
    }

    /// Items whose delay has passed may go from the first lease that got so far as to look.
    fn promote(&mut self, at: At, after: &Snapshot, sent: &BTreeSet<String>) {
        let now = self.now();
        let looked = !sent.is_empty()
            || self.models[at].pending.iter().any(|(name, purge)| match after.pending.get(name) {
                Some(record) => purge.due.is_some_and(|due| due <= now) && record.due.is_none(),
                None => true,
            });
        if looked {
            for purge in self.models[at].pending.values_mut() {
                purge.due = purge.due.filter(|due| *due > now);
                purge.under_way &= purge.due.is_some();
            }
        }
    }

    /// Items that the provider works on may have to wait for that.
    fn wait_for_earlier(&mut self, at: At, after: &Snapshot) -> Verdict {
        let model = &mut self.models[at];
        for (name, record) in &after.pending {
            let waits = model.pending.get(name).is_some_and(|purge| record.under_way && !purge.under_way);
            if waits {
                let held = self.rules.one_at_a_time && model.held_by_batch(name);
                ensure!(held, "{name} waits for an earlier request, but there is none");
                let purge = model.pending.get_mut(name).unwrap();
                ensure!(purge.due.is_none(), "{name} was delayed already");
                (purge.due, purge.under_way) = (record.due, true);
            }
        }
        Ok(())
    }

    fn lease_ready(&mut self, at: At, batch: &LeasedBatch) -> Verdict {
        let known = &self.models[at].batches[&batch.id];
        ensure!(known.state == State::Ready, "{} was leased while it is {:?}", batch.id, known.state);
        let names: Vec<_> = known.items.values().map(|(name, _)| name.clone()).collect();
        ensure!(names == crate::bed::names(batch), "{} holds {names:?}, leased {batch:?}", batch.id);
        Ok(())
    }

    fn lease_pending(&mut self, at: At, batch: &LeasedBatch) -> Verdict {
        let now = self.now();
        let ready = self.ready_may_go(at);
        ensure!(ready.is_none(), "lanes went before {ready:?}, which is ready");
        let model = &mut self.models[at];
        let first = model.may_go(now).map(|(_, purge)| purge.priority).min();
        let mut items = BTreeMap::new();
        let mut haste = Vec::new();
        for item in &batch.items {
            let name = item.item.name(item.action);
            let purge = model.pending.get(&name).ok_or(format!("{name} was leased, but does not wait"))?;
            ensure!(purge.due.is_none(), "{name} was leased before its time");
            let under_way = self.rules.one_at_a_time && model.held_by_batch(&name);
            ensure!(!under_way, "{name} was leased, but the provider works on it");
            let dir = model.covering(&name, purge.priority, now);
            ensure!(dir.is_none(), "{name} was leased, but {dir:?} waits and covers it");
            haste.push(purge.priority);
        }
        // Where no window is spent, what has most haste goes.
        if self.rules.limits.rates.is_empty() {
            ensure!(haste.iter().min() == first.as_ref(), "{haste:?} went before {first:?}");
        }
        for item in &batch.items {
            let name = item.item.name(item.action);
            let purge = model.pending.remove(&name).unwrap();
            items.insert(item.index, (name, purge));
        }
        let state = State::Ready; // The caller says whose it is.
        model.batches.insert(batch.id.clone(), Batch { state, leased: 0, items });
        Ok(())
    }

    fn within_limits(&mut self, batch: &LeasedBatch) -> Verdict {
        let mut kinds: BTreeMap<_, usize> = BTreeMap::new();
        let mut actions = BTreeSet::new();
        let mut hosts = BTreeSet::new();
        for item in &batch.items {
            *kinds.entry(item.item.kind()).or_default() += 1;
            actions.insert((item.item.kind(), item.action));
            hosts.extend(item.item.authority().filter(|_| self.rules.by_host).map(str::to_owned));
        }
        let call = &self.rules.limits.call;
        let most = |kind| call.max_of_kind.get(&kind).map_or(0, |most| most.get() as usize);
        ensure!(!batch.items.is_empty(), "an empty batch");
        ensure!(batch.items.len() <= call.max_items.get() as usize, "too many items: {batch:?}");
        ensure!(kinds.iter().all(|(kind, count)| *count <= most(*kind)), "too many of a kind: {batch:?}");
        ensure!(actions.len() == kinds.len(), "actions are mixed: {batch:?}");
        ensure!(call.mix_kinds || kinds.len() == 1, "kinds are mixed: {batch:?}");
        let hosts_fit = call.max_hosts.is_none_or(|most| hosts.len() <= most.get() as usize);
        ensure!(hosts_fit, "too many hosts: {batch:?}");
        let now = self.now();
        self.sent.push(Sent { at: now, kinds });
        for rate in &self.rules.limits.rates {
            let window = i64::try_from(rate.window_ms.get() + HEADROOM_MS).unwrap();
            let within = self.sent.iter().filter(|sent| sent.at > now - window);
            let spent: usize = within.map(|sent| Rules::counted(rate.unit, &sent.kinds)).sum();
            ensure!(spent <= rate.max.get() as usize, "{spent} in a window of {rate}");
        }
        Ok(())
    }

    /// Everything at a target waits, whatever there is.
    fn stopped(&self, at: At) -> bool {
        let now = self.now();
        let model = &self.models[at];
        model.held(Held::Paused, now) || model.held(Held::Unauthorised, now) || self.throttled_until > now
    }

    fn ready_may_go(&self, at: At) -> Option<String> {
        let (model, now) = (&self.models[at], self.now());
        let may_go = |batch: &Batch| {
            let mut names = batch.items.values().map(|(name, _)| name);
            batch.state == State::Ready && names.all(|name| !model.held(Held::Kind(kind_of(name)), now))
        };
        let unrated = self.rules.limits.rates.is_empty();
        model.batches.iter().find(|(_, batch)| unrated && may_go(batch)).map(|(id, _)| id.clone())
    }

    /// Whether there is a reason for nothing to go.
    fn may_wait(&self, at: At, why: &str, after: Option<i64>) -> Verdict {
        let (model, now) = (&self.models[at], self.now());
        let in_flight = model.in_flight();
        if self.stopped(at) || in_flight >= self.rules.max_in_flight() {
            return Ok(());
        }
        if !self.rules.limits.rates.is_empty() && why != "linger" {
            return Ok(());
        }
        let ready = self.ready_may_go(at);
        ensure!(ready.is_none(), "{ready:?} is ready, but is made to wait: {why}");
        let may_go: BTreeMap<_, _> = model.may_go(now).collect();
        if why == "linger" {
            ensure!(in_flight > 0, "it lingers for company, but no call is in flight");
            ensure!(after.is_some_and(|ms| ms <= LINGER_MS), "it lingers for {after:?} ms");
            let urgent = may_go.iter().find(|(_, purge)| purge.priority == Priority::Urgent);
            let unrated = self.rules.limits.rates.is_empty();
            ensure!(urgent.is_none() || !unrated, "{urgent:?} is urgent, but lingers");
        } else {
            ensure!(may_go.is_empty(), "{:?} may go, but is made to wait: {why}", may_go.keys());
            let next = model.pending.values().filter_map(|purge| purge.due).min();
            let in_time = next.is_none_or(|next| after.is_some_and(|ms| now + ms <= next));
            ensure!(in_time, "it is not worth asking for {after:?} ms, but something is due at {next:?}");
        }
        Ok(())
    }
}

/// What workers do to confirm, and to stay alive.
impl World<'_> {
    async fn submitted(&mut self, at: At, id: &str, by: By, poll_ms: u64) -> Verdict {
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
        let kept = self.queue.submitted(&self.targets[at], id, &worker, &receipt, poll_ms).await.unwrap();
        ensure!(kept == owned, "{worker} said that {id} is submitted: {kept}, owned {owned}");
        if first {
            let batch = self.models[at].batches.get_mut(id).unwrap();
            let State::Leased { worker, .. } = batch.state else { return Err("not leased".into()) };
            batch.state = State::Submitted { worker, poll_at: now + i64::try_from(poll_ms).unwrap() };
        }
        Ok(())
    }

    async fn settle(&mut self, at: At, id: &str, outcomes: &[(u32, Outcome)], drained: bool) -> Verdict {
        let (now, target) = (self.now(), &self.targets[at]);
        let settlements: Vec<_> =
            outcomes.iter().map(|(index, outcome)| (*index, settlement(*outcome))).collect();
        let items = if drained {
            self.queue.settle(target, id, &settlements, &RETENTION).await.unwrap().items
        } else {
            raw::settle(&self.queue, target, now, id, outcomes).await
        };
        let known = self.models[at].batches.contains_key(id);
        let expected = self.models[at].settle(id, outcomes, now)?;
        ensure!(items == expected, "{items} items of {id} were settled, not {expected}");
        if known && !self.models[at].batches.contains_key(id) {
            self.gone.push((at, id.to_owned()));
        }
        Ok(())
    }

    async fn split(&mut self, at: At, id: &str) -> Verdict {
        let after = Snapshot::take(&self.queue, &self.targets[at]).await?;
        let halves = self.models[at].halves(id);
        let leased = self.models[at].batches.remove(id).unwrap().leased;
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
            self.models[at].batches.insert(id, Batch { state: State::Ready, leased, items });
        }
        Ok(())
    }

    async fn poll(&mut self, at: At, put_off_ms: u64) -> Verdict {
        let now = self.now();
        let due = match self.queue.due_polls(&self.targets[at], &self.rules.poll_policy).await.unwrap() {
            Polls::Due(due) => due,
            Polls::Wait { .. } => Vec::new(),
        };
        let stopped = self.stopped(at);
        let model = &mut self.models[at];
        let is_due =
            |batch: &Batch| matches!(batch.state, State::Submitted { poll_at, .. } if poll_at <= now);
        let expected = model.batches.values().filter(|batch| is_due(batch)).count().min(POLLED);
        let expected = if stopped { 0 } else { expected };
        ensure!(due.len() == expected, "{} polls are due, not {expected}", due.len());
        let mut asked = Vec::new();
        for poll in due {
            let batch = model.batches.get_mut(&poll.batch).ok_or(format!("no batch {}", poll.batch))?;
            ensure!(is_due(batch), "{} is asked about, but not due", poll.batch);
            ensure!(poll.receipt.0 == format!("receipt {}", poll.batch), "{:?}", poll.receipt);
            let State::Submitted { worker, .. } = batch.state else { continue };
            let names: Vec<_> = poll.items.iter().map(|item| item.item.name(item.action)).collect();
            let expected: Vec<_> = batch.items.values().map(|(name, _)| name.clone()).collect();
            ensure!(names == expected, "{} holds {expected:?}, asked about {names:?}", poll.batch);
            // As if the worker died, unless the answer is to be put off.
            let later = if put_off_ms > 20 { put_off_ms } else { POLL_LEASE_MS };
            batch.state = State::Submitted { worker, poll_at: now + i64::try_from(later).unwrap() };
            asked.push(poll.batch);
        }
        if put_off_ms > 20 {
            self.queue.put_off(&self.targets[at], &asked, put_off_ms).await.unwrap();
        }
        Ok(())
    }

    async fn renew(&mut self, at: At, worker: usize) -> Verdict {
        let now = self.now();
        let ids: Vec<_> = self.models[at].batches.keys().cloned().chain(["b0".to_owned()]).collect();
        let lease_ms = u64::try_from(LEASE_MS).unwrap();
        let lost = self.queue.renew(&self.targets[at], &worker_name(worker), lease_ms, &ids).await.unwrap();
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

    async fn reap(&mut self, at: At, most: usize) -> Verdict {
        let now = self.now();
        let over = |batch: &Batch| matches!(batch.state, State::Leased { deadline, .. } if deadline <= now);
        let expected = self.models[at].batches.values().filter(|batch| over(batch)).count().min(most);
        let reaped = self.queue.reap(&self.targets[at], most).await.unwrap();
        ensure!(reaped.len() == expected, "{reaped:?} were reaped, not {expected}");
        for reaped in reaped {
            let batch = self.models[at].batches.get(&reaped.batch).ok_or(format!("no {reaped:?}"))?;
            ensure!(over(batch), "{reaped:?} was reaped before its time");
            let items = self.take_back(at, &reaped.batch, 1);
            ensure!(reaped.items == items as u64, "{reaped:?} held {items} items");
        }
        Ok(())
    }

    async fn carry(&mut self, at: At) -> Verdict {
        for (job, state) in self.queue.carry_outbox(&self.targets[at], &RETENTION).await.unwrap() {
            self.job_ended(job, state)?;
        }
        Ok(())
    }

    /// A job was said to have ended: for the first time, when all of it has, and as it has.
    fn job_ended(&mut self, job: JobId, state: JobState) -> Verdict {
        ensure!(!self.ended.iter().any(|(ended, _)| *ended == job), "job {job} ended twice");
        let expected = self.state_of(job);
        ensure!(expected == Some(state), "job {job} ended {state}, expected {expected:?}");
        self.ended.push((job, state));
        Ok(())
    }

    /// How a job has ended; `None` while it has not.
    fn state_of(&self, job: JobId) -> Option<JobState> {
        let asked = self.jobs.iter().find(|asked| asked.id == job)?;
        let mut all = PartCounts::default();
        for at in &asked.to {
            let items = asked.items.len() as u64;
            all = all.plus(if asked.cancelled.contains(at) {
                PartCounts { items, cancelled: items, ..PartCounts::default() }
            } else {
                let part = self.models[*at].parts.get(&job).filter(|part| part.over())?;
                PartCounts {
                    items: part.items as u64,
                    succeeded: part.count(true),
                    failed: part.count(false),
                    cancelled: 0,
                }
            });
        }
        Some(all.state())
    }
}

/// What must hold after each step.
impl World<'_> {
    async fn check(&self) -> Verdict {
        for (target, model) in self.targets.iter().zip(&self.models) {
            let found = Snapshot::take(&self.queue, target).await?;
            agree(&found, model).map_err(|wrong| format!("{}: {wrong}", target.name))?;
        }
        let found = self.queue.verify(&self.targets).await.map_err(|error| error.to_string())?;
        ensure!(found.is_empty(), "verify: {}", found.iter().map(|v| format!("{v}\n")).collect::<String>());
        Ok(())
    }

    /// Lets everything end, whatever has happened: no item is lost, each job ends once.
    pub(crate) async fn finish(&mut self) -> Verdict {
        for at in 0..2 {
            for what in self.models[at].holds.clone().into_keys() {
                self.take(&Step::Release { at, what }).await?;
            }
        }
        for job in 0..self.jobs.len() {
            self.take(&Step::Resubmit { job, chunks: usize::MAX }).await?;
        }
        for _ in 0..1_000 {
            let mut moved = false;
            for at in 0..2 {
                self.reap(at, 100).await?;
                moved |= self.lease(at, 0).await?;
            }
            // The first that it picks is one that is there.
            while self.pick(0).is_some() {
                self.apply(&Step::SettleAll { batch: 0, outcome: Outcome::Done }).await?;
                moved = true;
            }
            self.check().await?;
            if !moved && self.models.iter().all(|model| model.pending.is_empty()) {
                return self.finished().await;
            }
            self.apply(&Step::Pass { ms: if moved { 20 } else { 350 } }).await?;
        }
        let left: Vec<_> = self.models.iter().map(|model| &model.pending).collect();
        Err(format!("it does not end: {left:?}"))
    }

    async fn finished(&mut self) -> Verdict {
        for at in 0..2 {
            self.take(&Step::Drain { at, most: usize::from(u16::MAX) }).await?;
            self.take(&Step::Carry { at }).await?;
        }
        for asked in self.jobs.clone().iter().filter(|asked| !asked.gone) {
            let ended: Vec<_> = self.ended.iter().filter(|(job, _)| *job == asked.id).collect();
            ensure!(ended.len() == 1, "{asked:?} ended {ended:?}");
            let job = self.queue.job(asked.id, &self.targets).await.unwrap().ok_or("no job")?;
            ensure!(job.state == ended[0].1, "job {} is {}, ended {ended:?}", job.id, job.state);
        }
        let told = self.events_of_ended_jobs().await;
        let said: BTreeMap<_, _> =
            self.ended.iter().map(|(job, state)| (job.to_string(), (1, state.to_string()))).collect();
        ensure!(told == said, "told of {told:?}, ended {said:?}");
        // Once the windows have room again, the last hints are looked at.
        self.apply(&Step::Pass { ms: 1_000 }).await?;
        for at in 0..2 {
            ensure!(!self.lease(at, 0).await?, "something was left to lease");
        }
        for target in &self.targets {
            let left = Snapshot::take(&self.queue, target).await?;
            let may_stay = ["stats", "job", "dead", "outbox"];
            let stays = left.kinds.iter().filter(|kind| !may_stay.contains(&kind.as_str()));
            let stays: Vec<_> = stays.collect();
            ensure!(stays.is_empty(), "{}: {stays:?} {left:?} are left", target.name);
        }
        Ok(())
    }

    /// Which jobs whoever watches has heard of, how often, and what.
    async fn events_of_ended_jobs(&self) -> BTreeMap<String, (usize, String)> {
        let events = self.queue.manager().xrange_all(self.queue.keys().events()).await.unwrap();
        let mut told = BTreeMap::new();
        for event in events.ids {
            let text = |name: &str| event.get::<String>(name).unwrap_or_default();
            if text("what") == "job_ended" {
                told.entry(text("job")).or_insert((0, text("state"))).0 += 1;
            }
        }
        told
    }
}

fn agree(found: &Snapshot, model: &QueueModel) -> Verdict {
    let names = |found: &BTreeSet<&String>, model: &BTreeSet<&String>, what| {
        if found == model { Ok(()) } else { Err(format!("{what}: found {found:?}, expected {model:?}")) }
    };
    names(&found.pending.keys().collect(), &model.pending.keys().collect(), "pending")?;
    names(&found.batches.keys().collect(), &model.batches.keys().collect(), "batches")?;
    ensure!(found.orphans.is_empty(), "nothing refers to {:?}", found.orphans);
    for (name, purge) in &model.pending {
        same(name, &found.pending[name], purge, purge.due)?;
    }
    for (id, batch) in &model.batches {
        let there = &found.batches[id];
        let state = match batch.state {
            State::Leased { .. } => "leased",
            State::Ready => "ready",
            State::Submitted { .. } => "submitted",
        };
        ensure!(there.state == state, "batch {id} is {}, expected {state}", there.state);
        let (held, expected): (Vec<_>, Vec<_>) = (there.items.keys().collect(), batch.items.keys().collect());
        ensure!(held == expected, "batch {id} holds {held:?}, expected {expected:?}");
        for (index, (name, purge)) in &batch.items {
            let (there, record) = &there.items[index];
            ensure!(there == name, "item {index} of batch {id} is {there}, expected {name}");
            same(&format!("{id} {name}"), record, purge, None)?;
        }
    }
    let (parts, expected): (Vec<_>, Vec<_>) = (found.parts.keys().collect(), model.parts.keys().collect());
    ensure!(parts == expected, "parts of {parts:?}, expected {expected:?}");
    for (job, part) in &model.parts {
        let there = &found.parts[job];
        let (done, failed) = found.settling.get(job).copied().unwrap_or_default();
        let counts = (there.items, there.enqueued, there.succeeded + done, there.failed + failed);
        let expected = (part.items as u64, part.enqueued as u64, part.count(true), part.count(false));
        ensure!(
            counts == expected,
            "job {job}: (items, enqueued, succeeded, failed) {counts:?}, expected {expected:?}"
        );
        let over = there.succeeded + there.failed == there.items;
        ensure!((there.state != "active") == over, "job {job} is {} with {there:?}", there.state);
    }
    Ok(())
}

fn same(what: &str, found: &Record, purge: &Purge, due: Option<i64>) -> Verdict {
    let mut waiting = Waiting::new();
    for Unit { job, .. } in &purge.units {
        *waiting.entry(*job).or_default() += 1;
    }
    let attempts = match purge.unanswered {
        0 => purge.attempts.to_string(),
        unanswered => format!("{}/{unanswered}", purge.attempts),
    };
    let under_way = due.is_some() && purge.under_way;
    let expected = Record { priority: purge.priority, attempts, due, under_way, waiting };
    ensure!(*found == expected, "{what}: found {found:?}, expected {expected:?}");
    Ok(())
}

fn worker_name(worker: usize) -> String {
    format!("worker-{worker}")
}

fn name_of(held: Held) -> HoldName {
    match held {
        Held::Paused => HoldName::Paused,
        Held::Unauthorised => HoldName::Unauthorised,
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
