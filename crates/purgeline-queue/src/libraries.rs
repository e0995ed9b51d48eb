use crate::{Queue, QueueError, library::PREFIX, workers::SILENT_MS};
use redis::{AsyncTypedCommands, RedisError, Value};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

/// A library of purgeline's functions that another version has loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldLibrary {
    /// Its name: `purgeline_` and a hash of its text.
    pub name: String,
    /// The address of the primary that has it.
    pub at: String,
    /// The living workers that may use it, by name.
    pub used_by: Vec<String>,
}

/// What matters here of a worker of any version.
#[derive(Deserialize)]
struct AnyWorker {
    seen_ms: i64,
    library: Option<String>,
}

impl Queue {
    /// The libraries that other versions of purgeline have loaded, on every primary.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn old_libraries(&self) -> Result<Vec<OldLibrary>, QueueError> {
        let users = self.library_users().await?;
        let mut list = redis::cmd("FUNCTION");
        list.arg("LIST").arg("LIBRARYNAME").arg(format!("{PREFIX}*"));
        let mut old = Vec::new();
        for (at, answer) in self.manager().each_primary(&list).await? {
            let found: Vec<HashMap<String, Value>> =
                redis::from_redis_value(answer).map_err(RedisError::from)?;
            for mut library in found {
                let name = library.remove("library_name").unwrap_or(Value::Nil);
                let name: String = redis::from_redis_value(name).map_err(RedisError::from)?;
                if name != Self::library_name() {
                    // Who does not say what it uses may use it.
                    let used_by = [users.get(&Some(name.clone())), users.get(&None)];
                    let used_by = used_by.into_iter().flatten().flatten().cloned().collect();
                    old.push(OldLibrary { used_by, at: at.clone(), name });
                }
            }
        }
        old.sort_by(|a, b| (&a.name, &a.at).cmp(&(&b.name, &b.at)));
        Ok(old)
    }

    /// Removes the libraries of other versions that no living worker uses; gives those that are gone.
    /// It may be called at any time: a process that needs such a library after all loads it again.
    ///
    /// # Errors
    /// When Redis cannot be asked; what was removed by then stays removed.
    pub async fn remove_old_libraries(&self) -> Result<Vec<OldLibrary>, QueueError> {
        let mut unused = self.old_libraries().await?;
        unused.retain(|library| library.used_by.is_empty());
        for OldLibrary { name, at, .. } in &unused {
            let mut delete = redis::cmd("FUNCTION");
            delete.arg("DELETE").arg(name);
            match self.manager().at_primary(at, &delete).await {
                // Somebody else has removed it.
                Err(error) if error.detail() == Some("Library not found") => {}
                answer => drop(answer?),
            }
        }
        Ok(unused)
    }

    /// The living workers by the library that they use; under `None` those that do not say which.
    async fn library_users(&self) -> Result<BTreeMap<Option<String>, Vec<String>>, QueueError> {
        let texts: BTreeMap<String, String> =
            self.manager().hgetall(self.keys().workers()).await?.into_iter().collect();
        let now = self.now_ms().await?;
        let mut users: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (name, text) in texts {
            // A worker that this version cannot read may be alive.
            let worker = serde_json::from_str(&text).unwrap_or(AnyWorker { seen_ms: now, library: None });
            if now - worker.seen_ms <= SILENT_MS {
                users.entry(worker.library).or_default().push(name);
            }
        }
        Ok(users)
    }
}
