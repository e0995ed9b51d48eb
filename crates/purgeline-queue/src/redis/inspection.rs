use crate::redis::store::Store;
use redis::{InfoDict, RedisResult};

/// What the Redis servers tell of themselves: of a cluster every primary is asked. Each answer comes
/// with the address of the server that gave it.
#[derive(Clone, Debug)]
pub struct RedisInspection {
    store: Store,
}

impl RedisInspection {
    pub(crate) const fn over(store: Store) -> Self {
        Self { store }
    }

    /// All of `INFO`.
    ///
    /// # Errors
    /// When a server cannot be asked.
    pub async fn infos(&self) -> RedisResult<Vec<(String, InfoDict)>> {
        self.ask(redis::cmd("INFO").arg("everything")).await
    }

    /// A setting by its name in `redis.conf`, for those servers that have it.
    ///
    /// # Errors
    /// When a server cannot be asked, or refuses: hosted Redises often refuse `CONFIG`.
    pub async fn setting(&self, name: &str) -> RedisResult<Vec<(String, String)>> {
        let answers: Vec<(String, (String, String))> =
            self.ask(redis::cmd("CONFIG").arg("GET").arg(name)).await?;
        Ok(answers.into_iter().map(|(address, (_, value))| (address, value)).collect())
    }

    /// Their clocks, in milliseconds since 1970.
    ///
    /// # Errors
    /// When a server cannot be asked.
    pub async fn clocks_ms(&self) -> RedisResult<Vec<(String, i64)>> {
        let answers: Vec<(String, (i64, i64))> = self.ask(&redis::cmd("TIME")).await?;
        Ok(answers.into_iter().map(|(address, (s, micros))| (address, s * 1000 + micros / 1000)).collect())
    }

    /// `CLUSTER INFO` as text.
    ///
    /// # Errors
    /// When a server cannot be asked, or is in no cluster.
    pub async fn cluster_infos(&self) -> RedisResult<Vec<(String, String)>> {
        self.ask(redis::cmd("CLUSTER").arg("INFO")).await
    }

    async fn ask<T: redis::FromRedisValue>(&self, command: &redis::Cmd) -> RedisResult<Vec<(String, T)>> {
        let mut all = Vec::new();
        for (address, answer) in self.store.manager().each_primary(command).await? {
            all.push((address, redis::from_redis_value(answer)?));
        }
        Ok(all)
    }
}
