use crate::{
    failure::Failure,
    output::{HoldText, Span, Time, table},
    session::Session,
    whereabouts::{self, Whereabouts},
};
use purgeline_core::{Item, JobId, TargetName};
use purgeline_queue::{DeadLetter, Hold, Job};
use serde::Serialize;
use std::fmt;

/// A job with what an operator asks next: what failed and why, and where what waits is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct JobView {
    /// The job.
    #[serde(flatten)]
    pub(crate) job: Job,
    /// Its first failures.
    pub(crate) failures: Vec<Failed>,
    /// Where the first of its items are that wait.
    pub(crate) waiting: Vec<WaitingItem>,
    /// What is held at the targets where items of it wait.
    pub(crate) holds: Vec<HeldTarget>,
}

/// A failed item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Failed {
    /// Where it failed.
    pub(crate) target: TargetName,
    /// What is kept of it.
    #[serde(flatten)]
    pub(crate) letter: DeadLetter,
}

/// An item that waits at a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct WaitingItem {
    /// Where it waits.
    pub(crate) target: TargetName,
    /// Its name.
    pub(crate) item: String,
    /// How far it has come.
    #[serde(flatten)]
    pub(crate) whereabouts: Whereabouts,
}

/// A hold at a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct HeldTarget {
    /// The target.
    pub(crate) target: TargetName,
    /// What is held, why, until when.
    #[serde(flatten)]
    pub(crate) hold: Hold,
}

/// Items that are looked for, of those that the job keeps the names of.
const LOOKED_FOR: usize = 10;

impl JobView {
    /// Reads a job; `None` if none of that id is kept.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub(crate) async fn read(session: &Session, id: JobId) -> Result<Option<Self>, Failure> {
        let Some(job) = session.queue.inspect().job(id, &session.identities()).await? else {
            return Ok(None);
        };
        let mut view = Self { job, failures: Vec::new(), waiting: Vec::new(), holds: Vec::new() };
        for (name, part) in &view.job.parts {
            // A part at a target that is no longer configured shows what was taken down of it.
            let Ok(target) = session.target(name) else { continue };
            for id in &part.dead {
                if let Some(letter) = session.queue.inspect().dead_letter(&target.target, id).await? {
                    view.failures.push(Failed { target: name.clone(), letter });
                }
            }
            if part.counts.items > 0 && part.counts.state().is_terminal() {
                continue;
            }
            let limits = &target.descriptor.limits;
            let standing =
                session.queue.inspect().standing(&target.target, limits, target.config.linger_ms).await?;
            view.holds
                .extend(standing.holds.iter().cloned().map(|hold| HeldTarget { target: name.clone(), hold }));
            for text in view.job.first_items.iter().take(LOOKED_FOR) {
                let Some((item, action)) = Item::from_name(text) else { continue };
                let queue = &session.queue.inspect();
                let found = match view.job.timing.not_before_ms {
                    Some(at) => {
                        whereabouts::find_embargoed(queue, target, &standing, &item, action, at).await?
                    }
                    None => whereabouts::find(queue, target, &standing, &item, action).await?,
                };
                if let Some(found) = found {
                    view.waiting.push(WaitingItem {
                        target: name.clone(),
                        item: text.clone(),
                        whereabouts: found,
                    });
                }
            }
        }
        Ok(Some(view))
    }
}

impl fmt::Display for JobView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let job = &self.job;
        writeln!(f, "job {}: {}", job.id, job.state)?;
        write!(f, "submitted {}, priority {}", Time(job.submitted_ms), job.priority)?;
        if let Some(source) = &job.source {
            write!(f, ", by {source}")?;
        }
        writeln!(f)?;
        if let Some(quiet) = job.timing.quiet {
            let (quiet, most) = (Span(ms(quiet.quiet_ms)), Span(ms(quiet.max_wait_ms)));
            writeln!(f, "waits for {quiet} of quiet, {most} at most")?;
        }
        if let Some(at) = job.timing.not_before_ms {
            writeln!(f, "not before {}", Time(at))?;
        }
        if let Some(at) = job.timing.expires_at_ms {
            writeln!(f, "expires {}", Time(at))?;
        }
        if let Some(ended) = job.ended_ms {
            writeln!(f, "ended {}, after {}", Time(ended), Span(ended - job.submitted_ms))?;
        }
        let first = job.first_items.first().map(String::as_str).unwrap_or_default();
        match job.items {
            1 => writeln!(f, "1 item: {first}")?,
            items => writeln!(f, "{items} items, the first {first}")?,
        }
        self.write_parts(f)?;
        for hold in &self.holds {
            writeln!(f, "\nheld: target {}: {}", hold.target, HoldText(&hold.hold))?;
        }
        if !self.failures.is_empty() {
            writeln!(f, "\nfailed:")?;
            for Failed { target, letter } in &self.failures {
                writeln!(f, "  {target}/{}  {}  {}", letter.id, letter.item, letter.cause)?;
            }
        }
        if !self.waiting.is_empty() {
            writeln!(f, "\nwaiting:")?;
            for WaitingItem { target, item, whereabouts } in &self.waiting {
                writeln!(f, "  {target}: {item} {whereabouts}")?;
            }
        }
        Ok(())
    }
}

fn ms(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

impl JobView {
    fn write_parts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = table(&["target", "state", "items", "succeeded", "failed", "cancelled", "waiting"]);
        for (name, part) in &self.job.parts {
            let counts = part.counts;
            let state = match part.abandoned {
                _ if part.cancelling_ms.is_some() => format!("{} (being cancelled)", counts.state()),
                Some(announced) => format!("{} (of {announced} announced)", counts.state()),
                None if part.enqueued < counts.items => format!("enqueued {} so far", part.enqueued),
                None => counts.state().to_string(),
            };
            parts.add_row([
                name.to_string(),
                state,
                counts.items.to_string(),
                counts.succeeded.to_string(),
                counts.failed.to_string(),
                match part.expired {
                    0 => counts.cancelled.to_string(),
                    expired => format!("{} ({expired} expired)", counts.cancelled),
                },
                counts.items.saturating_sub(counts.settled()).to_string(),
            ]);
        }
        writeln!(f, "\n{}", parts.trim_fmt())
    }
}
