use crate::{
    Connection, Keys, QueueError, Topology,
    library::library,
    replication::Replication,
    scripts::{Invocation, Script},
};
use jiff::Timestamp;
use purgeline_core::{Clock, ManualClock, Target, config::RedisConfig};
use redis::FromRedisValue;
use secrecy::{ExposeSecret, SecretString};
use std::{sync::Arc, time::Duration};

/// The purge queue in one Redis: a server, the primary that Sentinels name, or a cluster. Cheap to
/// clone; all clones share a [`Connection`].
///
/// Its methods are the functions of `src/lua`, each atomic; see the crate's documentation for who
/// calls which.
#[derive(Clone)]
pub struct Queue {
    topology: Arc<Topology>,
    /// For what must not be lost with the primary, if it must not.
    replication: Option<Arc<Replication>>,
    connection: Connection,
    keys: Keys,
    clock: Option<ManualClock>,
}

impl Queue {
    /// The queue at `url`, in one of the forms of [`Topology`]. Opens no connection yet.
    ///
    /// # Errors
    /// When the URL has none of these forms.
    pub fn new(url: &SecretString, config: &RedisConfig) -> Result<Self, QueueError> {
        let topology = Topology::parse(url.expose_secret())?;
        let mut queue = Self::over(topology, Duration::from_millis(config.timeout_ms))?;
        queue.replication = Replication::of(config, &queue.topology).map(Arc::new);
        Ok(queue)
    }

    /// The same with nothing but a URL: each command waits at most five seconds.
    ///
    /// # Errors
    /// When the URL has none of the forms of [`Topology`].
    pub fn open(url: &str) -> Result<Self, QueueError> {
        Self::over(Topology::parse(url)?, Duration::from_secs(5))
    }

    fn over(topology: Topology, timeout: Duration) -> Result<Self, QueueError> {
        let connection = Connection::lazy(&topology, timeout)?;
        let topology = Arc::new(topology);
        Ok(Self { topology, replication: None, connection, keys: Keys::default(), clock: None })
    }

    /// Takes the time from this clock instead of Redis's, for tests that turn it by hand.
    #[must_use]
    pub fn with_clock(mut self, clock: ManualClock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// The name of the library of Redis Functions that this version uses. It tells versions apart:
    /// it carries a hash of the library's text.
    #[must_use]
    pub fn library_name() -> &'static str {
        &library().name
    }

    /// The names of the keys.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Asks Redis for a sign of life.
    ///
    /// # Errors
    /// When it gives none.
    pub async fn ping(&self) -> Result<(), QueueError> {
        let _: String = redis::cmd("PING").query_async(&mut self.manager()).await?;
        Ok(())
    }

    /// A raw connection, for those who look at what the queue's methods do not show
    /// (`doctor`'s questions about Redis itself, benchmarks).
    #[must_use]
    pub fn manager(&self) -> Connection {
        self.connection.clone()
    }

    /// How the Redis is set up that it is in.
    #[must_use]
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// The time in milliseconds since 1970: Redis's, or the manual clock's.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn now_ms(&self) -> Result<i64, QueueError> {
        if let Some(clock) = &self.clock {
            return Ok(clock.now().as_millisecond());
        }
        let (seconds, micros): (i64, i64) = redis::cmd("TIME").query_async(&mut self.manager()).await?;
        Ok(seconds * 1000 + micros / 1000)
    }

    /// A function of a target, with the two arguments that all of them share.
    pub(crate) fn script<'a>(&self, script: &'a Script, target: &Target) -> Invocation<'a> {
        let mut invocation = script.prepare_invoke();
        invocation.key(self.keys.target(target)).arg(self.given_time());
        invocation.guarded()
    }

    /// What functions take for the time: nothing, for Redis's own, or the manual clock's.
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
}

impl Queue {
    /// Calls a function whose effect must not be lost. Gives its answer, and whether the effect is
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

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue")
            .field("topology", &self.topology)
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}
