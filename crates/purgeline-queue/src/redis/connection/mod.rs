//! One connection for whatever `redis.url` names. The rest of the crate sends commands and does
//! not know to which server they go.

mod cluster;
mod renewed;
mod sentinel;
pub(crate) mod within;

use crate::{
    Topology,
    redis::{library::library, scripts::Invocation},
};
use cluster::Cluster;
use redis::{
    Client, Cmd, ErrorKind, Pipeline, RedisError, RedisFuture, RedisResult, ServerErrorKind, Value,
    aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig, PubSub},
};
use renewed::Renewed;
use sentinel::Primary;
use std::time::Duration;
use within::within;

/// How often a call is sent again in another way: as a function once its library has been loaded, at
/// most once more if its slot has moved meanwhile, then as a script by its hash and by its text.
pub(crate) const REMEDIES: usize = 4;

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

    /// Calls a function of the library. A server that does not have the library gets it.
    pub(crate) async fn invoke(&self, script: &Invocation<'_>) -> RedisResult<Value> {
        let mut command = script.as_function();
        for _ in 0..REMEDIES {
            match self.ask(&command).await {
                Err(error) => command = self.remedy(script, error).await?,
                answer => return answer,
            }
        }
        self.ask(&command).await
    }

    async fn ask(&self, command: &Cmd) -> RedisResult<Value> {
        self.clone().req_packed_command(command).await.and_then(Value::extract_error)
    }

    /// What to send instead of a call of a function that failed like this. The server that has the
    /// function's keys has got the library by then, unless it has no memory left: then a function that
    /// gets work done runs as a script, since a full Redis may just have lost its functions.
    ///
    /// # Errors
    /// When it failed for another reason, or nothing can be sent instead.
    pub(crate) async fn remedy(&self, script: &Invocation<'_>, error: RedisError) -> RedisResult<Cmd> {
        if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) {
            return Ok(script.by_text());
        }
        if error.detail() != Some("Function not found") {
            return Err(error);
        }
        match self.load_library(script.first_key()).await {
            Ok(()) => Ok(script.as_function()),
            Err(error) if error.code() == Some("OOM") && script.runs_without_memory() => Ok(script.by_hash()),
            Err(error) => Err(error),
        }
    }

    /// Gives the library to the server that has a key.
    async fn load_library(&self, key: &[u8]) -> RedisResult<()> {
        let command = library().load();
        let answer = match &self.route {
            Route::Cluster(cluster) => cluster.at_primary_of(key, command).await,
            Route::Standalone(..) | Route::Sentinel(_) => self.ask(&command).await,
        };
        match answer {
            // Somebody else has just loaded it.
            Err(error) if error.detail().is_some_and(|text| text.ends_with("already exists")) => Ok(()),
            answer => answer.map(drop),
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

impl Connection {
    /// Asks the primary of this address, as [`each_primary`](Self::each_primary) gave it.
    pub(crate) async fn at_primary(&self, address: &str, command: &Cmd) -> RedisResult<Value> {
        match &self.route {
            Route::Cluster(cluster) => cluster.at_address(address, command.clone()).await,
            Route::Standalone(..) | Route::Sentinel(_) => self.ask(command).await,
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
