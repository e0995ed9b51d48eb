use super::Walk;
use crate::{Queue, QueueError};
use futures::{StreamExt, TryStreamExt, stream};
use purgeline_core::Target;
use redis::{AsyncTypedCommands, FromRedisValue};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    hash::Hash,
};

/// Keys that are read at once.
pub(super) const AT_ONCE: usize = 64;
/// Keys or fields of one step of a scan.
const SCAN: usize = 1_000;

impl<'a> Walk<'a> {
    pub(super) fn new(queue: &'a Queue, target: &'a Target) -> Self {
        Self {
            queue,
            target,
            found: BTreeSet::new(),
            waiting: HashMap::new(),
            batches: BTreeMap::new(),
            parts: BTreeMap::new(),
        }
    }

    pub(super) fn key(&self, what: &str) -> String {
        self.queue.keys().of_target(self.target, what)
    }

    /// Reads the target's batches and parts.
    pub(super) async fn read(&mut self) -> Result<(), QueueError> {
        let base = self.key("");
        // A hash tag's braces are literal in a pattern; names hold none of its special characters.
        let mut scan = redis::cmd("SCAN");
        scan.cursor_arg(0).arg("MATCH").arg(format!("{base}*")).arg("COUNT").arg(SCAN);
        let keys: BTreeSet<String> = self.all(scan).await?;
        let queue = self.queue;
        let hash = |key: String| async move {
            let fields = queue.manager().hgetall(&key).await?;
            Ok::<_, QueueError>((key, fields.into_iter().collect::<BTreeMap<_, _>>()))
        };
        let hashes = keys
            .into_iter()
            .filter(|key| key[base.len()..].starts_with("batch:") || key[base.len()..].starts_with("job:"));
        let hashes: Vec<_> = stream::iter(hashes).map(hash).buffered(AT_ONCE).try_collect().await?;
        for (key, fields) in hashes {
            // One may have ended since its name was read.
            match key[base.len()..].split_once(':') {
                Some(("batch", id)) if !fields.is_empty() => self.batches.insert(id.to_owned(), fields),
                Some(("job", id)) if !fields.is_empty() => self.parts.insert(id.to_owned(), fields),
                _ => None,
            };
        }
        Ok(())
    }

    /// All fields of a hash of any size.
    pub(super) async fn hash(&self, key: &str) -> Result<HashMap<String, String>, QueueError> {
        let mut scan = redis::cmd("HSCAN");
        scan.arg(key).cursor_arg(0).arg("COUNT").arg(SCAN);
        self.all(scan).await
    }

    async fn all<T, All>(&self, scan: redis::Cmd) -> Result<All, QueueError>
    where
        T: FromRedisValue + Hash + Eq + Unpin + Send,
        All: Default + Extend<T>,
    {
        let mut redis = self.queue.manager();
        let mut scan = scan.iter_async::<T>(&mut redis).await?;
        let mut all = All::default();
        while let Some(found) = scan.next_item().await {
            all.extend([found?]);
        }
        Ok(all)
    }

    pub(super) async fn scores(&self, key: &str) -> Result<HashMap<String, f64>, QueueError> {
        Ok(self.queue.manager().zrange_withscores(key, 0, -1).await?.into_iter().collect())
    }

    /// A number that the scripts keep for themselves.
    pub(super) async fn counter(&self, name: &str) -> Result<i128, QueueError> {
        let text = self.queue.manager().hget(self.key("stats"), name).await?;
        Ok(text.and_then(|text| text.parse().ok()).unwrap_or_default())
    }
}
