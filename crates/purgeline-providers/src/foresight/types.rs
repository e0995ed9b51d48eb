//! What travels to and from a Foresight server. All of it from seed 000, but for the states: it
//! names `PENDING` and `SUCCESS`, and the shape of the answer is Celery's.

use crate::CacheEntry;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The answer to a refresh, and to the question how it fares.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TaskAnswer {
    #[serde(deserialize_with = "text")]
    pub(super) task_id: Option<String>,
    pub(super) task_state: Option<String>,
}

/// How a refresh stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Carried out.
    Succeeded,
    /// Ended otherwise; Celery's word for it.
    Failed(String),
    /// Waits or is carried out. `PENDING` is also what Celery says of a task that it does not know.
    Running,
}

/// One cache, as the listing has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Entry {
    /// The user's token, by the seed.
    user: String,
    #[serde(deserialize_with = "text")]
    device: Option<String>,
    #[serde(deserialize_with = "text")]
    sync_datetime: Option<String>,
    version: Value,
    #[serde(deserialize_with = "text")]
    etag: Option<String>,
}

impl TaskAnswer {
    /// `None` if the answer is none of the server's.
    pub(super) fn read(body: &str) -> Option<Self> {
        let answer: Self = serde_json::from_str(body).ok()?;
        answer.task_state.is_some().then_some(answer)
    }

    pub(super) fn state(&self) -> State {
        let word = self.task_state.as_deref().unwrap_or_default().to_ascii_uppercase();
        match word.as_str() {
            "SUCCESS" => State::Succeeded,
            "FAILURE" | "REVOKED" | "REJECTED" | "IGNORED" => State::Failed(word),
            // "PENDING", "RECEIVED", "STARTED", "RETRY", and what is not known: the deadline ends it.
            _ => State::Running,
        }
    }

    /// The task to ask about; `None` if there is none.
    pub(super) fn id(&self) -> Option<&str> {
        self.task_id.as_deref().filter(|id| !id.is_empty())
    }
}

impl Entry {
    /// As it is shown: without the token.
    pub(super) fn shown(self) -> CacheEntry {
        CacheEntry {
            user: fingerprint(&self.user),
            device: self.device.unwrap_or_default(),
            sync_datetime: self.sync_datetime.unwrap_or_default(),
            version: match &self.version {
                Value::Number(number) => number.as_i64(),
                Value::String(text) => text.parse().ok(),
                _ => None,
            },
            etag: self.etag.unwrap_or_default(),
        }
    }
}

/// Tells users apart without telling their tokens. This target's own token has been taken out of
/// the answer already.
fn fingerprint(user: &str) -> String {
    match user {
        "" => String::new(),
        "[redacted]" => "(this target's token)".to_owned(),
        token => format!("sha256:{}", short_hash(token)),
    }
}

/// The first 8 hex digits of a SHA-256.
pub(super) fn short_hash(text: &str) -> String {
    hex::encode(Sha256::digest(text).get(..4).unwrap_or_default())
}

/// A text, or a number as text.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}
