use crate::{
    OperateQueue, QueueError,
    redis::{scripts, store::Store},
};
use purgeline_core::{Cause, Kind, Target};
use std::fmt;

/// What is held, and by which name in Redis. Besides, the provider throttles, and the breaker holds
/// a target that is `broken` or `unauthorised`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HoldName {
    /// Everything, by an operator.
    Paused,
    /// Items of one kind: their quota is spent, or the provider does not permit them.
    Kind(Kind),
}

impl fmt::Display for HoldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Paused => "paused",
            Self::Kind(kind) => kind.as_str(),
        })
    }
}

impl OperateQueue {
    /// Holds a target, or its items of one kind, for so many milliseconds; `None`: until it is
    /// lifted. `by` is one word. False if a longer hold of that name stands.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn hold(
        &self,
        target: &Target,
        name: HoldName,
        for_ms: Option<u64>,
        cause: &Cause,
        by: &str,
    ) -> Result<bool, QueueError> {
        self.store.hold(target, name, for_ms, cause, by).await
    }

    /// Lifts a hold. False if there was none.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn release(&self, target: &Target, name: HoldName) -> Result<bool, QueueError> {
        self.release_by(target, name, "").await
    }

    /// The same, and says by whom, in one word.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn release_by(&self, target: &Target, name: HoldName, by: &str) -> Result<bool, QueueError> {
        let mut script = self.store.script(&scripts::RELEASE, target);
        script.arg(name.to_string()).arg(one_word(by));
        self.store.invoke(&script).await
    }
}

impl Store {
    /// Holds a target or its items of one kind.
    pub(crate) async fn hold(
        &self,
        target: &Target,
        name: HoldName,
        for_ms: Option<u64>,
        cause: &Cause,
        by: &str,
    ) -> Result<bool, QueueError> {
        let mut script = self.script(&scripts::HOLD, target);
        script
            .arg(name.to_string())
            .arg(for_ms.unwrap_or(0))
            .arg(&cause.code)
            .arg(&cause.message)
            .arg(one_word(by));
        self.invoke(&script).await
    }
}

fn one_word(by: &str) -> String {
    by.replace(char::is_whitespace, "-")
}
