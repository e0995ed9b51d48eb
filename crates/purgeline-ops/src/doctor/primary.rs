use purgeline_queue::{Connection, QueueError};
use redis::{InfoDict, RedisError};
use std::collections::HashMap;

/// A server that takes writes: the one, or one of a cluster's.
pub(super) struct Primary {
    /// What its checks are called after: nothing, if there is but one.
    place: String,
    address: String,
    pub(super) info: InfoDict,
}

impl Primary {
    /// All that there are.
    ///
    /// # Errors
    /// When they cannot be asked.
    pub(super) async fn all(redis: &Connection) -> Result<Vec<Self>, QueueError> {
        let infos = redis.each_primary(redis::cmd("INFO").arg("everything")).await?;
        let many = infos.len() > 1;
        infos
            .into_iter()
            .map(|(address, info)| {
                let place = if many { format!(" at {address}") } else { String::new() };
                Ok(Self { place, address, info: redis::from_redis_value(info).map_err(RedisError::from)? })
            })
            .collect()
    }

    /// The name of a check of it.
    pub(super) fn check(&self, what: &str) -> String {
        format!("redis {what}{}", self.place)
    }
}

/// One setting of all primaries, by address, or why it is not told: hosted Redises often refuse
/// CONFIG.
pub(super) struct Setting(Result<HashMap<String, String>, String>);

impl Setting {
    pub(super) async fn read(redis: &Connection, name: &str) -> Self {
        let read = async {
            let mut found = HashMap::new();
            for (address, answer) in redis.each_primary(redis::cmd("CONFIG").arg("GET").arg(name)).await? {
                let (_, value): (String, String) = redis::from_redis_value(answer)?;
                found.insert(address, value);
            }
            Ok(found)
        };
        Self(read.await.map_err(|error: RedisError| error.to_string()))
    }

    pub(super) fn at(&self, primary: &Primary) -> Result<&str, &str> {
        match &self.0 {
            Ok(found) => found.get(&primary.address).map(String::as_str).ok_or("it said nothing"),
            Err(error) => Err(error),
        }
    }
}
