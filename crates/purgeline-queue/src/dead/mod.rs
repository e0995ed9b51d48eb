mod drop;
mod filter;
mod plan;
mod reopen;
mod retry;
mod walk;

pub use filter::DeadFilter;
pub use plan::RetryPlan;
pub use retry::Retried;
pub use walk::DeadWalk;

use crate::{Queue, QueueError, record::read_entry};
use purgeline_core::{Cause, Class, JobId, Target};
use serde::Serialize;
use std::collections::HashMap;

/// Jobs that a letter names besides those in its own record.
const NAMED_JOBS: isize = 500;

/// An item that failed for good, with everything it takes to judge it and to try it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    /// Its id at its target: batch and index, like `b17-3`.
    pub id: String,
    /// The item's name: `url:https://www.example.com/a`.
    pub item: String,
    /// The lane that it stood in, and will again if it is retried; empty if the names of the items
    /// that it stands for are lost, and it cannot be.
    pub lane: String,
    /// Why it failed, in the provider's code and words.
    pub cause: Cause,
    /// Sends, the last included.
    pub attempts: u32,
    /// The batch it was last sent in.
    pub batch: String,
    /// Jobs that waited for it; not all of them if `more_jobs`.
    pub jobs: Vec<JobId>,
    /// Whether more jobs waited than are named: of a hot item's, 500 are and some. A retry does
    /// not reach the others.
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
        Ok(self.read_letters(target, &[id.to_owned()]).await?.pop())
    }

    /// The latest dead letters of a target, newest first, at most `most`.
    ///
    /// # Errors
    /// When Redis cannot be asked, or holds something else.
    pub async fn dead_letters(&self, target: &Target, most: usize) -> Result<Vec<DeadLetter>, QueueError> {
        let filter = DeadFilter::default();
        let mut walk = self.walk_dead(target, &filter);
        let mut letters = Vec::new();
        while letters.len() < most
            && let Some(found) = walk.next().await?
        {
            letters.extend(found);
        }
        letters.truncate(most);
        Ok(letters)
    }

    /// Those of these letters that are kept.
    async fn read_letters(&self, target: &Target, ids: &[String]) -> Result<Vec<DeadLetter>, QueueError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let key = |id: &str| self.keys().of_target(target, &format!("dead:{id}"));
        let mut redis = self.manager();
        let mut pipe = redis::pipe();
        for id in ids {
            pipe.hgetall(key(id));
        }
        let all: Vec<HashMap<String, String>> = pipe.query_async(&mut redis).await?;
        let mut letters = Vec::new();
        let (mut pipe, mut hot) = (redis::pipe(), Vec::new());
        for (id, fields) in ids.iter().zip(&all).filter(|(_, fields)| !fields.is_empty()) {
            let letter = read(id, fields).ok_or_else(|| {
                QueueError::malformed(
                    key(id),
                    "a dead letter: item, lane, class, code, attempts, jobs …",
                    fields,
                )
            })?;
            if letter.more_jobs {
                hot.push((letters.len(), fields.contains_key("unnamed")));
                pipe.lrange(self.keys().of_target(target, &format!("dead-jobs:{id}")), 0, NAMED_JOBS - 1);
            }
            letters.push(letter);
        }
        if !hot.is_empty() {
            let lists: Vec<Vec<String>> = pipe.query_async(&mut redis).await?;
            for ((at, unnamed), list) in hot.into_iter().zip(lists) {
                let Some(letter) = letters.get_mut(at) else { continue };
                letter.more_jobs = unnamed || list.is_empty();
                letter.jobs.extend(list.iter().filter_map(|entry| read_entry(entry)));
            }
        }
        Ok(letters)
    }
}

fn read(id: &str, fields: &HashMap<String, String>) -> Option<DeadLetter> {
    let field = |name: &str| fields.get(name).map(String::as_str);
    let class = field("class")?;
    let entries = field("jobs")?.split(',').filter(|entry| !entry.is_empty());
    Some(DeadLetter {
        id: id.to_owned(),
        item: field("item")?.to_owned(),
        lane: field("lane")?.to_owned(),
        cause: Cause {
            class: Class::ALL.into_iter().find(|known| known.as_str() == class)?,
            code: field("code")?.to_owned(),
            message: field("message")?.to_owned(),
        },
        attempts: field("attempts")?.parse().ok()?,
        batch: field("batch")?.to_owned(),
        jobs: entries.map(read_entry).collect::<Option<_>>()?,
        more_jobs: field("more_jobs") == Some("1"),
        since_ms: field("since")?.parse().ok()?,
        failed_at_ms: field("failed_at")?.parse().ok()?,
    })
}
