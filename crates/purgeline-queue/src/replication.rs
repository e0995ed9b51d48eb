use crate::{
    Connection, QueueError, Topology,
    connection::{REMEDIES, within},
    scripts::Invocation,
};
use parking_lot::Mutex;
use purgeline_core::config::{Durability, RedisConfig};
use redis::{Cmd, ErrorKind, RedisResult, Value, aio::ConnectionLike};
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;

/// Writes of a process that wait for replicas at a time; more wait for their turn. A replica
/// confirms in about a round trip, so that each connection carries hundreds of them a second.
const MOST_AT_A_TIME: usize = 8;

/// Writes that are answered when replicas have them.
///
/// `WAIT` speaks of what its own connection wrote last, and its connection does nothing else
/// meanwhile. So these writes have connections of their own: on the one that all else shares,
/// each would hold up everybody's commands for as long as a replica is late. The function and its
/// `WAIT` go out together, as one pipeline, so that both reach the same server by the same
/// connection: sent apart, a failover between them would let the new primary, which may lack the
/// write, confirm that it has nothing left to replicate.
pub(crate) struct Replication {
    topology: Arc<Topology>,
    /// Replicas that must have a write.
    replicas: u32,
    /// The longest wait for them.
    patience: Duration,
    /// The longest wait for a connection, and for an answer besides the replicas'.
    timeout: Duration,
    idle: Mutex<Vec<Connection>>,
    turns: Semaphore,
}

impl Replication {
    /// `None` where writes need not be replicated.
    pub(crate) fn of(config: &RedisConfig, topology: &Arc<Topology>) -> Option<Self> {
        (config.durability == Durability::Replicated).then(|| Self {
            topology: Arc::clone(topology),
            replicas: config.replicas.get(),
            patience: Duration::from_millis(config.replication_timeout_ms.get()),
            timeout: Duration::from_millis(config.timeout_ms),
            idle: Mutex::default(),
            turns: Semaphore::new(MOST_AT_A_TIME),
        })
    }

    /// Runs a script. Gives its answer, and whether the replicas have what it wrote.
    ///
    /// # Errors
    /// When Redis cannot be asked or refuses.
    pub(crate) async fn invoke(
        &self,
        script: &Invocation<'_>,
    ) -> RedisResult<(Value, Result<(), QueueError>)> {
        let turn = async { Ok(self.turns.acquire().await) };
        let _turn = within(self.timeout, turn).await?;
        let idle = self.idle.lock().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => Connection::lazy(&self.topology, self.timeout + self.patience)?,
        };
        let (answer, confirmed) = self.ask(&mut connection, script).await?;
        // Not reached by one that failed, or whose caller has gone: there a WAIT may still run.
        self.idle.lock().push(connection);
        let replicated = if confirmed >= self.replicas {
            Ok(())
        } else {
            let (wanted, waited) = (self.replicas, self.patience);
            Err(QueueError::NotReplicated { confirmed, wanted, waited })
        };
        Ok((answer, replicated))
    }

    async fn ask(&self, connection: &mut Connection, script: &Invocation<'_>) -> RedisResult<(Value, u32)> {
        let mut command = script.as_function();
        for _ in 0..REMEDIES {
            match self.with_wait(connection, command).await {
                Err(error) => command = connection.remedy(script, error).await?,
                answer => return answer,
            }
        }
        self.with_wait(connection, command).await
    }

    /// Sends the command and its `WAIT`.
    async fn with_wait(&self, connection: &mut Connection, command: Cmd) -> RedisResult<(Value, u32)> {
        let mut commands = redis::pipe();
        commands.add_command(command);
        commands.cmd("WAIT").arg(self.replicas).arg(self.patience.as_millis().to_string());
        let answers = connection.req_packed_commands(&commands, 0, 2).await?;
        let Ok([answer, confirmed]) = <[Value; 2]>::try_from(answers) else {
            return Err(
                (ErrorKind::UnexpectedReturnType, "expected the answers of a function and WAIT").into()
            );
        };
        let answer = answer.extract_error()?;
        Ok((answer, redis::from_redis_value(confirmed.extract_error()?)?))
    }
}
