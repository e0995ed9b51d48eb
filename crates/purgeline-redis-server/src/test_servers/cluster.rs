use super::{
    RedisServer,
    group::{port, until},
    ports,
};
use crate::ServerError;
use purgeline_core::config::Durability;
use redis::{RedisError, cmd};

/// The slots of a Redis Cluster.
const SLOTS: u16 = 16_384;

/// Starts that are tried: another process may take the bus's port between our look and the start.
const TRIES: usize = 5;

/// A Redis Cluster of masters alone, on free ports of 127.0.0.1, for tests. Its servers die with
/// this value.
#[derive(Debug)]
pub struct RedisCluster {
    masters: Vec<RedisServer>,
    url: String,
}

impl RedisCluster {
    /// So many masters, each with the same share of the slots. Takes two seconds, which each
    /// server lets pass before it serves.
    ///
    /// # Errors
    /// As for [`Builder::start`](super::Builder::start), or when they do not come together.
    pub async fn start(masters: u16, durability: Durability) -> Result<Self, ServerError> {
        let servers = futures::future::try_join_all((0..masters).map(|_| master(durability))).await?;
        let hosts: Vec<_> = servers.iter().map(|server| format!("127.0.0.1:{}", port(server))).collect();
        let cluster = Self { masters: servers, url: format!("redis+cluster://{}", hosts.join(",")) };
        cluster.meet(masters).await.map_err(ServerError::redis("CLUSTER"))?;
        until("a cluster that all its nodes call ok", || cluster.is_whole()).await?;
        Ok(cluster)
    }

    /// `redis+cluster://…` with all masters.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its masters, each with the next part of the slots.
    #[must_use]
    pub fn masters(&self) -> &[RedisServer] {
        &self.masters
    }

    /// The same, to be killed and started.
    pub fn masters_mut(&mut self) -> &mut [RedisServer] {
        &mut self.masters
    }

    /// Starts the masters that were killed, and waits until the cluster is whole.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    pub async fn revive(&mut self) -> Result<(), ServerError> {
        for master in &mut self.masters {
            master.start().await?;
        }
        until("a cluster that all its nodes call ok", || self.is_whole()).await
    }

    /// The position of the master that has a key's slot.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn master_of(&self, key: &str) -> Result<usize, RedisError> {
        let slot: u16 = self.masters[0].ask(cmd("CLUSTER").arg("KEYSLOT").arg(key)).await?;
        let share = SLOTS.div_ceil(u16::try_from(self.masters.len()).unwrap_or(SLOTS));
        Ok(usize::from(slot / share))
    }

    /// Whether all masters know each other and serve.
    async fn is_whole(&self) -> bool {
        let known = format!("cluster_known_nodes:{}\r", self.masters.len());
        for master in &self.masters {
            match master.ask::<String>(cmd("CLUSTER").arg("INFO")).await {
                Ok(info) if info.contains("cluster_state:ok") && info.contains(&known) => {}
                _ => return false,
            }
        }
        true
    }

    async fn meet(&self, masters: u16) -> Result<(), RedisError> {
        let share = SLOTS.div_ceil(masters);
        for (at, server) in (0..).zip(&self.masters) {
            let (from, to) = (at * share, ((at + 1) * share).min(SLOTS) - 1);
            // Epochs of their own, or they quarrel about the slots for a while.
            let () = server.ask(cmd("CLUSTER").arg("SET-CONFIG-EPOCH").arg(at + 1)).await?;
            let () = server.ask(cmd("CLUSTER").arg("ADDSLOTSRANGE").arg(from).arg(to)).await?;
        }
        let Some((first, others)) = self.masters.split_first() else { return Ok(()) };
        for other in others {
            let mut meet = cmd("CLUSTER");
            meet.arg("MEET").arg("127.0.0.1").arg(port(first));
            if let Some(bus) = bus(first).await? {
                meet.arg(bus);
            }
            let () = other.ask(&meet).await?;
        }
        Ok(())
    }
}

async fn master(durability: Durability) -> Result<RedisServer, ServerError> {
    let mut tries = 0;
    loop {
        tries += 1;
        // Its default, the port and 10,000, may be more than there are.
        let bus = ports::free()?;
        let server = RedisServer::for_test()
            .free_port()
            .durability(durability)
            .option("cluster-enabled", "yes")
            .option("cluster-port", bus.to_string())
            .start()
            .await;
        match server {
            Err(ServerError::Ended { .. }) if tries < TRIES => {}
            server => return server,
        }
    }
}

async fn bus(server: &RedisServer) -> Result<Option<u16>, RedisError> {
    let (_, port): (String, u16) = server.ask(cmd("CONFIG").arg("GET").arg("cluster-port")).await?;
    Ok((port != 0).then_some(port))
}
