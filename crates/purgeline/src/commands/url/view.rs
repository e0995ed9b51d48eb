use crate::output::Human;
use purgeline_core::JobId;
use purgeline_ops::{
    ItemAtTarget, ItemInBatch, ItemState, ItemStatus, WaitingAtTarget,
    text::{HoldText, Time},
};
use purgeline_queue::{BatchState, EmbargoedItem, LOOKED_AT, LastOutcome, PendingItem};
use std::fmt;

impl fmt::Display for Human<'_, ItemStatus> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.item)?;
        for target in &self.0.targets {
            write!(f, "\n\n{}", Human(target))?;
        }
        Ok(())
    }
}

impl fmt::Display for Human<'_, ItemAtTarget> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "target {}", self.0.target)?;
        if self.0.waiting.is_none() && self.0.embargoes.is_empty() && self.0.batches.is_empty() {
            f.write_str("\n  does not wait")?;
        }
        if let Some(waiting) = &self.0.waiting {
            write!(f, "\n  {}", Human(waiting))?;
        }
        for EmbargoedItem { until_ms, item: PendingItem { name, record } } in &self.0.embargoes {
            write!(f, "\n  is embargoed as {name} until {}", Time(*until_ms))?;
            write_jobs(f, record.jobs.iter(), record.more_jobs)?;
        }
        for batch in &self.0.batches {
            write!(f, "\n  {}", Human(batch))?;
        }
        for hold in &self.0.holds {
            write!(f, "\n  held: {}", HoldText(hold))?;
        }
        if self.0.last.is_empty() {
            f.write_str("\n  no outcome is kept (retention.history_s, retention.max_history)")?;
        }
        for last in &self.0.last {
            write!(f, "\n  ")?;
            write_last(f, last)?;
        }
        match &self.0.dead_letter {
            Some(letter) => {
                write!(f, "\n  it said: {}", letter.cause)?;
                write!(f, "\n  see `purgeline dead show {}/{}`", self.0.target, letter.id)
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

impl fmt::Display for Human<'_, WaitingAtTarget> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.state {
            ItemState::Pending { wait } => {
                write!(f, "waits as {} {}", self.0.item, Human(wait))?;
                match (self.0.before, wait.is_delayed()) {
                    (Some(0), _) => f.write_str(", next in its lane")?,
                    (Some(before), _) => write!(f, ", behind {before} in its lane")?,
                    (None, false) => write!(f, ", behind more than {LOOKED_AT} in its lane")?,
                    (None, true) => {}
                }
            }
            ItemState::Covered { dir, by } => {
                write!(f, "waits as {}, covered by {dir}, which {}", self.0.item, Human(&**by))?;
            }
            other => write!(f, "waits as {}, {}", self.0.item, Human(other))?,
        }
        write_jobs(f, self.0.jobs.iter(), self.0.more_jobs)
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

impl fmt::Display for Human<'_, ItemInBatch> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ItemInBatch { batch, worker, .. } = self.0;
        match self.0.state {
            BatchState::Ready => {
                return write!(f, "waits to be sent in batch {batch}, a part of a refused one");
            }
            BatchState::Leased => write!(f, "is being sent in batch {batch}")?,
            BatchState::Submitted => write!(f, "was accepted in batch {batch}")?,
        }
        if let Some(worker) = worker {
            write!(f, " by worker {worker}")?;
        }
        let lease_until_ms = self.0.due_ms.filter(|_| self.0.state == BatchState::Leased);
        let times = [
            (self.0.leased_at_ms, "leased"),
            (lease_until_ms, "its worker's until"),
            (self.0.submitted_at_ms, "accepted"),
        ];
        for (at, what) in times {
            if let Some(at) = at {
                write!(f, ", {what} {}", Time(at))?;
            }
        }
        if let Some(receipt) = &self.0.receipt {
            write!(f, ", receipt {receipt}, asked about {} times", self.0.polls)?;
        }
        match self.0.due_ms {
            Some(next) if self.0.state == BatchState::Submitted => write!(f, ", next {}", Time(next)),
            _ => Ok(()),
        }
    }
}
