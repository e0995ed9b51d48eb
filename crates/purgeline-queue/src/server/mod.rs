//! Private redis-server processes.
//!
//! [`RedisServer`] belongs to whoever started it: it dies when it is dropped, and when the
//! process that started it dies in whatever way. Tests and benchmarks use it.
//!
//! [`SharedServer`] belongs to a directory: whichever purgeline process comes first starts it,
//! the others join it, and the last worker to leave stops it. It is what runs when no
//! `redis.url` is configured.
//!
//! [`RedisCluster`] and [`RedisSentinel`] are several `RedisServer`s that belong together.
//!
//! All write every change to an append-only file, refuse writes rather than evict when memory
//! is full, and are reached by their owner's user alone. One directory never has two servers:
//! the server itself holds a lock on `redis.lock` (see `lock.rs`).

mod address;
mod builder;
mod cluster;
mod error;
mod lock;
mod owned;
mod process;
mod ready;
mod sentinel;
mod shared;
mod watchdog;

pub use builder::Builder;
pub use cluster::RedisCluster;
pub use error::ServerError;
pub use owned::RedisServer;
pub use sentinel::{RedisSentinel, SentinelBuilder};
pub use shared::{Left, SharedServer};

#[cfg(test)]
mod tests;
