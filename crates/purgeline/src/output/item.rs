use super::Human;
use purgeline_ops::{
    ItemState, Wait,
    text::{HoldText, Time},
};
use purgeline_queue::{BatchState, QuotaWait, WaitReason};
use std::fmt;

impl fmt::Display for Human<'_, ItemState> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ItemState::Pending { wait } => write!(f, "waits {}", Human(wait)),
            ItemState::Covered { dir, by } => write!(f, "is covered by {dir}, which {}", Human(&**by)),
            ItemState::Embargoed { until_ms } => write!(f, "is embargoed until {}", Time(*until_ms)),
            ItemState::Batch { batch, state: BatchState::Leased, .. } => {
                write!(f, "is being sent in batch {batch}")
            }
            ItemState::Batch { batch, state: BatchState::Ready, .. } => {
                write!(f, "waits to be sent in batch {batch}, a part of a refused one")
            }
            ItemState::Batch {
                batch,
                state: BatchState::Submitted,
                receipt,
                submitted_at_ms,
                due_ms,
                polls,
            } => {
                write!(f, "was accepted in batch {batch}")?;
                if let Some(at) = submitted_at_ms {
                    write!(f, " at {}", Time(*at))?;
                }
                if let Some(receipt) = receipt {
                    write!(f, " as {receipt}")?;
                }
                write!(f, ", asked about {polls} times")?;
                match due_ms {
                    Some(due) => write!(f, ", next at {}", Time(*due)),
                    None => Ok(()),
                }
            }
        }
    }
}

impl fmt::Display for Human<'_, Wait> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "in {} since {}", self.0.lane, Time(self.0.since_ms))?;
        match (self.0.due_ms, self.0.latest_ms) {
            (Some(due), Some(latest)) => {
                write!(f, ", until {} if it stays quiet, {} at the latest", Time(due), Time(latest))?;
            }
            (Some(due), None) => write!(f, ", not before {}", Time(due))?,
            (None, _) => {}
        }
        if let Some(QuotaWait { quota, until_ms }) = &self.0.quota {
            write!(f, ", for quota {quota} until {}", Time(*until_ms))?;
        }
        let times = if self.0.attempts == 1 { "attempt" } else { "attempts" };
        match (self.0.attempts, &self.0.cause) {
            (0, None) => {}
            (0, Some(cause)) if cause == "rebound" => write!(f, ", to be purged once more")?,
            (sent, Some(cause)) => write!(f, ", after {sent} {times} (last: {cause})")?,
            (sent, None) => write!(f, ", after {sent} {times}")?,
        }
        match &self.0.why {
            // That was said.
            WaitReason::Delayed { .. } => Ok(()),
            WaitReason::Turn if self.0.quota.is_some() => Ok(()),
            why => write!(f, "; {}", Human(why)),
        }
    }
}

/// What is in an item's way.
impl fmt::Display for Human<'_, WaitReason> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            WaitReason::Delayed { until_ms, .. } => write!(f, "delayed until {}", Time(*until_ms)),
            WaitReason::UnderWay => f.write_str("the provider works on an earlier request for it"),
            WaitReason::Held { hold } => write!(f, "held: {}", HoldText(hold)),
            WaitReason::Calls { max } => write!(f, "all {max} calls are under way"),
            WaitReason::Rate { rate } => {
                write!(f, "the limit {} is used up, {} of {}", rate.rate, rate.used, rate.max)?;
                match rate.frees_ms {
                    Some(frees) => write!(f, ", until {}", Time(frees)),
                    None => Ok(()),
                }
            }
            WaitReason::Linger { until_ms } => {
                write!(f, "its call waits for company until {}", Time(*until_ms))
            }
            WaitReason::Turn => f.write_str("nothing is in its way: it goes when a worker asks"),
        }
    }
}
