//! What workers do to send.

use super::{Sent, Verdict, World, worker_name};
use crate::model::{
    breaker_model::Probe,
    coverage::Cover,
    queue_model::{Batch, State, kind_of},
    rules::{HEADROOM_MS, LINGER_MS, Rules},
    snapshot::Snapshot,
    step::{At, Held, LEASE_MS},
};
use purgeline_core::Priority;
use purgeline_queue::{Lease, LeasedBatch};
use std::collections::{BTreeMap, BTreeSet};

impl World<'_> {
    /// True if it got something.
    pub(super) async fn lease(&mut self, at: At, worker: usize) -> Verdict<bool> {
        self.reconcile(at).await?;
        self.step += 1;
        let (now, target) = (self.now(), self.targets[at].clone());
        let released = self.models[at].released();
        let answer = self.queue.lease(&target, &worker_name(worker), &self.rules.policy).await.unwrap();
        let after = Snapshot::take(&self.queue, &target).await?;
        let (leased, sent) = match &answer {
            Lease::Batch(batch) => (Some(batch), batch.items.iter().map(|i| i.item.name(i.action)).collect()),
            Lease::Wait { .. } => (None, BTreeSet::new()),
        };
        self.halves_put_back(at, &after)?;
        let was_ready = leased.is_some_and(|batch| self.models[at].batches.contains_key(&batch.id));
        let sent_now: BTreeSet<String> = if was_ready { BTreeSet::new() } else { sent };
        self.lift(at, &after)?;
        // What was embargoed may have brought a dir the haste that the reserve is for.
        self.see_dirs_without_room(at);
        self.models[at].expire_vanished(&after, &sent_now, now);
        self.promote(at, &after, &sent_now);
        self.drop_needless(at, &after, &sent_now);
        self.see_lease(at, &after, &sent_now)?;
        if !self.stopped(at) {
            for (name, id) in released {
                let waits = after.pending.get(&name).and_then(|record| record.covered.as_ref());
                ensure!(waits != Some(&id), "{name} still waits for {id}, which was released");
            }
        }
        let Some(batch) = leased else {
            let Lease::Wait { after: pause, why } = answer else { return Ok(false) };
            self.models[at].expire_found(&after, now);
            let after = pause.map(|after| i64::try_from(after.as_millis()).unwrap());
            return self.may_wait(at, &why, after).map(|()| false);
        };
        ensure!(batch.deadline_ms == now + LEASE_MS, "deadline {} at {now}", batch.deadline_ms);
        ensure!(!self.stopped(at), "a batch was leased while everything is held");
        ensure!(self.calls() < self.rules.max_in_flight(), "too many calls in flight");
        ensure!(self.calls() + self.tasks() < self.rules.max_tasks(), "too many tasks in progress");
        self.within_limits(at, batch)?;
        for item in &batch.items {
            let held = self.models[at].held(Held::Kind(item.item.kind()), now);
            ensure!(!held, "{} was leased while its kind is held", item.item);
        }
        if was_ready {
            self.lease_ready(at, batch)?;
        } else {
            self.lease_pending(at, batch)?;
        }
        self.within_quotas(at, batch)?;
        let state = State::Leased { worker, deadline: batch.deadline_ms };
        let model = self.models[at].batches.get_mut(&batch.id).unwrap();
        (model.state, model.leased) = (state, self.step);
        self.models[at].expire_found(&after, now);
        let probes = self.models[at].probe_by(Probe::Batch(batch.id.clone()));
        ensure!(batch.probe == probes, "{} is a probe: {}, expected {probes}", batch.id, batch.probe);
        Ok(true)
    }

    /// What has expired may have been found since the model was looked at last.
    pub(super) async fn reconcile(&mut self, at: At) -> Verdict {
        let now = self.now();
        let mut waiting = self.models[at].pending.values().flat_map(|purge| &purge.units);
        if waiting.any(|unit| unit.expired(now)) {
            let found = Snapshot::take(&self.queue, &self.targets[at]).await?;
            self.models[at].expire(&found, now);
        }
        Ok(())
    }

    /// Embargoes that have ended are lifted by the first lease that gets so far as to look.
    pub(super) fn lift(&mut self, at: At, after: &Snapshot) -> Verdict {
        let now = self.now();
        let model = &mut self.models[at];
        let gone = model.embargoed.keys().filter(|key| !after.embargoed.contains_key(*key));
        for key in gone.cloned().collect::<Vec<_>>() {
            ensure!(key.0 <= now, "the embargo {key:?} was lifted at {now}");
            if let Some(purge) = model.embargoed.remove(&key) {
                model.put_back(key.1, purge, now, now);
            }
        }
        Ok(())
    }

    /// Where an item goes once at a time, a rebound is needless while another purge is under way.
    pub(super) fn drop_needless(&mut self, at: At, after: &Snapshot, sent: &BTreeSet<String>) {
        let model = &mut self.models[at];
        let gone = model.pending.iter().filter(|(name, purge)| {
            let gone = !after.pending.contains_key(*name) && !sent.contains(*name);
            gone && purge.units.is_empty() && self.rules.one_at_a_time && model.held_by_batch(name)
        });
        for name in gone.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
            model.pending.remove(&name);
        }
    }

    /// Items whose delay has passed may go from the first lease that got so far as to look.
    pub(super) fn promote(&mut self, at: At, after: &Snapshot, sent: &BTreeSet<String>) {
        let now = self.now();
        // What no dir covers any more returns to its lane before.
        let released: BTreeSet<_> = self.models[at].released().into_iter().map(|(name, _)| name).collect();
        let looked = !sent.is_empty()
            || self.models[at].pending.iter().any(|(name, purge)| match after.pending.get(name) {
                Some(record) => {
                    let passed = purge.due.is_some_and(|due| due <= now) && !released.contains(name);
                    passed && record.due != purge.due
                }
                None => true,
            });
        if looked {
            for purge in self.models[at].pending.values_mut() {
                purge.due = purge.due.filter(|due| *due > now);
                purge.latest = purge.due.and(purge.latest);
                purge.under_way &= purge.due.is_some();
                purge.covered = purge.covered.take().filter(|_| purge.due.is_some());
            }
        }
    }

    /// Items that the provider works on may have to wait for that. Gives whether some do now.
    pub(super) fn wait_for_earlier(&mut self, at: At, after: &Snapshot) -> Verdict<bool> {
        let (model, mut any) = (&mut self.models[at], false);
        for (name, record) in &after.pending {
            let waits = model.pending.get(name).is_some_and(|purge| record.under_way && !purge.under_way);
            // One that is covered returns to its lane first.
            if waits && model.pending[name].covered.is_none() {
                let held = self.rules.one_at_a_time && model.held_by_batch(name);
                ensure!(held, "{name} waits for an earlier request, but there is none");
                let purge = model.pending.get_mut(name).unwrap();
                ensure!(purge.due.is_none(), "{name} was delayed already");
                (purge.due, purge.under_way) = (record.due, true);
                any = true;
            }
        }
        Ok(any)
    }

    pub(super) fn lease_ready(&mut self, at: At, batch: &LeasedBatch) -> Verdict {
        let known = &self.models[at].batches[&batch.id];
        ensure!(known.state == State::Ready, "{} was leased while it is {:?}", batch.id, known.state);
        let names: Vec<_> = known.items.values().map(|(name, _)| name.clone()).collect();
        ensure!(names == crate::bed::names(batch), "{} holds {names:?}, leased {batch:?}", batch.id);
        Ok(())
    }

    pub(super) fn lease_pending(&mut self, at: At, batch: &LeasedBatch) -> Verdict {
        let now = self.now();
        let ready = self.ready_may_go(at);
        ensure!(ready.is_none(), "lanes went before {ready:?}, which is ready");
        let roomy = self.dirs_with_room(at, batch.items.len());
        let first = self.may_go(at).values().map(|purge| purge.priority).min();
        let model = &mut self.models[at];
        let mut items = BTreeMap::new();
        let mut haste = Vec::new();
        for item in &batch.items {
            let name = item.item.name(item.action);
            let purge = model.pending.get(&name).ok_or(format!("{name} was leased, but does not wait"))?;
            ensure!(purge.due.is_none(), "{name} was leased before its time");
            // What was joined to a rebound leaves that behind.
            let rebounds = item.record.jobs.is_empty() && !item.record.more_jobs;
            ensure!(rebounds || !purge.expired(now), "{name} was leased, but is of no use to anybody");
            let under_way = self.rules.one_at_a_time && model.held_by_batch(&name);
            ensure!(!under_way, "{name} was leased, but the provider works on it");
            let dirs = model.covering_all(&name, purge.priority, now);
            let dir = dirs.into_iter().find(|dir| !self.no_room[at].contains(dir));
            // The last dirs of a day that go along may leave it no room.
            let covered = dir.as_ref().is_some_and(|dir| roomy.contains(dir));
            // What is also put again after a purge goes by itself.
            let rebound = item.record.cause.as_ref().is_some_and(|cause| cause.starts_with("rebound"));
            ensure!(rebound || !covered, "{name} was leased, but {dir:?} waits and covers it");
            haste.push(purge.priority);
        }
        // Where no window is spent, what has most haste goes.
        if self.rules.limits.rates.is_empty() {
            ensure!(haste.iter().min() == first.as_ref(), "{haste:?} went before {first:?}");
        }
        for item in &batch.items {
            let name = item.item.name(item.action);
            let purge = model.pending.remove(&name).unwrap();
            if let Some(id) = model.cover_of(&name) {
                model.covers.insert(id, Cover::Sent { batch: batch.id.clone(), index: item.index });
            }
            items.insert(item.index, (name, purge));
        }
        let state = State::Ready; // The caller says whose it is.
        model
            .batches
            .insert(batch.id.clone(), Batch { state, leased: 0, items, is_half: false, heard: None });
        Ok(())
    }

    pub(super) fn within_limits(&mut self, at: At, batch: &LeasedBatch) -> Verdict {
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
        self.sent.push(Sent { batch: (at, batch.id.clone()), at: now, kinds });
        for rate in &self.rules.limits.rates {
            let window = i64::try_from(rate.window_ms.get() + HEADROOM_MS).unwrap();
            let within = self.sent.iter().filter(|sent| sent.at > now - window);
            let spent: usize = within.map(|sent| Rules::counted(rate.unit, &sent.kinds)).sum();
            ensure!(spent <= rate.max.get() as usize, "{spent} in a window of {rate}");
        }
        Ok(())
    }

    /// A leased batch was not sent, if nothing of it has settled: it counts in no window.
    pub(super) fn not_sent(&mut self, at: At, id: &str) {
        let left = self.models[at].batches.get(id).map_or(0, |batch| batch.items.len());
        let whole = |sent: &Sent| sent.kinds.values().sum::<usize>() == left;
        let last = self.sent.iter().rposition(|sent| sent.batch.0 == at && sent.batch.1 == id);
        if let Some(last) = last
            && whole(&self.sent[last])
        {
            self.sent.remove(last);
        }
    }

    /// Everything at a target waits, whatever there is.
    pub(super) fn stopped(&self, at: At) -> bool {
        let now = self.now();
        let model = &self.models[at];
        model.held(Held::Paused, now) || self.throttled_until > now || model.broken(false, now)
    }

    /// Nothing is asked either, and while the breaker is open only when no call goes.
    pub(super) fn questions_stopped(&self, at: At) -> bool {
        self.stopped(at) || self.models[at].broken(true, self.now())
    }

    pub(super) fn ready_may_go(&self, at: At) -> Option<String> {
        let (model, now) = (&self.models[at], self.now());
        let may_go = |batch: &Batch| {
            let mut names = batch.items.values().map(|(name, _)| name);
            batch.state == State::Ready
                && names.all(|name| !model.held(Held::Kind(kind_of(name)), now))
                && self.has_room_for(batch)
        };
        let unrated = self.rules.limits.rates.is_empty();
        model.batches.iter().find(|(_, batch)| unrated && may_go(batch)).map(|(id, _)| id.clone())
    }

    /// Whether there is a reason for nothing to go.
    pub(super) fn may_wait(&self, at: At, why: &str, after: Option<i64>) -> Verdict {
        let (model, now) = (&self.models[at], self.now());
        let in_flight = model.in_flight();
        if self.stopped(at) || self.calls() >= self.rules.max_in_flight() {
            return Ok(());
        }
        if self.calls() + self.tasks() >= self.rules.max_tasks() {
            return Ok(());
        }
        if !self.rules.limits.rates.is_empty() && why != "linger" {
            return Ok(());
        }
        let ready = self.ready_may_go(at);
        ensure!(ready.is_none(), "{ready:?} is ready, but is made to wait: {why}");
        let may_go = self.may_go(at);
        if why == "linger" {
            ensure!(in_flight > 0, "it lingers for company, but no call is in flight");
            ensure!(after.is_some_and(|ms| ms <= LINGER_MS), "it lingers for {after:?} ms");
            let urgent = may_go.iter().find(|(_, purge)| purge.priority == Priority::Urgent);
            let unrated = self.rules.limits.rates.is_empty();
            ensure!(urgent.is_none() || !unrated, "{urgent:?} is urgent, but lingers");
        } else {
            ensure!(may_go.is_empty(), "{:?} may go, but is made to wait: {why}", may_go.keys());
            let due = model.pending.values().filter_map(|purge| purge.due);
            let next = due.chain(model.embargoed.keys().map(|(until, _)| *until));
            let waits_for_day = model.may_go(now).next().is_some();
            let next = next.chain(waits_for_day.then(|| self.next_day())).min();
            let in_time = next.is_none_or(|next| after.is_some_and(|ms| now + ms <= next));
            ensure!(in_time, "it is not worth asking for {after:?} ms, but something is due at {next:?}");
        }
        Ok(())
    }
}
