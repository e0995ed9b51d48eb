use serde::{Deserialize, Deserializer, Serialize};
use std::{fmt, str::FromStr, sync::Arc};
use thiserror::Error;

/// The name of a target, or of the account it belongs to: 1 to 64 of `a-z 0-9 - _ .`, the first
/// a letter or digit. It is part of Redis keys and metrics. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetName(Arc<str>);

/// A text that cannot name a target.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "\"{0}\" cannot name a target: expected 1 to 64 of a-z 0-9 - _ . , the first a letter or digit, and not \"limit\" or \"quota\""
)]
pub struct TargetNameError(String);

/// A target as the queue knows it: where its keys are.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Target {
    /// Its own name.
    pub name: TargetName,
    /// The account whose limits it shares: its own name unless several targets share one.
    pub account: TargetName,
}

/// Keys of an account's limits and quotas stand where a target of these names would have its own.
const RESERVED: [&str; 2] = ["limit", "quota"];

impl Target {
    /// A target with an account of its own.
    #[must_use]
    pub fn alone(name: TargetName) -> Self {
        Self { account: name.clone(), name }
    }
}

impl TargetName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TargetName {
    type Err = TargetNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let first =
            text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let rest = text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte));
        if first && rest && text.len() <= 64 && !RESERVED.contains(&text) {
            Ok(Self(text.into()))
        } else {
            Err(TargetNameError(text.to_owned()))
        }
    }
}

impl fmt::Display for TargetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TargetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl Serialize for TargetName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TargetName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_redis_keys_and_metrics() {
        for good in ["www", "qiniu-main", "a.b_c", "0"] {
            assert!(good.parse::<TargetName>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "A", "a b", "a:b", "{a}", "limit", "quota", &"a".repeat(65)] {
            assert!(bad.parse::<TargetName>().is_err(), "{bad}");
        }
    }
}
