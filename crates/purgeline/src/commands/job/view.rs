use crate::output::{Human, table};
use purgeline_ops::{
    JobStatus, LetterAtTarget, WaitingItem,
    text::{HoldText, Span, Time},
};
use purgeline_queue::Job;
use std::fmt;

impl fmt::Display for Human<'_, JobStatus> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let job = &self.0.job;
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
        if let Some(at) = job.abandoned_ms {
            writeln!(
                f,
                "abandoned {}: its producer stayed away for a day; what never came is cancelled",
                Time(at)
            )?;
        }
        if let Some(ended) = job.ended_ms {
            writeln!(f, "ended {}, after {}", Time(ended), Span(ended - job.submitted_ms))?;
        }
        let first = job.first_items.first().map(String::as_str).unwrap_or_default();
        match job.items {
            1 => writeln!(f, "1 item: {first}")?,
            items => writeln!(f, "{items} items, the first {first}")?,
        }
        write_deliveries(f, job)?;
        for hold in &self.0.holds {
            writeln!(f, "\nheld: target {}: {}", hold.target, HoldText(&hold.hold))?;
        }
        if !self.0.failures.is_empty() {
            writeln!(f, "\nfailed:")?;
            for LetterAtTarget { target, letter } in &self.0.failures {
                writeln!(f, "  {target}/{}  {}  {}", letter.id, letter.item, letter.cause)?;
            }
        }
        if !self.0.waiting.is_empty() {
            writeln!(f, "\nwaiting:")?;
            for WaitingItem { target, item, state } in &self.0.waiting {
                writeln!(f, "  {target}: {item} {}", Human(state))?;
            }
        }
        Ok(())
    }
}

fn ms(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

fn write_deliveries(f: &mut fmt::Formatter<'_>, job: &Job) -> fmt::Result {
    let mut parts = table(&["target", "state", "items", "succeeded", "failed", "cancelled", "waiting"]);
    for (name, part) in &job.parts {
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
