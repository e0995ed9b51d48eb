//! What must hold after each step, and in the end.

use super::{Verdict, World};
use crate::model::{
    coverage::Cover,
    queue_model::{Ended, Purge, QueueModel, State, Unit},
    snapshot::{Record, Snapshot, Waiting},
    step::{DAY_MS, Outcome, Step},
};
use redis::AsyncTypedCommands;
use std::collections::{BTreeMap, BTreeSet};

impl World<'_> {
    pub(super) async fn check(&mut self) -> Verdict {
        let now = self.now();
        for (target, model) in self.targets.iter().zip(&mut self.models) {
            let found = Snapshot::take(&self.queue, target).await?;
            model.expire(&found, now);
            model.see_covers(&found, now).map_err(|wrong| format!("{}: {wrong}", target.name))?;
            model.see_ends(&found);
            agree(&found, model).map_err(|wrong| format!("{}: {wrong}", target.name))?;
        }
        let found = self.queue.audit().verify(&self.targets).await.map_err(|error| error.to_string())?;
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
        self.follow_the_dead().await?;
        let mut again = true;
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
            let over = |model: &QueueModel| model.pending.is_empty() && model.embargoed.is_empty();
            if !moved && self.models.iter().all(over) {
                if !std::mem::take(&mut again) {
                    return self.finished().await;
                }
                // What has failed is open again, under jobs that have ended.
                moved = self.retry_all().await?;
            }
            self.apply(&Step::Pass { ms: if moved { 20 } else { self.rules.patience_ms() } }).await?;
        }
        let left: Vec<_> = self.models.iter().map(|model| &model.pending).collect();
        Err(format!("it does not end: {left:?}"))
    }

    pub(super) async fn finished(&mut self) -> Verdict {
        for at in 0..2 {
            self.take(&Step::Drain { at, most: usize::from(u16::MAX) }).await?;
            self.take(&Step::Carry { at }).await?;
        }
        for asked in self.jobs.clone().iter().filter(|asked| !asked.gone) {
            let ended: Vec<_> = self.ended.iter().filter(|(job, _)| *job == asked.id).collect();
            ensure!(ended.len() == 1, "{asked:?} ended {ended:?}");
            let job = self.queue.inspect().job(asked.id, &self.targets).await.unwrap().ok_or("no job")?;
            ensure!(job.state == ended[0].1, "job {} is {}, ended {ended:?}", job.id, job.state);
        }
        let told = self.events_of_ended_jobs().await;
        let said: BTreeMap<_, _> =
            self.ended.iter().map(|(job, state)| (job.to_string(), (1, state.to_string()))).collect();
        // Of one that was to be reopened it is said each time, and what was said last is true.
        let again: BTreeSet<_> = self.said_again.iter().map(ToString::to_string).collect();
        let once = |(job, (count, state))| {
            (String::clone(&job), (if again.contains(&job) { 1 } else { count }, state))
        };
        let told: BTreeMap<_, _> = told.into_iter().map(once).collect();
        ensure!(told == said, "told of {told:?}, ended {said:?}");
        // Once the windows have room again, and the days, the last hints are looked at.
        let ms = if self.rules.limits.quotas.is_empty() { 1_000 } else { DAY_MS };
        self.apply(&Step::Pass { ms }).await?;
        for at in 0..2 {
            ensure!(!self.lease(at, 0).await?, "something was left to lease");
        }
        for target in &self.targets {
            let left = Snapshot::take(&self.queue, target).await?;
            // A hint goes when its time has come.
            let may_stay =
                ["stats", "job", "dead", "dead-jobs", "history", "outbox", "expiring", "breaker", "hold"];
            let stays = left.kinds.iter().filter(|kind| !may_stay.contains(&kind.as_str()));
            let stays: Vec<_> = stays.collect();
            ensure!(stays.is_empty(), "{}: {stays:?} {left:?} are left", target.name);
        }
        Ok(())
    }

    /// Which jobs whoever watches has heard of, how often, and what last.
    pub(super) async fn events_of_ended_jobs(&self) -> BTreeMap<String, (usize, String)> {
        let events = self.queue.manager().xrange_all(self.queue.keys().events()).await.unwrap();
        let mut told = BTreeMap::new();
        for event in events.ids {
            let text = |name: &str| event.get::<String>(name).unwrap_or_default();
            if text("what") == "job_ended" {
                let entry = told.entry(text("job")).or_insert((0, String::new()));
                *entry = (entry.0 + 1, text("state"));
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
    let waits = |cover: &Cover| if let Cover::Waits(dir) = cover { Some(dir.clone()) } else { None };
    let open: BTreeMap<_, _> =
        model.covers.iter().filter_map(|(id, cover)| Some((id.clone(), waits(cover)?))).collect();
    ensure!(found.open_covers == open, "coverages: found {:?}, expected {open:?}", found.open_covers);
    let (there, expected): (Vec<_>, Vec<_>) =
        (found.embargoed.keys().collect(), model.embargoed.keys().collect());
    ensure!(there == expected, "embargoed: found {there:?}, expected {expected:?}");
    for (key, purge) in &model.embargoed {
        same(&key.1, &found.embargoed[key], purge, purge.due)?;
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
        for ((index, (name, purge)), covers) in batch.items.iter().zip(&there.covers) {
            let sent = Cover::Sent { batch: id.clone(), index: *index };
            let its = model.covers.iter().find(|(_, cover)| **cover == sent).map(|(id, _)| id);
            ensure!(covers.as_ref() == its, "{name} in {id} covers {covers:?}, expected {its:?}");
            let (there, record) = &there.items[index];
            ensure!(there == name, "item {index} of batch {id} is {there}, expected {name}");
            same(&format!("{id} {name}"), record, purge, None)?;
        }
    }
    let letters: BTreeSet<_> = model.letters.keys().cloned().collect();
    ensure!(found.letters == letters, "letters: found {:?}, expected {letters:?}", found.letters);
    ensure!(found.letter_lists.is_subset(&letters), "no letters of {:?}", found.letter_lists);
    let (parts, expected): (Vec<_>, Vec<_>) = (found.parts.keys().collect(), model.parts.keys().collect());
    ensure!(parts == expected, "parts of {parts:?}, expected {expected:?}");
    for (job, part) in &model.parts {
        let there = &found.parts[job];
        let (done, failed, expired) = found.settling.get(job).copied().unwrap_or_default();
        let counts = (there.succeeded + done, there.failed + failed, there.cancelled + expired);
        let cancelled = part.count(Ended::Expired) + part.count(Ended::Cancelled);
        let expected = (part.count(Ended::Succeeded), part.count(Ended::Failed), cancelled);
        let (items, enqueued) = (part.items as u64, part.enqueued as u64);
        ensure!(
            (there.items, there.enqueued) == (items, enqueued),
            "job {job}: {there:?}, expected {enqueued} of {items} items"
        );
        ensure!(
            counts == expected,
            "job {job}: (succeeded, failed, cancelled) {counts:?}, expected {expected:?}"
        );
        let over = there.succeeded + there.failed + there.cancelled == there.items;
        ensure!((there.state != "active") == over, "job {job} is {} with {there:?}", there.state);
        let cancelling = part.cancelling.is_some();
        ensure!(
            there.cancelling == cancelling,
            "job {job} is being cancelled: {there:?}, expected {cancelling}"
        );
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
    let latest = due.and(purge.latest);
    let (covered, stopped) = (due.and(purge.covered.clone()), due.is_none() && found.stopped);
    // What comes of a rebound depends on more than the model knows.
    let rebound = found.rebound;
    let priority = purge.priority;
    let expected = Record { priority, attempts, due, latest, under_way, covered, stopped, rebound, waiting };
    ensure!(*found == expected, "{what}: found {found:?}, expected {expected:?}");
    Ok(())
}
