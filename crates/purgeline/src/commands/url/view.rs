use crate::{
    failure::Failure,
    output::{HoldText, Time},
    whereabouts::{self, Whereabouts},
};
use purgeline_core::{Action, Item, JobId, Priority, TargetName};
use purgeline_providers::ConfiguredTarget;
use purgeline_queue::{
    BatchState, DeadLetter, EmbargoedItem, Hold, LOOKED_AT, LastOutcome, PendingItem, Queue, Record,
};
use serde::Serialize;
use std::fmt;

/// How an item fares at each target that serves it.
#[derive(Debug, Serialize)]
pub(super) struct UrlView {
    pub(super) item: String,
    pub(super) targets: Vec<AtTarget>,
}

/// How it fares at one target.
#[derive(Debug, Serialize)]
pub(super) struct AtTarget {
    target: TargetName,
    /// It waits.
    waiting: Option<Waiting>,
    /// It waits for the end of these embargoes: the first first.
    embargoes: Vec<EmbargoedItem>,
    /// It is in these calls.
    batches: Vec<InBatch>,
    /// What is held at the target, if anything of it waits there.
    holds: Vec<Hold>,
    /// How it last ended, and the dirs above it.
    last: Vec<LastOutcome>,
    /// What is kept of its last failure.
    dead_letter: Option<DeadLetter>,
}

#[derive(Debug, Serialize)]
struct Waiting {
    /// What waits.
    item: String,
    #[serde(flatten)]
    whereabouts: Whereabouts,
    /// The jobs that wait for it; not all of them if `more_jobs`.
    jobs: Vec<JobId>,
    more_jobs: bool,
    /// Items before it in its lane, about; `None`: it stands in none, or there are very many.
    before: Option<u64>,
}

/// A call that the item is in.
#[derive(Debug, Serialize)]
struct InBatch {
    batch: String,
    state: BatchState,
    worker: Option<String>,
    leased_at_ms: Option<i64>,
    receipt: Option<String>,
    submitted_at_ms: Option<i64>,
    /// When its worker's lease runs out, or when the provider is asked next, in milliseconds
    /// since 1970.
    due_ms: Option<i64>,
    polls: u32,
}

impl AtTarget {
    /// # Errors
    /// When Redis cannot be asked.
    pub(super) async fn read(
        queue: &Queue,
        configured: &ConfiguredTarget,
        item: &Item,
        wished: Action,
    ) -> Result<Self, Failure> {
        // What the item is called does not depend on the priority.
        let (action, _) = configured.lane(item, wished, Priority::Normal);
        let target = &configured.target;
        let standing =
            queue.standing(target, &configured.descriptor.limits, configured.config.linger_ms).await?;
        let mut view = Self {
            target: target.name.clone(),
            waiting: None,
            embargoes: queue.embargoes_of(target, item, action).await?,
            batches: Vec::new(),
            holds: Vec::new(),
            last: queue.last_outcomes(target, item, action).await?,
            dead_letter: None,
        };
        let found = whereabouts::find_pending(queue, configured, &standing, item, action).await?;
        if let Some((PendingItem { name, record }, whereabouts)) = found {
            let before = match record.due_ms {
                Some(_) => None,
                None => queue.items_before(target, item, action, &record.lane).await?,
            };
            let Record { jobs, more_jobs, .. } = record;
            view.waiting = Some(Waiting { item: name, whereabouts, jobs, more_jobs, before });
        }
        for id in queue.batches_of(target, item, action).await? {
            // It may have ended since.
            let Some(batch) = queue.batch(target, &id).await? else { continue };
            view.batches.push(InBatch {
                batch: id,
                state: batch.state,
                worker: batch.worker,
                leased_at_ms: batch.leased_at_ms,
                receipt: batch.receipt,
                submitted_at_ms: batch.submitted_at_ms,
                due_ms: batch.due_ms,
                polls: batch.polls,
            });
        }
        if view.waiting.is_some() || !view.embargoes.is_empty() || !view.batches.is_empty() {
            view.holds = standing.holds;
        }
        let own = item.name(action);
        let failed = view.last.iter().find(|last| last.item == own).and_then(|last| last.dead.as_deref());
        if let Some(id) = failed {
            view.dead_letter = queue.dead_letter(target, id).await?;
        }
        Ok(view)
    }
}

