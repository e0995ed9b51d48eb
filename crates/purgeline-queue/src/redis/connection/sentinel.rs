use super::renewed::Source;
use crate::Sentinels;
use redis::{
    AsyncConnectionConfig, Client, RedisError, RedisResult,
    aio::MultiplexedConnection,
    sentinel::{SentinelClient, SentinelNodeConnectionInfo, SentinelServerType},
};
use std::time::Duration;
use tokio::{sync::Mutex, time::Instant};

/// The primary that Sentinels name.
pub(super) struct Primary {
    name: String,
    sentinels: Mutex<SentinelClient>,
    config: AsyncConnectionConfig,
    /// How long Sentinels that keep silent are asked again.
    patience: Duration,
    db: i64,
}

impl Primary {
    pub(super) fn new(sentinels: &Sentinels, timeout: Duration) -> RedisResult<Self> {
        let mut primary =
            SentinelNodeConnectionInfo::default().set_redis_connection_info(sentinels.settings.clone());
        if let Some(tls) = sentinels.tls {
            primary = primary.set_tls_mode(tls);
        }
        let client = SentinelClient::build(
            sentinels.nodes.clone(),
            &sentinels.primary,
            Some(primary),
            SentinelServerType::Master,
        )?;
        Ok(Self {
            name: sentinels.primary.clone(),
            sentinels: Mutex::new(client),
            config: AsyncConnectionConfig::new()
                .set_connection_timeout(Some(timeout))
                .set_response_timeout(Some(timeout)),
            patience: timeout / 2,
            db: sentinels.settings.db(),
        })
    }

    /// Asks the Sentinels, and the primary whether it is one.
    pub(super) async fn client(&self) -> RedisResult<Client> {
        let mut sentinels = self.sentinels.lock().await;
        let asked = Instant::now();
        loop {
            match sentinels.async_get_client().await {
                Ok(client) => return Ok(client),
                // The redis crate gives each of them half a second.
                Err(error) if error.is_timeout() && asked.elapsed() < self.patience => {}
                Err(error) => {
                    let text = format!("{}: {error}", self.name);
                    let what = "Sentinel names no primary that answers as one";
                    return Err(RedisError::from((error.kind(), what, text)));
                }
            }
        }
    }
}

impl Source for Primary {
    type Connection = MultiplexedConnection;

    const HAS_OTHERS: bool = false;

    async fn connect(&self) -> RedisResult<MultiplexedConnection> {
        self.client().await?.get_multiplexed_async_connection_with_config(&self.config).await
    }

    fn db(&self) -> i64 {
        self.db
    }
}
