use secrecy::SecretString;
use serde::Deserialize;
use std::{
    num::{NonZeroU32, NonZeroU64},
    path::PathBuf,
};

/// Where Redis is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisConfig {
    /// `redis://`, `rediss://`, `unix://`, `redis+sentinel://` or `redis+cluster://` and the like,
    /// with user, password and database where needed. Absent: a private redis-server is started
    /// in `data_dir`.
    #[serde(default)]
    pub url: Option<SecretString>,
    /// Where the private redis-server keeps its socket and append-only file.
    pub data_dir: PathBuf,
    /// The longest wait for one answer of Redis, in milliseconds.
    pub timeout_ms: u64,
    /// When an enqueue counts as safe.
    pub durability: Durability,
    /// Replicas that must have an enqueue before it is answered, where it is `replicated`.
    pub replicas: NonZeroU32,
    /// The longest wait for them, in milliseconds.
    pub replication_timeout_ms: NonZeroU64,
}

/// When an enqueue counts as safe. The first two are what a private redis-server's `appendfsync`
/// is set to; another Redis does as its own configuration says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// On disk before each answer: survives a power cut.
    Always,
    /// Once a second: survives the death of the process, and a power cut but for a second.
    Everysec,
    /// When replicas have it too (`WAIT`): survives the loss of the machine, if one of them takes
    /// over. Needs a Redis with replicas.
    Replicated,
}
