use purgeline_core::config::RedisConfig;
use redis::{
    Client, RedisResult,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use secrecy::ExposeSecret;
use std::time::Duration;

/// A connection that many tasks share and that comes back by itself after Redis was away.
#[derive(Clone)]
pub(crate) struct Connection {
    client: Client,
    manager: ConnectionManager,
}

impl Connection {
    /// Opens no connection yet: the first command does, and says what is wrong.
    pub(crate) fn lazy(url: &str, timeout: Duration) -> RedisResult<Self> {
        // rediss:// needs a process-wide provider; whoever installs one first wins.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::open(url)?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(timeout))
            .set_response_timeout(Some(timeout))
            // The caller knows how long it may wait: a hook must hear at once that Redis is away,
            // and a worker backs off by itself.
            .set_number_of_retries(1)
            .set_min_delay(Duration::from_millis(50));
        let manager = client.get_connection_manager_lazy(config)?;
        Ok(Self { client, manager })
    }

    pub(crate) fn from_config(url: &secrecy::SecretString, config: &RedisConfig) -> RedisResult<Self> {
        Self::lazy(url.expose_secret(), Duration::from_millis(config.timeout_ms))
    }

    pub(crate) fn manager(&self) -> ConnectionManager {
        self.manager.clone()
    }

    /// For subscriptions, which need a connection of their own.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }
}
