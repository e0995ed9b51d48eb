use crate::{Queue, QueueError};
use purgeline_core::{Cause, Class, JobId, Target};
use redis::AsyncTypedCommands;
use serde::Serialize;
use std::collections::HashMap;

/// An item that failed for good, with everything it takes to judge it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    /// Its id at its target: batch and index, like `b17-3`.
    pub id: String,
    /// The item's name: `url:https://www.example.com/a`.
    pub item: String,
    /// Why it failed, in the provider's code and words.
    pub cause: Cause,
    /// Sends, the last included.
    pub attempts: u32,
    /// The batch it was last sent in.
    pub batch: String,
    /// Jobs that waited for it; not all of them if `more_jobs`.
    pub jobs: Vec<JobId>,
    /// Whether more jobs waited than are named.
    pub more_jobs: bool,
    /// When it was first asked for, in milliseconds since 1970.
    pub since_ms: i64,
    /// When it failed, in milliseconds since 1970.
    pub failed_at_ms: i64,
}

impl Queue {
    /// A dead letter of a target; `None` if none of that id is kept.
    ///
    /// # Errors
    /// When Redis cannot be asked, or holds no dead letter there.
    pub async fn dead_letter(&self, target: &Target, id: &str) -> Result<Option<DeadLetter>, QueueError> {
        let key = self.keys().of_target(target, &format!("dead:{id}"));
        let fields: HashMap<String, String> = self.manager().hgetall(&key).await?;
        if fields.is_empty() {
            return Ok(None);
        }
        read(id, &fields).map(Some).ok_or_else(|| {
            QueueError::malformed(&key, "a dead letter: item, class, code, attempts, jobs …", &fields)
        })
    }

    /// The latest dead letters of a target, newest first, at most `most`.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn dead_letters(&self, target: &Target, most: usize) -> Result<Vec<DeadLetter>, QueueError> {
        let last = isize::try_from(most).unwrap_or(isize::MAX) - 1;
        let ids = self.manager().zrevrange(self.keys().of_target(target, "dead"), 0, last).await?;
        let letters =
            futures::future::try_join_all(ids.iter().map(|id| self.dead_letter(target, id))).await?;
        // One may have expired since its id was read.
        Ok(letters.into_iter().flatten().collect())
    }
}

fn read(id: &str, fields: &HashMap<String, String>) -> Option<DeadLetter> {
    let field = |name: &str| fields.get(name).map(String::as_str);
    let class = field("class")?;
    let entries = field("jobs")?.split(',').filter(|entry| !entry.is_empty());
    Some(DeadLetter {
        id: id.to_owned(),
        item: field("item")?.to_owned(),
        cause: Cause {
            class: Class::ALL.into_iter().find(|known| known.as_str() == class)?,
            code: field("code")?.to_owned(),
            message: field("message")?.to_owned(),
        },
        attempts: field("attempts")?.parse().ok()?,
        batch: field("batch")?.to_owned(),
        jobs: entries
            .map(|entry| crate::record::read_entry(entry).map(|(job, _)| job))
            .collect::<Option<_>>()?,
        more_jobs: field("more_jobs") == Some("1"),
        since_ms: field("since")?.parse().ok()?,
        failed_at_ms: field("failed_at")?.parse().ok()?,
    })
}
