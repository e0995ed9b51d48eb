#![doc = include_str!("../README.md")]

mod address;
mod error;
mod lock;
mod process;
mod ready;
mod shared;
#[cfg(feature = "test-servers")]
mod test_servers;

pub use error::ServerError;
pub use shared::{Left, SharedServer};
#[cfg(feature = "test-servers")]
pub use test_servers::{Builder, RedisCluster, RedisSentinel, RedisServer, SentinelBuilder};

#[cfg(test)]
mod tests;
