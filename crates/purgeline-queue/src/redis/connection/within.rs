use redis::{RedisError, RedisResult};
use std::{io, time::Duration};

/// The answer, or Redis's error for none in time.
pub(crate) async fn within<T>(
    timeout: Duration,
    answer: impl Future<Output = RedisResult<T>>,
) -> RedisResult<T> {
    tokio::time::timeout(timeout, answer).await.unwrap_or_else(|_| {
        let text = format!("no connection within {} ms", timeout.as_millis());
        Err(RedisError::from(io::Error::new(io::ErrorKind::TimedOut, text)))
    })
}