impl fmt::Display for UrlView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.item)?;
        for target in &self.targets {
            write!(f, "\n\n{target}")?;
        }
        Ok(())
    }
}

impl fmt::Display for AtTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "target {}", self.target)?;
        if self.waiting.is_none() && self.embargoes.is_empty() && self.batches.is_empty() {
            f.write_str("\n  does not wait")?;
        }
        if let Some(waiting) = &self.waiting {
            write!(f, "\n  {waiting}")?;
        }
        for EmbargoedItem { until_ms, item: PendingItem { name, record } } in &self.embargoes {
            write!(f, "\n  is embargoed as {name} until {}", Time(*until_ms))?;
            write_jobs(f, record.jobs.iter(), record.more_jobs)?;
        }
        for batch in &self.batches {
            write!(f, "\n  {batch}")?;
        }
        for hold in &self.holds {
            write!(f, "\n  held: {}", HoldText(hold))?;
        }
        if self.last.is_empty() {
            f.write_str("\n  no outcome is kept (retention.history_s, retention.max_history)")?;
        }
        for last in &self.last {
            write!(f, "\n  ")?;
            write_last(f, last)?;
        }
        match &self.dead_letter {
            Some(letter) => {
                write!(f, "\n  it said: {}", letter.cause)?;
                write!(f, "\n  see `purgeline dead show {}/{}`", self.target, letter.id)
            }
            None => Ok(()),
        }
    }
}

fn write_last(f: &mut fmt::Formatter<'_>, last: &LastOutcome) -> fmt::Result {
    let what = if last.succeeded { "purged" } else { "failed for good" };
    write!(f, "{what} {} by {} in batch {}", Time(last.at_ms), last.item, last.batch)?;
    if let Some(code) = &last.code {
        write!(f, ": {code}")?;
    }
    if let Some(job) = last.jobs.first() {
        write!(f, ", for job {job}")?;
    }
    if last.jobs.len() > 1 {
        f.write_str(" and others")?;
    }
    Ok(())
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.whereabouts {
            Whereabouts::Pending { wait } => {
                write!(f, "waits as {} {wait}", self.item)?;
                match (self.before, wait.is_delayed()) {
                    (Some(0), _) => f.write_str(", next in its lane")?,
                    (Some(before), _) => write!(f, ", behind {before} in its lane")?,
                    (None, false) => write!(f, ", behind more than {LOOKED_AT} in its lane")?,
                    (None, true) => {}
                }
            }
            Whereabouts::Covered { dir, by } => {
                write!(f, "waits as {}, covered by {dir}, which {by}", self.item)?;
            }
            other => write!(f, "waits as {}, {other}", self.item)?,
        }
        write_jobs(f, self.jobs.iter(), self.more_jobs)
    }
}

fn write_jobs<'a>(
    f: &mut fmt::Formatter<'_>,
    jobs: impl Iterator<Item = &'a JobId>,
    more: bool,
) -> fmt::Result {
    let jobs: Vec<_> = jobs.map(ToString::to_string).collect();
    let jobs = if jobs.is_empty() { "no job that is kept".to_owned() } else { jobs.join(" ") };
    write!(f, "\n  for {jobs}{}", if more { " and more" } else { "" })
}

impl fmt::Display for InBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { batch, worker, .. } = self;
        match self.state {
            BatchState::Ready => {
                return write!(f, "waits to be sent in batch {batch}, a part of a refused one");
            }
            BatchState::Leased => write!(f, "is being sent in batch {batch}")?,
            BatchState::Submitted => write!(f, "was accepted in batch {batch}")?,
        }
        if let Some(worker) = worker {
            write!(f, " by worker {worker}")?;
        }
        let lease_until_ms = self.due_ms.filter(|_| self.state == BatchState::Leased);
        let times = [
            (self.leased_at_ms, "leased"),
            (lease_until_ms, "its worker's until"),
            (self.submitted_at_ms, "accepted"),
        ];
        for (at, what) in times {
            if let Some(at) = at {
                write!(f, ", {what} {}", Time(at))?;
            }
        }
        if let Some(receipt) = &self.receipt {
            write!(f, ", receipt {receipt}, asked about {} times", self.polls)?;
        }
        match self.due_ms {
            Some(next) if self.state == BatchState::Submitted => write!(f, ", next {}", Time(next)),
            _ => Ok(()),
        }
    }
}
