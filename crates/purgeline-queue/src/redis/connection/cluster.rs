use super::renewed::{Renewed, Source};
use redis::{
    Client, Cmd, ConnectionInfo, ErrorKind, RedisError, RedisResult, Value,
    aio::PubSub,
    cluster::{ClusterClient, ClusterClientBuilder},
    cluster_async::ClusterConnection,
    cluster_routing::{MultipleNodeRoutingInfo, Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr},
};
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

/// How often a command is tried again, and between two tries the shortest and the longest wait,
/// in ms: while a slot moves or its primary changes. The answer's timeout ends it anyway.
const RETRIES: u32 = 16;
const RETRY_WAIT_MS: (u64, u64) = (10, 400);

/// A Redis Cluster. The redis crate routes by slot and follows slots that move. What it does not
/// do is look for the slots anew when a node keeps silent, or give up when none of the nodes that
/// it knows is left: then the connection is made anew from the nodes of the URL.
pub(super) struct Cluster {
    client: ClusterClient,
    nodes: Vec<Client>,
    /// Of which node the next subscription is.
    next: AtomicUsize,
}

impl Cluster {
    pub(super) fn new(nodes: &[ConnectionInfo], timeout: Duration) -> RedisResult<Self> {
        let client = ClusterClientBuilder::new(nodes.iter().cloned())
            .connection_timeout(timeout / 2)
            .response_timeout(timeout)
            .overall_response_timeout(Some(timeout))
            .retries(RETRIES)
            .min_retry_wait(RETRY_WAIT_MS.0)
            .max_retry_wait(RETRY_WAIT_MS.1)
            .build()?;
        let nodes = nodes.iter().map(|node| Client::open(node.clone())).collect::<RedisResult<_>>()?;
        Ok(Self { client, nodes, next: AtomicUsize::new(0) })
    }

    /// A subscription at the first node that answers, beginning with another one each time.
    pub(super) async fn pubsub(&self) -> RedisResult<PubSub> {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let mut last = RedisError::from((ErrorKind::InvalidClientConfig, "the cluster has no nodes"));
        for at in 0..self.nodes.len() {
            match self.nodes[(first + at) % self.nodes.len()].get_async_pubsub().await {
                Ok(pubsub) => return Ok(pubsub),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

impl Source for Cluster {
    type Connection = ClusterConnection;

    const HAS_OTHERS: bool = true;

    async fn connect(&self) -> RedisResult<ClusterConnection> {
        self.client.get_async_connection().await
    }

    fn db(&self) -> i64 {
        0
    }
}

impl Renewed<Cluster> {
    /// Sends a command to the primary that has the slot of a key.
    pub(super) async fn at_primary_of(&self, key: &[u8], command: Cmd) -> RedisResult<Value> {
        let route = Route::with_key(key, SlotAddr::Master);
        self.at_node(SingleNodeRoutingInfo::SpecificNode(route), command).await
    }

    /// Sends a command to the node of an address.
    pub(super) async fn at_address(&self, address: &str, command: Cmd) -> RedisResult<Value> {
        let parts = address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
        let Some((host, port)) = parts else {
            return Err((ErrorKind::InvalidClientConfig, "not a node's address", address.to_owned()).into());
        };
        self.at_node(SingleNodeRoutingInfo::ByAddress { host: host.to_owned(), port }, command).await
    }

    async fn at_node(&self, node: SingleNodeRoutingInfo, command: Cmd) -> RedisResult<Value> {
        let (mut connection, number) = self.get().await?;
        let result = connection.route_command(command, RoutingInfo::SingleNode(node)).await;
        self.judge(number, &result).await;
        result.and_then(Value::extract_error)
    }

    /// The address and the answer of each primary.
    pub(super) async fn each_primary(&self, command: &Cmd) -> RedisResult<Vec<(String, Value)>> {
        let (mut connection, number) = self.get().await?;
        let all = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None));
        let result = connection.route_command(command.clone(), all).await;
        self.judge(number, &result).await;
        let Value::Map(answers) = result?.extract_error()? else {
            return Err((ErrorKind::UnexpectedReturnType, "not an answer of each primary").into());
        };
        let pair = |(address, answer): (Value, Value)| {
            Ok((redis::from_redis_value::<String>(address)?, answer.extract_error()?))
        };
        answers.into_iter().map(pair).collect()
    }
}
