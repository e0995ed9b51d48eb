use crate::{DeadFilter, DeadLetter, InspectQueue, QueueError, record::read_entry, redis::store::Store};
use purgeline_core::{Cause, Class, Target};
use std::collections::HashMap;

/// Jobs that a letter names besides those in its own record.
const NAMED_JOBS: isize = 500;

impl InspectQueue {
    /// A dead letter of a target; `None` if none of that id is kept.
    ///
    /// # Errors
    /// When Redis cannot be asked, or holds no dead letter there.
    pub async fn dead_letter(&self, target: &Target, id: &str) -> Result<Option<DeadLetter>, QueueError> {
        self.store.dead_letter(target, id).await
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
}

impl Store {
    /// A dead letter of a target; `None` if none of that id is kept.
    pub(crate) async fn dead_letter(
        &self,
        target: &Target,
        id: &str,
    ) -> Result<Option<DeadLetter>, QueueError> {
        Ok(self.read_letters(target, &[id.to_owned()]).await?.pop())
    }

    /// Those of these letters that are kept.
    pub(super) async fn read_letters(
        &self,
        target: &Target,
        ids: &[String],
    ) -> Result<Vec<DeadLetter>, QueueError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let key = |id: &str| self.keys().dead_letter(target, id);
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
                pipe.lrange(self.keys().dead_jobs(target, id), 0, NAMED_JOBS - 1);
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
