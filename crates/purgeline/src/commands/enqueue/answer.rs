use crate::{
    output::{Human, table},
    refused::{Listed, RefusedItem},
};
use purgeline_core::{JobId, JobState};
use purgeline_ops::JobStatus;
use purgeline_producer::{Submitted, TargetShare};
use serde::{Serialize, Serializer, ser::SerializeStruct};
use std::fmt;

/// What `purgeline enqueue` answers.
#[derive(Debug)]
pub(super) struct Answer {
    /// The accepted job. Its own list of refused items lacks where they were written.
    pub(super) submitted: Submitted,
    /// Items that were refused.
    pub(super) refused: Vec<RefusedItem>,
    /// The job when it had ended, if that was waited for.
    pub(super) ended: Option<JobStatus>,
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Submitted { job, repeated, state, items, targets, .. } = &self.submitted;
        let mut answer = serializer.serialize_struct("Answer", 7)?;
        answer.serialize_field::<JobId>("job", job)?;
        answer.serialize_field("repeated", repeated)?;
        answer
            .serialize_field::<JobState>("state", self.ended.as_ref().map_or(state, |end| &end.job.state))?;
        answer.serialize_field("items", items)?;
        answer.serialize_field::<Vec<TargetShare>>("targets", targets)?;
        answer.serialize_field("refused", &self.refused)?;
        match &self.ended {
            Some(ended) => answer.serialize_field("ended", ended)?,
            None => answer.skip_field("ended")?,
        }
        answer.end()
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Submitted { job, repeated, state, items, targets, .. } = &self.submitted;
        let items = if *items == 1 { "1 item".to_owned() } else { format!("{items} items") };
        match (repeated, state) {
            (false, _) => writeln!(f, "job {job}: {items} enqueued")?,
            (true, JobState::Active) => {
                writeln!(f, "job {job}: {items}, submitted before under this key and under way")?;
            }
            (true, state) => writeln!(f, "job {job}: {items}, submitted before under this key, {state}")?,
        }
        if !targets.is_empty() {
            let mut shares = table(&["target", "items", "new", "joined", "covered"]);
            for share in targets {
                let TargetShare { target, items, new, joined, covered } = share;
                shares.add_row([
                    target.to_string(),
                    items.to_string(),
                    new.to_string(),
                    joined.to_string(),
                    covered.to_string(),
                ]);
            }
            writeln!(f, "{}", shares.trim_fmt())?;
        }
        if !self.refused.is_empty() {
            writeln!(f, "\nrefused and not enqueued: {}{}", self.refused.len(), Listed(&self.refused))?;
        }
        match &self.ended {
            Some(ended) => write!(f, "\n{}", Human(ended)),
            None => Ok(()),
        }
    }
}
