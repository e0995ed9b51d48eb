use crate::{Action, Priority, Resource, TargetName, When};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{fmt, str::FromStr};
use thiserror::Error;
use ulid::Ulid;

/// A job's id: a ULID, 26 characters. With an idempotency key it is derived from the key, so
/// that a repeated enqueue names the same job; such an id's time part means nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(Ulid);

/// A text that is no job id.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("\"{0}\" is not a job id: expected a ULID, 26 characters like 01JZ6M2W3CE8Q9R1T5Y7B0ABCD")]
pub struct JobIdError(String);

/// A purge job as a producer submits it, before validation. Also its JSON form.
///
/// The texts are as the CMS has them; the producer normalises and checks each.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JobRequest {
    /// URLs to purge.
    pub urls: Vec<String>,
    /// Prefixes to purge everything under; each ends with `/`.
    pub dirs: Vec<String>,
    /// Data resources to refresh (Foresight Mobile Platform).
    pub resources: Vec<Resource>,
    /// The rest.
    #[serde(flatten)]
    pub options: JobOptions,
}

/// What a job asks for besides its items.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct JobOptions {
    /// What the purge does, where the provider knows the difference.
    pub action: Action,
    /// How soon it goes out.
    pub priority: Priority,
    /// Who asks: free text for those who look for it later, like `wordpress:post-42`. At most
    /// 256 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The targets it goes to; empty: all that serve the items' hosts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<TargetName>,
    /// Submitting the same body again under the same key is the same job and adds nothing. At
    /// most 256 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// Debounce, in milliseconds: each item goes when nobody has asked for it for so long. 0: at
    /// once. Absent: as the target is configured. What is urgent never waits for quiet, nor what
    /// has a `not_before`. At most [`MAX_QUIET_MS`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet_ms: Option<u64>,
    /// The longest that an item waits for quiet, in milliseconds after it was first asked for; only
    /// with `quiet_ms`, at least that, at most [`MAX_MAX_WAIT_MS`]. Default: six times `quiet_ms`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_wait_ms: Option<u64>,
    /// An embargo: no call is made for the job before then, and none that begins before then
    /// counts for it. At most [`MAX_AHEAD_MS`] ahead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<When>,
    /// From then on the job has no use for what has not been sent: it is cancelled, unless it goes
    /// for others anyway. In the future, after `not_before`, at most [`MAX_AHEAD_MS`] ahead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<When>,
}

/// The longest quiet that may be waited for, in milliseconds: a day.
pub const MAX_QUIET_MS: u64 = 86_400_000;
/// The longest that an item may wait for quiet, in milliseconds: a week.
pub const MAX_MAX_WAIT_MS: u64 = 7 * MAX_QUIET_MS;
/// How far ahead a job's times may lie, in milliseconds: a leap year.
pub const MAX_AHEAD_MS: u64 = 366 * MAX_QUIET_MS;
/// Where nothing else is said, an item waits for quiet at most so many times its quiet.
pub const MAX_WAIT_TIMES: u64 = 6;

/// Where a job, or its part at one target, stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Not all items have settled.
    Active,
    /// All items succeeded.
    Succeeded,
    /// All items failed.
    Failed,
    /// Some succeeded and some did not.
    Partial,
    /// Cancelled before any item failed, and none succeeded.
    Cancelled,
}

/// How the items of a job's part at one target stand. They add up to `items` when it has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartCounts {
    /// Items that this target was asked to purge for the job.
    pub items: u64,
    /// Those whose purge ended well.
    pub succeeded: u64,
    /// Those that failed for good.
    pub failed: u64,
    /// Those cancelled before they went out.
    pub cancelled: u64,
}

impl JobId {
    /// A new id, of this moment.
    #[must_use]
    pub fn generate() -> Self {
        Self(Ulid::generate())
    }

    /// The id that an idempotency key stands for.
    #[must_use]
    pub fn from_idempotency_key(key: &str) -> Self {
        let digest = Sha256::new().chain_update(b"purgeline job\0").chain_update(key).finalize();
        let mut half = [0; 16];
        half.copy_from_slice(&digest[..16]);
        Self(Ulid::from_bytes(half))
    }
}

impl JobState {
    /// All states.
    pub const ALL: [Self; 5] = [Self::Active, Self::Succeeded, Self::Failed, Self::Partial, Self::Cancelled];

    /// The name used in Redis and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Partial => "partial",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing will change any more.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Active)
    }
}

impl PartCounts {
    /// Items whose fate is known.
    #[must_use]
    pub const fn settled(&self) -> u64 {
        self.succeeded + self.failed + self.cancelled
    }

    /// The state that these counts mean.
    #[must_use]
    pub const fn state(&self) -> JobState {
        if self.settled() < self.items {
            JobState::Active
        } else if self.succeeded == self.items {
            JobState::Succeeded
        } else if self.succeeded > 0 {
            JobState::Partial
        } else if self.failed > 0 {
            JobState::Failed
        } else {
            JobState::Cancelled
        }
    }

    /// The counts of two parts together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            items: self.items + other.items,
            succeeded: self.succeeded + other.succeeded,
            failed: self.failed + other.failed,
            cancelled: self.cancelled + other.cancelled,
        }
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; ulid::ULID_LEN];
        f.write_str(self.0.array_to_str(&mut text))
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for JobId {
    type Err = JobIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ulid::from_string(text).map(Self).map_err(|_| JobIdError(text.to_owned()))
    }
}

impl Serialize for JobId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for JobId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for JobState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or_else(|| {
            format!(
                "\"{text}\" is not a job state: use \"active\", \"succeeded\", \"failed\", \"partial\" or \"cancelled\""
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stands_for_one_id() {
        let id = JobId::from_idempotency_key("post-42:7");
        assert_eq!(id, JobId::from_idempotency_key("post-42:7"));
        assert_ne!(id, JobId::from_idempotency_key("post-42:8"));
        assert_eq!(id.to_string().parse::<JobId>().unwrap(), id);
        assert!("post-42".parse::<JobId>().is_err());
    }

    #[test]
    fn counts_tell_the_state() {
        let counts =
            |items, succeeded, failed, cancelled| PartCounts { items, succeeded, failed, cancelled }.state();
        assert_eq!(counts(3, 1, 1, 0), JobState::Active);
        assert_eq!(counts(3, 3, 0, 0), JobState::Succeeded);
        assert_eq!(counts(3, 1, 1, 1), JobState::Partial);
        assert_eq!(counts(3, 0, 2, 1), JobState::Failed);
        assert_eq!(counts(3, 0, 0, 3), JobState::Cancelled);
    }

    #[test]
    fn the_json_form_is_flat_and_refuses_unknown_members() {
        let request: JobRequest = serde_json::from_str(
            r#"{"urls":["https://h/a"],"priority":"urgent","source":"cms","targets":["www"]}"#,
        )
        .unwrap();
        assert_eq!(request.options.priority, Priority::Urgent);
        let error = serde_json::from_str::<JobRequest>(r#"{"url":["https://h/a"]}"#);
        assert!(error.is_err());
    }
}
