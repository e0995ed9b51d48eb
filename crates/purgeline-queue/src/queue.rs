use crate::{
    AuditQueue, Connection, InspectQueue, Keys, OperateQueue, ProduceQueue, QueueError, RedisInspection,
    Topology, WorkQueue,
    redis::{library::library, store::Store},
};
use purgeline_core::{ManualClock, config::RedisConfig};
use secrecy::SecretString;

/// The purge queue in one Redis: a server, the primary that Sentinels name, or a cluster. Opens the
/// handles through which everybody uses it; see the crate's documentation for who calls which. Cheap
/// to clone; all clones and handles share a connection.
#[derive(Clone, Debug)]
pub struct Queue {
    store: Store,
}

impl Queue {
    /// The queue at `url`, in one of the forms of [`Topology`]. Opens no connection yet.
    ///
    /// # Errors
    /// When the URL has none of these forms.
    pub fn new(url: &SecretString, config: &RedisConfig) -> Result<Self, QueueError> {
        Ok(Self { store: Store::new(url, config)? })
    }

    /// The same with nothing but a URL: each command waits at most five seconds.
    ///
    /// # Errors
    /// When the URL has none of the forms of [`Topology`].
    pub fn open(url: &str) -> Result<Self, QueueError> {
        Ok(Self { store: Store::open(url)? })
    }

    /// Takes the time from this clock instead of Redis's, for tests that turn it by hand.
    #[must_use]
    pub fn with_clock(self, clock: ManualClock) -> Self {
        Self { store: self.store.with_clock(clock) }
    }

    /// For a producer: jobs and their items go in.
    #[must_use]
    pub fn produce(&self) -> ProduceQueue {
        ProduceQueue::over(self.store.clone())
    }

    /// For a worker: batches are leased, sent, settled.
    #[must_use]
    pub fn work(&self) -> WorkQueue {
        WorkQueue::over(self.store.clone())
    }

    /// For an operator: holds, cancels, dead letters.
    #[must_use]
    pub fn operate(&self) -> OperateQueue {
        OperateQueue::over(self.store.clone())
    }

    /// For whoever looks: how everything stands.
    #[must_use]
    pub fn inspect(&self) -> InspectQueue {
        InspectQueue::over(self.store.clone())
    }

    /// For whoever mends: what breaks the invariants.
    #[must_use]
    pub fn audit(&self) -> AuditQueue {
        AuditQueue::over(self.store.clone())
    }

    /// For `doctor`: what its Redis servers tell of themselves.
    #[must_use]
    pub fn redis(&self) -> RedisInspection {
        RedisInspection::over(self.store.clone())
    }

    /// The name of the library of Redis Functions that this version uses. It tells versions apart:
    /// it carries a hash of the library's text.
    #[must_use]
    pub fn library_name() -> &'static str {
        &library().name
    }

    /// The names of the keys.
    #[must_use]
    pub const fn keys(&self) -> &Keys {
        self.store.keys()
    }

    /// A raw connection, for tests and benchmarks that look at what no handle shows.
    #[must_use]
    pub fn manager(&self) -> Connection {
        self.store.manager()
    }

    /// How the Redis is set up that it is in.
    #[must_use]
    pub fn topology(&self) -> &Topology {
        self.store.topology()
    }

    /// Asks Redis for a sign of life.
    ///
    /// # Errors
    /// When it gives none.
    pub async fn ping(&self) -> Result<(), QueueError> {
        let _: String = redis::cmd("PING").query_async(&mut self.store.manager()).await?;
        Ok(())
    }

    /// The time in milliseconds since 1970: Redis's, or the manual clock's.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn now_ms(&self) -> Result<i64, QueueError> {
        self.store.now_ms().await
    }
}
