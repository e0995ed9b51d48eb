use purgeline_queue::{QueueError, RedisInspection};
use redis::InfoDict;
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
    pub(super) async fn all(redis: &RedisInspection) -> Result<Vec<Self>, QueueError> {
        let infos = redis.infos().await?;
        let many = infos.len() > 1;
        let primaries = infos
            .into_iter()
            .map(|(address, info)| {
                let place = if many { format!(" at {address}") } else { String::new() };
                Self { place, address, info }
            })
            .collect();
        Ok(primaries)
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
    pub(super) async fn read(redis: &RedisInspection, name: &str) -> Self {
        let found = redis.setting(name).await.map(|found| found.into_iter().collect());
        Self(found.map_err(|error| error.to_string()))
    }

    pub(super) fn at(&self, primary: &Primary) -> Result<&str, &str> {
        match &self.0 {
            Ok(found) => found.get(&primary.address).map(String::as_str).ok_or("it said nothing"),
            Err(error) => Err(error),
        }
    }
}
