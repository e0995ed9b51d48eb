use super::{
    RedisServer,
    group::{port, until},
};
use crate::ServerError;
use purgeline_core::config::Durability;
use redis::{InfoDict, RedisError, cmd};
use std::collections::HashMap;

/// The name under which the Sentinels know the primary.
const NAME: &str = "purgeline";

/// A primary, its replicas and Sentinels on free ports of 127.0.0.1, for tests. They die with
/// this value.
#[derive(Debug)]
pub struct RedisSentinel {
    servers: Vec<RedisServer>,
    sentinels: Vec<RedisServer>,
    url: String,
}

/// How to start a [`RedisSentinel`].
#[derive(Clone, Copy, Debug)]
pub struct SentinelBuilder {
    replicas: usize,
    sentinels: usize,
    down_after_ms: u64,
    durability: Durability,
}

impl SentinelBuilder {
    /// Replicas. Default: 2.
    #[must_use]
    pub const fn replicas(mut self, replicas: usize) -> Self {
        self.replicas = replicas;
        self
    }

    /// Sentinels; more than half of them must agree on a failover. Default: 3.
    #[must_use]
    pub const fn sentinels(mut self, sentinels: usize) -> Self {
        self.sentinels = sentinels;
        self
    }

    /// After how many milliseconds of silence a server counts as down. Default: 30,000, as
    /// Redis's own.
    #[must_use]
    pub const fn down_after_ms(mut self, ms: u64) -> Self {
        self.down_after_ms = ms;
        self
    }

    /// When a write counts as safe on disk. Default: every second.
    #[must_use]
    pub const fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Starts all, and waits until the replicas follow and the Sentinels know all others.
    ///
    /// # Errors
    /// As for [`Builder::start`](super::Builder::start), or when they do not come together.
    pub async fn start(self) -> Result<RedisSentinel, ServerError> {
        let server = || {
            // A replica that comes needs its copy at once, not after five seconds for others.
            let server = RedisServer::for_test().free_port().option("repl-diskless-sync-delay", "0");
            server.durability(self.durability).start()
        };
        let servers = futures::future::try_join_all((0..=self.replicas).map(|_| server())).await?;
        let watches = self.watches(port(&servers[0]));
        let sentinel = || RedisServer::for_test().free_port().sentinel(watches.clone()).start();
        for replica in &servers[1..] {
            replica
                .ask::<()>(cmd("REPLICAOF").arg("127.0.0.1").arg(port(&servers[0])))
                .await
                .map_err(ServerError::redis("REPLICAOF"))?;
        }
        until("a link between the replicas and the primary", || all_follow(&servers[1..])).await?;
        let sentinels = futures::future::try_join_all((0..self.sentinels).map(|_| sentinel())).await?;
        let hosts: Vec<_> =
            sentinels.iter().map(|sentinel| format!("127.0.0.1:{}", port(sentinel))).collect();
        let url = format!("redis+sentinel://{}/{NAME}", hosts.join(","));
        let group = RedisSentinel { servers, sentinels, url };
        until("Sentinels that know all others", || group.is_watched()).await?;
        Ok(group)
    }

    fn watches(&self, primary: u16) -> String {
        let quorum = self.sentinels / 2 + 1;
        let down_after_ms = self.down_after_ms;
        format!(
            "sentinel monitor {NAME} 127.0.0.1 {primary} {quorum}\n\
             sentinel down-after-milliseconds {NAME} {down_after_ms}\n\
             sentinel failover-timeout {NAME} 6000\n\
             sentinel parallel-syncs {NAME} 2\n"
        )
    }
}

impl RedisSentinel {
    /// Two replicas, three Sentinels, and what else [`SentinelBuilder`] sets.
    #[must_use]
    pub const fn builder() -> SentinelBuilder {
        SentinelBuilder { replicas: 2, sentinels: 3, down_after_ms: 30_000, durability: Durability::Everysec }
    }

    /// `redis+sentinel://…` with all Sentinels.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The primary and the replicas; the first was the primary at the start.
    #[must_use]
    pub fn servers(&self) -> &[RedisServer] {
        &self.servers
    }

    /// The same, to be killed and started.
    pub fn servers_mut(&mut self) -> &mut [RedisServer] {
        &mut self.servers
    }

    /// The Sentinels.
    #[must_use]
    pub fn sentinels(&self) -> &[RedisServer] {
        &self.sentinels
    }

    /// The position of the server that all Sentinels call the primary; `None` while they disagree.
    pub async fn primary(&self) -> Option<usize> {
        let mut named = None;
        for sentinel in &self.sentinels {
            let (_, at): (String, u16) =
                sentinel.ask(cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(NAME)).await.ok()?;
            if named.is_some_and(|named| named != at) {
                return None;
            }
            named = Some(at);
        }
        self.servers.iter().position(|server| Some(port(server)) == named)
    }

    async fn is_watched(&self) -> bool {
        let known = |master: &HashMap<String, String>, what: &str| master.get(what)?.parse::<usize>().ok();
        for sentinel in &self.sentinels {
            let master: Result<HashMap<String, String>, RedisError> =
                sentinel.ask(cmd("SENTINEL").arg("MASTER").arg(NAME)).await;
            let Ok(master) = master else { return false };
            let (others, replicas) = (self.sentinels.len() - 1, self.servers.len() - 1);
            if known(&master, "num-other-sentinels") != Some(others)
                || known(&master, "num-slaves") != Some(replicas)
            {
                return false;
            }
        }
        true
    }
}

async fn all_follow(replicas: &[RedisServer]) -> bool {
    for replica in replicas {
        let info: Result<InfoDict, RedisError> = replica.ask(cmd("INFO").arg("replication")).await;
        if !info.is_ok_and(|info| info.get::<String>("master_link_status").as_deref() == Some("up")) {
            return false;
        }
    }
    true
}
