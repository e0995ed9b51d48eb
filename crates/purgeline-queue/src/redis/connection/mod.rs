//! One connection for whatever `redis.url` names. The rest of the crate sends commands and does
//! not know to which server they go.

mod cluster;
mod renewed;
mod sentinel;
pub(crate) mod within;

use crate::{Topology, redis::scripts::Invocation};
use cluster::Cluster;
use redis::{
    Client, Cmd, ErrorKind, Pipeline, RedisFuture, RedisResult, ServerErrorKind, Value,
    aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig, PubSub},
};
use renewed::Renewed;
use sentinel::Primary;
use std::time::Duration;
use within::within;

/// A connection that many tasks share. Commands fail while Redis is away, and go to where it is
/// as soon as it is back: to the same server, to the primary that Sentinel names by then, to the
/// node of the cluster that has the slot.
#[derive(Clone)]
pub struct Connection {
    route: Route,
    timeout: Duration,
}

#[derive(Clone)]
enum Route {
    Standalone(Box<Client>, ConnectionManager),
    Sentinel(Renewed<Primary>),
    Cluster(Renewed<Cluster>),
}

impl Connection {
    /// Opens no connection yet: the first command does, and says what is wrong. Each command
    /// waits at most `timeout` for a connection, and as long again for its answer.
    pub(crate) fn lazy(topology: &Topology, timeout: Duration) -> RedisResult<Self> {
        // TLS needs a process-wide provider; whoever installs one first wins.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let route = match topology {
            Topology::Standalone(info) => {
                let client = Client::open((**info).clone())?;
                let config = ConnectionManagerConfig::new()
                    .set_connection_timeout(Some(timeout))
                    .set_response_timeout(Some(timeout))
                    // The caller knows how long it may wait: a hook must hear at once that Redis
                    // is away, and a worker backs off by itself.
                    .set_number_of_retries(1)
                    .set_min_delay(Duration::from_millis(50));
                let manager = client.get_connection_manager_lazy(config)?;
                Route::Standalone(Box::new(client), manager)
            }
            Topology::Sentinel(sentinels) => {
                Route::Sentinel(Renewed::new(Primary::new(sentinels, timeout)?, timeout))
            }
            Topology::Cluster(nodes) => Route::Cluster(Renewed::new(Cluster::new(nodes, timeout)?, timeout)),
        };
        Ok(Self { route, timeout })
    }

    /// Runs a script. A server that has not seen it gets its text.
    pub(crate) async fn invoke(&self, script: &Invocation<'_>) -> RedisResult<Value> {
        let mut connection = self.clone();
        let answer = connection.req_packed_command(&script.by_hash()).await.and_then(Value::extract_error);
        match answer {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                connection.req_packed_command(&script.by_text()).await?.extract_error()
            }
            answer => answer,
        }
    }

    /// A subscription, which needs a connection of its own. In a cluster any node will do: what
    /// one is told, all are told.
    pub(crate) async fn pubsub(&self) -> RedisResult<PubSub> {
        let connect = async {
            match &self.route {
                Route::Standalone(client, _) => client.get_async_pubsub().await,
                Route::Sentinel(primary) => primary.source().client().await?.get_async_pubsub().await,
                Route::Cluster(cluster) => cluster.source().pubsub().await,
            }
        };
        within(self.timeout, connect).await
    }

    /// Asks every primary: one, or each of a cluster's. Gives their addresses and answers.
    ///
    /// # Errors
    /// When one cannot be asked.
    pub(crate) async fn each_primary(&self, command: &Cmd) -> RedisResult<Vec<(String, Value)>> {
        match &self.route {
            Route::Cluster(cluster) => cluster.each_primary(command).await,
            Route::Standalone(client, _) => {
                let address = client.get_connection_info().addr().to_string();
                let answer = self.clone().req_packed_command(command).await?.extract_error()?;
                Ok(vec![(address, answer)])
            }
            Route::Sentinel(primary) => {
                let client = primary.source().client();
                let address = within(self.timeout, client).await?.get_connection_info().addr().to_string();
                let answer = self.clone().req_packed_command(command).await?.extract_error()?;
                Ok(vec![(address, answer)])
            }
        }
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match &mut self.route {
            Route::Standalone(_, manager) => manager.req_packed_command(command),
            Route::Sentinel(primary) => primary.req_packed_command(command),
            Route::Cluster(cluster) => cluster.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        commands: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match &mut self.route {
            Route::Standalone(_, manager) => manager.req_packed_commands(commands, offset, count),
            Route::Sentinel(primary) => primary.req_packed_commands(commands, offset, count),
            Route::Cluster(cluster) => cluster.req_packed_commands(commands, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match &self.route {
            Route::Standalone(_, manager) => manager.get_db(),
            Route::Sentinel(primary) => primary.get_db(),
            Route::Cluster(cluster) => cluster.get_db(),
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The clients hold URLs, and those may hold passwords.
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}
