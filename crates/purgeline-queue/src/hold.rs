use crate::{Queue, QueueError, breaker, scripts};
use purgeline_core::{Cause, Kind, Target};
use redis::AsyncTypedCommands;
use serde::Serialize;
use std::{collections::HashMap, fmt};

/// What is held, and by which name in Redis. Besides, the provider throttles, and the breaker holds
/// a target that is `broken` or `unauthorised`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HoldName {
    /// Everything, by an operator.
    Paused,
    /// Items of one kind: their quota is spent, or the provider does not permit them.
    Kind(Kind),
}

/// A hold as it stands: nothing it names is sent, everything waits and coalesces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// `paused`, `broken`, `unauthorised`, `throttled`, or a kind.
    pub name: String,
    /// Until then, in milliseconds since 1970; `None`: until somebody lifts it. What is broken or
    /// unauthorised is held until a probe succeeds: the next goes then.
    pub until_ms: Option<i64>,
    /// Since when.
    pub since_ms: i64,
    /// Who set it, in one word; `None` for a throttle, which a provider sets.
    pub by: Option<String>,
    /// A short code, and the provider's or operator's words.
    pub why: String,
}

impl fmt::Display for HoldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Paused => "paused",
            Self::Kind(kind) => kind.as_str(),
        })
    }
}

impl Queue {
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
        let mut script = self.script(&scripts::HOLD, target);
        script
            .arg(name.to_string())
            .arg(for_ms.unwrap_or(0))
            .arg(&cause.code)
            .arg(&cause.message)
            .arg(one_word(by));
        self.invoke(&script).await
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
        let mut script = self.script(&scripts::RELEASE, target);
        script.arg(name.to_string()).arg(one_word(by));
        self.invoke(&script).await
    }

    /// No worker calls any target of the account for so many milliseconds. False if a longer
    /// throttle stands.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn throttle(&self, target: &Target, for_ms: u64, cause: &Cause) -> Result<bool, QueueError> {
        let mut script = self.script(&scripts::THROTTLE, target);
        script.arg(for_ms).arg(&cause.code).arg(&cause.message);
        self.invoke(&script).await
    }

    /// What is held at a target now, the throttle of its account included.
    ///
    /// # Errors
    /// When Redis cannot be asked, or holds something else there.
    pub async fn holds(&self, target: &Target) -> Result<Vec<Hold>, QueueError> {
        let mut redis = self.manager();
        let key = self.keys().of_target(target, "hold");
        let fields: HashMap<String, String> = redis.hgetall(&key).await?;
        let throttled_key = format!("{}:limit:throttled", self.keys().account(target));
        let throttled = redis.get(&throttled_key).await?;
        let now = self.now_ms().await?;
        let mut holds = Vec::new();
        let texts = fields.into_iter().chain(throttled.map(|text| ("throttled".to_owned(), text)));
        for (name, text) in texts {
            let hold = read_hold(name, &text)
                .ok_or_else(|| QueueError::malformed(&key, "a hold: until= since= by= why=", &text))?;
            let probing = breaker::HOLDS.contains(&hold.name.as_str());
            if probing || hold.until_ms.is_none_or(|until| until > now) {
                holds.push(hold);
            }
        }
        holds.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(holds)
    }
}

fn one_word(by: &str) -> String {
    by.replace(char::is_whitespace, "-")
}

fn read_hold(name: String, text: &str) -> Option<Hold> {
    let (head, why) = text.split_once("why=")?;
    let field = |name: &str| head.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    let until: i64 = field("until")?.parse().ok()?;
    Some(Hold {
        name,
        until_ms: (until > 0).then_some(until),
        since_ms: field("since")?.parse().ok()?,
        by: field("by").map(str::to_owned),
        why: why.trim_end().to_owned(),
    })
}
