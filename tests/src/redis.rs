use purgeline_core::config::Durability;
use purgeline_redis_server::{RedisCluster, RedisSentinel, RedisServer};
use std::{env, path::Path};

/// Names what the tests run on: `sentinel`, `cluster`, or one server if it is not set.
const VARIABLE: &str = "PURGELINE_TEST_REDIS";

/// The Redis of a test environment.
pub enum TestRedis {
    /// One server.
    Server(RedisServer),
    /// A primary, a replica, and a Sentinel that would wait for half a minute before a failover:
    /// tests that want one start their own.
    Sentinel(RedisSentinel),
    /// Three masters.
    Cluster(RedisCluster),
}

impl TestRedis {
    /// What the environment asks for.
    pub(crate) async fn chosen(durability: Durability) -> Self {
        match env::var(VARIABLE).as_deref() {
            Err(_) => Self::Server(RedisServer::for_test().durability(durability).start().await.unwrap()),
            Ok("sentinel") => {
                let builder = RedisSentinel::builder().replicas(1).sentinels(1).durability(durability);
                Self::Sentinel(builder.start().await.unwrap())
            }
            Ok("cluster") => Self::Cluster(RedisCluster::start(3, durability).await.unwrap()),
            Ok(other) => panic!("{VARIABLE} is \"{other}\": expected sentinel or cluster, or nothing"),
        }
    }

    #[must_use]
    pub fn url(&self) -> &str {
        match self {
            Self::Server(server) => server.url(),
            Self::Sentinel(group) => group.url(),
            Self::Cluster(cluster) => cluster.url(),
        }
    }

    /// The directory of the one server, with its socket; `None`, said aloud, where there are
    /// several: then the test has nothing to stand on, for the reason given.
    #[must_use]
    #[expect(clippy::print_stderr, reason = "a test that does not run says so where its reader looks")]
    pub fn alone(&self, reason: &str) -> Option<&Path> {
        if let Self::Server(server) = self {
            return Some(server.dir());
        }
        eprintln!("skipped, because {VARIABLE} is set: {reason}");
        None
    }

    /// Kills all servers that hold data, as a power cut would.
    pub fn kill(&mut self) {
        match self {
            Self::Server(server) => server.kill(),
            Self::Sentinel(group) => group.servers_mut().iter_mut().for_each(RedisServer::kill),
            Self::Cluster(cluster) => cluster.masters_mut().iter_mut().for_each(RedisServer::kill),
        }
    }

    /// Starts them again, and waits until they serve.
    pub async fn start(&mut self) {
        match self {
            Self::Server(server) => server.start().await.unwrap(),
            Self::Sentinel(group) => {
                for server in group.servers_mut() {
                    server.start().await.unwrap();
                }
            }
            Self::Cluster(cluster) => cluster.revive().await.unwrap(),
        }
    }
}
