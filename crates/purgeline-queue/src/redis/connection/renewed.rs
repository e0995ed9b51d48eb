use super::within::within;
use redis::{
    Cmd, ErrorKind, Pipeline, RedisError, RedisFuture, RedisResult, ServerErrorKind, Value,
    aio::ConnectionLike,
};
use std::{sync::Arc, time::Duration};
use tokio::sync::Mutex;

/// Finds out where commands go now.
pub(super) trait Source: Send + Sync + 'static {
    type Connection: ConnectionLike + Clone + Send + Sync + 'static;

    /// Whether a connection that leads nowhere for one key may still lead somewhere for others:
    /// then it serves until there is a new one.
    const HAS_OTHERS: bool;

    /// A connection to where commands go now.
    fn connect(&self) -> impl Future<Output = RedisResult<Self::Connection>> + Send;

    /// The number of the database.
    fn db(&self) -> i64;
}

/// A connection that is made when it is needed, and made anew after it has led nowhere: the
/// server has gone, keeps silent, or is no primary any more. The command that finds out fails;
/// whoever sent it knows best whether to send it again.
pub(super) struct Renewed<S: Source>(Arc<Inner<S>>);

struct Inner<S: Source> {
    source: S,
    /// The longest wait for a connection.
    timeout: Duration,
    /// Who makes it has the lock, so that it is made once for all who wait.
    current: Mutex<Current<S::Connection>>,
}

struct Current<C> {
    connection: Option<C>,
    /// Tells a connection from the one after it, which the same failure must not end too.
    number: u64,
    /// Another one is being made.
    is_renewed: bool,
}

impl<S: Source> Clone for Renewed<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: Source> Renewed<S> {
    pub(super) fn new(source: S, timeout: Duration) -> Self {
        let current = Mutex::new(Current { connection: None, number: 0, is_renewed: false });
        Self(Arc::new(Inner { source, timeout, current }))
    }

    pub(super) fn source(&self) -> &S {
        &self.0.source
    }

    /// The connection and its number.
    pub(super) async fn get(&self) -> RedisResult<(S::Connection, u64)> {
        let get = async {
            let mut current = self.0.current.lock().await;
            if let Some(connection) = &current.connection {
                return Ok((connection.clone(), current.number));
            }
            let connection = self.0.source.connect().await?;
            current.connection = Some(connection.clone());
            current.number += 1;
            Ok((connection, current.number))
        };
        within(self.0.timeout, get).await
    }

    /// Looks at how a command fared, and lets go of its connection if that led nowhere.
    pub(super) async fn judge<T: Answer>(&self, number: u64, result: &RedisResult<T>) {
        let nowhere = match result {
            Ok(answer) => answer.leads_nowhere(),
            Err(error) => leads_nowhere(error.kind()) || error.is_unrecoverable_error(),
        };
        if nowhere {
            let mut current = self.0.current.lock().await;
            if current.number != number || current.is_renewed {
                return;
            }
            if S::HAS_OTHERS {
                current.is_renewed = true;
                tokio::spawn(Self(Arc::clone(&self.0)).renew());
            } else {
                current.connection = None;
            }
        }
    }

    /// Puts a new connection in the place of the old one; none, if none can be made.
    async fn renew(self) {
        let made = within(self.0.timeout, self.0.source.connect()).await;
        let mut current = self.0.current.lock().await;
        current.connection = made.ok();
        current.number += 1;
        current.is_renewed = false;
    }
}

impl<S: Source> ConnectionLike for Renewed<S> {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            let (mut connection, number) = self.get().await?;
            let result = connection.req_packed_command(command).await;
            self.judge(number, &result).await;
            result
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        commands: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move {
            let (mut connection, number) = self.get().await?;
            let result = connection.req_packed_commands(commands, offset, count).await;
            self.judge(number, &result).await;
            result
        })
    }

    fn get_db(&self) -> i64 {
        self.0.source.db()
    }
}

/// Whether a connection on which this happens is to be made anew: it broke or keeps silent
/// (`Io`), or whoever is at its other end takes no writes (any more).
const fn leads_nowhere(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Io
            | ErrorKind::ClusterConnectionNotFound
            | ErrorKind::Server(
                ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown | ServerErrorKind::ClusterDown
            )
    )
}

/// What Redis answers; errors of its own are among its answers.
pub(super) trait Answer {
    fn leads_nowhere(&self) -> bool;
}

impl Answer for Value {
    fn leads_nowhere(&self) -> bool {
        match self {
            Self::ServerError(error) => leads_nowhere(RedisError::from(error.clone()).kind()),
            _ => false,
        }
    }
}

impl Answer for Vec<Value> {
    fn leads_nowhere(&self) -> bool {
        self.iter().any(Answer::leads_nowhere)
    }
}
