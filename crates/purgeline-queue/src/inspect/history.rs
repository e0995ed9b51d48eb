use crate::{InspectQueue, QueueError, record::read_entry};
use purgeline_core::{Action, Item, JobId, Kind, Target, ancestors};
use redis::AsyncTypedCommands;
use serde::Serialize;
use std::collections::HashMap;

/// How an item last ended at a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LastOutcome {
    /// The item's name: `url:https://www.example.com/a`.
    pub item: String,
    /// Whether its purge ended well; else it failed for good.
    pub succeeded: bool,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// The batch that it was in.
    pub batch: String,
    /// Its dead letter, if it failed; that may have been retried or dropped since.
    pub dead: Option<String>,
    /// The provider's code, if it failed.
    pub code: Option<String>,
    /// Some of the jobs that waited for it.
    pub jobs: Vec<JobId>,
}

impl InspectQueue {
    /// How an item last ended at a target, and how the dirs above it did, as far as the history
    /// goes: the item's own first, then the widest dir.
    ///
    /// # Errors
    /// When Redis cannot be asked, or the history holds something else.
    pub async fn last_outcomes(
        &self,
        target: &Target,
        item: &Item,
        action: Action,
    ) -> Result<Vec<LastOutcome>, QueueError> {
        let mut names = vec![item.name(action)];
        let dirs = ancestors(item).map(|dir| Item::from_normalized(Kind::Dir, dir).name(action));
        names.extend(dirs);
        let mut redis = self.store.manager();
        let history = self.store.keys().history(target);
        let generations = redis.lrange(&history, 0, -1).await?;
        if generations.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipe = redis::pipe();
        for generation in &generations {
            pipe.cmd("HMGET").arg(self.store.keys().history_generation(target, generation)).arg(&names);
        }
        let found: Vec<Vec<Option<String>>> = pipe.query_async(&mut redis).await?;
        let mut all = Vec::new();
        for (at, name) in names.iter().enumerate() {
            // The newest generation comes first.
            let Some(text) = found.iter().find_map(|generation| generation.get(at)?.as_deref()) else {
                continue;
            };
            all.push(read(name, text).ok_or_else(|| {
                QueueError::malformed(
                    format!("{history} {name}"),
                    "an outcome: done or failed, at= batch=",
                    text,
                )
            })?);
        }
        Ok(all)
    }
}

/// `done at=1763700000000 batch=b7 jobs=01J…,01J…*3`.
fn read(name: &str, text: &str) -> Option<LastOutcome> {
    let mut words = text.split(' ');
    let outcome = words.next()?;
    let fields: HashMap<_, _> = words.filter_map(|word| word.split_once('=')).collect();
    let field = |name: &str| fields.get(name).map(|text| (*text).to_owned());
    Some(LastOutcome {
        item: name.to_owned(),
        succeeded: match outcome {
            "done" => true,
            "failed" => false,
            _ => return None,
        },
        at_ms: fields.get("at")?.parse().ok()?,
        batch: field("batch")?,
        dead: field("dead"),
        code: field("code"),
        jobs: fields.get("jobs")?.split(',').filter_map(read_entry).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_read() {
        let (a, b) = (JobId::from_idempotency_key("a"), JobId::from_idempotency_key("b"));
        let done = read("url:x", &format!("done at=17 batch=b7 jobs={a},{b}!17")).unwrap();
        assert_eq!((done.succeeded, done.at_ms, done.batch.as_str()), (true, 17, "b7"));
        assert_eq!((done.jobs, done.dead), (vec![a, b], None));
        let failed =
            read("url:x", &format!("failed at=17 batch=b7 dead=b7-3 code=http-400 jobs={a}")).unwrap();
        assert_eq!((failed.dead.as_deref(), failed.code.as_deref()), (Some("b7-3"), Some("http-400")));
        assert!(read("url:x", "gone at=17 batch=b7 jobs=").is_none());
    }
}
