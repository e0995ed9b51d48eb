use std::{fmt::Debug, future::Future, time::Duration};

/// How long a test waits for a state before it says that it does not come. Never the time that
/// is expected: only a test that fails gets there.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// Looks again and again until there is an answer; a failing test says what did not come.
pub async fn eventually<T: Debug, F: Future<Output = Option<T>>>(what: &str, look: impl FnMut() -> F) -> T {
    match patiently(look).await {
        Some(found) => found,
        None => panic!("it never came that {what}"),
    }
}

/// The same for those who have more to say when it did not come.
pub(crate) async fn patiently<T, F: Future<Output = Option<T>>>(mut look: impl FnMut() -> F) -> Option<T> {
    let looking = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.ok()
}
