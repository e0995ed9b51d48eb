//! Servers that belong to the value that holds them: they die when it is dropped, and when the
//! process that started them dies in whatever way.

mod builder;
mod cluster;
mod group;
mod owned;
mod ports;
mod sentinel;
mod watchdog;

pub use builder::Builder;
pub use cluster::RedisCluster;
pub use owned::RedisServer;
pub use sentinel::{RedisSentinel, SentinelBuilder};
