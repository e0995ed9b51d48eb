use crate::{InspectQueue, QueueError, work::breaker};
use purgeline_core::Target;
use redis::AsyncTypedCommands;
use serde::Serialize;
use std::collections::HashMap;

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

impl InspectQueue {
    /// What is held at a target now, the throttle of its account included.
    ///
    /// # Errors
    /// When Redis cannot be asked, or holds something else there.
    pub async fn holds(&self, target: &Target) -> Result<Vec<Hold>, QueueError> {
        let mut redis = self.store.manager();
        let key = self.store.keys().hold(target);
        let fields: HashMap<String, String> = redis.hgetall(&key).await?;
        let throttled = redis.get(self.store.keys().throttled(target)).await?;
        read_holds(&key, fields, throttled, self.store.now_ms().await?)
    }
}

/// The holds that stand now: those under `key`, and the throttle of the account.
pub(crate) fn read_holds(
    key: &str,
    fields: HashMap<String, String>,
    throttled: Option<String>,
    now_ms: i64,
) -> Result<Vec<Hold>, QueueError> {
    let mut holds = Vec::new();
    let texts = fields.into_iter().chain(throttled.map(|text| ("throttled".to_owned(), text)));
    for (name, text) in texts {
        let hold = read_hold(name, &text)
            .ok_or_else(|| QueueError::malformed(key, "a hold: until= since= by= why=", &text))?;
        let probing = breaker::HOLDS.contains(&hold.name.as_str());
        if probing || hold.until_ms.is_none_or(|until| until > now_ms) {
            holds.push(hold);
        }
    }
    holds.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(holds)
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
