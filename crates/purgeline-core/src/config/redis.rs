use secrecy::SecretString;
use serde::Deserialize;
use std::path::PathBuf;

/// Where Redis is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisConfig {
    /// `redis://`, `rediss://` or `unix://`, with user, password and database where needed.
    /// Absent: a private redis-server is started in `data_dir`.
    #[serde(default)]
    pub url: Option<SecretString>,
    /// Where the private redis-server keeps its socket and append-only file.
    pub data_dir: PathBuf,
    /// The longest wait for one answer of Redis, in milliseconds.
    pub timeout_ms: u64,
    /// How hard the private redis-server writes to disk.
    pub durability: Durability,
}

/// When a write counts as safe on disk: Redis's `appendfsync`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// Before each answer: survives a power cut.
    Always,
    /// Once a second: survives the death of the process, and a power cut but for a second.
    Everysec,
}
