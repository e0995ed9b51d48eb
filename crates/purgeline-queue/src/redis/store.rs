use crate::{
    QueueError, Topology,
    redis::{
        connection::Connection,
        keys::Keys,
        replication::Replication,
        scripts::{Invocation, Script},
    },
};
use jiff::Timestamp;
use purgeline_core::{Clock, ManualClock, Target, config::RedisConfig};
use redis::FromRedisValue;
use secrecy::{ExposeSecret, SecretString};
use std::{sync::Arc, time::Duration};

/// What every room stands on: the way to Redis, the names of the keys, and the time. Cheap to clone;
/// all clones share a [`Connection`].
///
/// What several rooms need of Redis is a function of the store, in the room that owns it.
#[derive(Clone)]
pub(crate) struct Store {
    topology: Arc<Topology>,
    /// For what must not be lost with the primary, if it must not.
    replication: Option<Arc<Replication>>,
    connection: Connection,
    keys: Keys,
    clock: Option<ManualClock>,
}

impl Store {
    pub(crate) fn new(url: &SecretString, config: &RedisConfig) -> Result<Self, QueueError> {
        let topology = Topology::parse(url.expose_secret())?;
        let mut queue = Self::over(topology, Duration::from_millis(config.timeout_ms))?;
        queue.replication = Replication::of(config, &queue.topology).map(Arc::new);
        Ok(queue)
    }

    pub(crate) fn open(url: &str) -> Result<Self, QueueError> {
        Self::over(Topology::parse(url)?, Duration::from_secs(5))
    }

    fn over(topology: Topology, timeout: Duration) -> Result<Self, QueueError> {
        let connection = Connection::lazy(&topology, timeout)?;
        let topology = Arc::new(topology);
        Ok(Self { topology, replication: None, connection, keys: Keys::default(), clock: None })
    }

    pub(crate) fn with_clock(mut self, clock: ManualClock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// The names of the keys.
    pub(crate) const fn keys(&self) -> &Keys {
        &self.keys
    }

    /// A connection for one command or several.
    pub(crate) fn manager(&self) -> Connection {
        self.connection.clone()
    }

    pub(crate) fn topology(&self) -> &Topology {
        &self.topology
    }

    /// The time in milliseconds since 1970: Redis's, or the manual clock's.
    pub(crate) async fn now_ms(&self) -> Result<i64, QueueError> {
        if let Some(clock) = &self.clock {
            return Ok(clock.now().as_millisecond());
        }
        let (seconds, micros): (i64, i64) = redis::cmd("TIME").query_async(&mut self.manager()).await?;
        Ok(seconds * 1000 + micros / 1000)
    }

    /// A script of a target, with the two arguments that all of them share.
    pub(crate) fn script<'a>(&self, script: &'a Script, target: &Target) -> Invocation<'a> {
        let mut invocation = script.prepare_invoke();
        invocation.key(self.keys.target(target)).arg(self.given_time());
        invocation.guarded()
    }

    /// What scripts take for the time: nothing, for Redis's own, or the manual clock's.
    pub(crate) fn given_time(&self) -> String {
        self.clock.as_ref().map(|clock| clock.now().as_millisecond().to_string()).unwrap_or_default()
    }

    /// The manual clock's time, else this machine's: near enough to know the day by, whose bounds
    /// are then held against Redis's time.
    pub(crate) fn given_or_own_time(&self) -> Timestamp {
        self.clock.as_ref().map_or_else(Timestamp::now, Clock::now)
    }

    pub(crate) async fn invoke<T: FromRedisValue>(&self, script: &Invocation<'_>) -> Result<T, QueueError> {
        let answer = self.connection.invoke(script).await?;
        Ok(redis::from_redis_value(answer).map_err(redis::RedisError::from)?)
    }

    /// Runs a script whose effect must not be lost. Gives its answer, and whether the effect is
    /// as safe as was asked for.
    pub(crate) async fn invoke_safely<T: FromRedisValue>(
        &self,
        script: &Invocation<'_>,
    ) -> Result<(T, Result<(), QueueError>), QueueError> {
        let Some(replication) = &self.replication else {
            return Ok((self.invoke(script).await?, Ok(())));
        };
        let (answer, replicated) = replication.invoke(script).await?;
        Ok((redis::from_redis_value(answer).map_err(redis::RedisError::from)?, replicated))
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("topology", &self.topology)
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}
