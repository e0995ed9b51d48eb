use crate::{Kind, Quota};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    num::{NonZeroU32, NonZeroU64},
};
use thiserror::Error;

/// Everything that bounds how a target may be called. A provider declares what it allows; a
/// target's configuration may ask for less.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// What one call may carry.
    pub call: CallLimits,
    /// Calls or items in a sliding window, shared by the whole fleet and by all targets of the
    /// account.
    pub rates: Vec<Rate>,
    /// Calls of the whole fleet that may be under way at once, to all targets of the account.
    pub max_in_flight: NonZeroU32,
    /// Tasks that may be in progress at the provider at once, for all targets of the account:
    /// accepted batches whose end is not known, and calls under way, each of which may become
    /// one. `None`: no bound.
    #[serde(default)]
    pub max_tasks: Option<NonZeroU32>,
    /// Items a day, of all targets of the account.
    #[serde(default)]
    pub quotas: Vec<Quota>,
}

/// What one provider call may carry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallLimits {
    /// Items together.
    pub max_items: NonZeroU32,
    /// Items of one kind, for each kind that the provider takes. A kind that is not here is
    /// refused.
    pub max_of_kind: BTreeMap<Kind, NonZeroU32>,
    /// Whether items of several kinds may share a call.
    pub mix_kinds: bool,
    /// Different hosts in one call; `None`: any number.
    #[serde(default)]
    pub max_hosts: Option<NonZeroU32>,
    /// Bytes of all item texts together; `None`: no bound.
    #[serde(default)]
    pub max_bytes: Option<NonZeroU32>,
}

/// What a [`Rate`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RateUnit {
    /// Calls that submit items.
    Calls,
    /// Items of any kind.
    Items,
    /// Items of kind `url`.
    Urls,
    /// Items of kind `dir`.
    Dirs,
    /// Calls that ask how a batch fares.
    Polls,
}

/// So many in any window of so long, exact and sliding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// What is counted. Two rates may count the same over different windows.
    pub unit: RateUnit,
    /// The most in a window.
    pub max: NonZeroU32,
    /// The window's length in milliseconds.
    pub window_ms: NonZeroU64,
}

/// When to ask a provider how an accepted batch fares. All in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PollSchedule {
    /// From acceptance to the first question.
    pub first_ms: u64,
    /// From the first question to the second; each further wait is longer by half.
    pub then_ms: u64,
    /// The longest wait between two questions.
    pub max_ms: u64,
    /// From acceptance to giving up on an answer: the items are then sent again (a purge is
    /// idempotent), which counts as an attempt.
    pub deadline_ms: u64,
    /// The most open batches that one question may cover.
    pub batches_per_call: NonZeroU32,
    /// How often an item is sent again for want of an answer until the deadline; after that it
    /// fails with that cause. `None`: as often as it may be sent at all.
    #[serde(default)]
    pub resubmits: Option<u32>,
}

/// A configured limit above what the provider allows.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "limits.{what} is {asked}, {}more than the {allowed} that {provider} allows: lower it, or set exceed_documented = true if the provider has granted this account more", by(*.excess)
)]
pub struct LimitError {
    /// Which limit.
    pub what: String,
    /// What the configuration asks for.
    pub asked: String,
    /// What the provider allows.
    pub allowed: String,
    /// By how much it is above that; `None` where windows differ, so that one number does not
    /// tell.
    pub excess: Option<u32>,
    /// The provider.
    pub provider: String,
}

fn by(excess: Option<u32>) -> String {
    excess.map(|excess| format!("{excess} ")).unwrap_or_default()
}

impl Rate {
    /// The name under which its use is counted in Redis: `calls-1000ms`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}-{}ms", self.unit.as_str(), self.window_ms)
    }
}

impl RateUnit {
    /// The name used in configuration and Redis.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::Items => "items",
            Self::Urls => "urls",
            Self::Dirs => "dirs",
            Self::Polls => "polls",
        }
    }
}

impl PollSchedule {
    /// The wait before the question after `asked` ones, in milliseconds.
    #[must_use]
    pub fn wait_ms(&self, asked: u32) -> u64 {
        if asked == 0 {
            return self.first_ms;
        }
        let mut wait = self.then_ms;
        for _ in 1..asked.min(64) {
            wait = wait.saturating_add(wait / 2).min(self.max_ms);
        }
        wait.min(self.max_ms)
    }
}

impl Limits {
    /// The limits to work by when a target asks for some of its own: each of `asked` must be no
    /// more than what the provider allows, unless `exceed` says that this account was granted
    /// more. Rates of a unit that is asked for replace all of the provider's for that unit.
    ///
    /// # Errors
    /// Names the first limit that is above what `provider` allows.
    pub fn narrowed(&self, asked: &crate::config::LimitsConfig, provider: &str) -> Result<Self, LimitError> {
        let mut limits = self.clone();
        let check = |what: &str, asked: u32, allowed: u32, exceed: bool| {
            if asked > allowed && !exceed {
                return Err(LimitError {
                    what: what.to_owned(),
                    asked: asked.to_string(),
                    allowed: allowed.to_string(),
                    excess: Some(asked - allowed),
                    provider: provider.to_owned(),
                });
            }
            Ok(())
        };
        let exceed = asked.exceed_documented;
        if let Some(max) = asked.max_items {
            check("max_items", max.get(), self.call.max_items.get(), exceed)?;
            limits.call.max_items = max;
            for of_kind in limits.call.max_of_kind.values_mut() {
                *of_kind = (*of_kind).min(max);
            }
        }
        for (what, kind, max) in
            [("max_urls", Kind::Url, asked.max_urls), ("max_dirs", Kind::Dir, asked.max_dirs)]
        {
            let Some(max) = max else { continue };
            let allowed = self.call.max_of_kind.get(&kind).map_or(0, |max| max.get());
            check(what, max.get(), allowed, exceed && allowed > 0)?;
            limits.call.max_of_kind.insert(kind, max);
        }
        if let Some(max) = asked.max_in_flight {
            check("max_in_flight", max.get(), self.max_in_flight.get(), exceed)?;
            limits.max_in_flight = max;
        }
        if let Some(max) = asked.max_tasks {
            check("max_tasks", max.get(), self.max_tasks.map_or(u32::MAX, NonZeroU32::get), exceed)?;
            limits.max_tasks = Some(max);
        }
        for rate in &asked.rates {
            for allowed in self.rates.iter().filter(|allowed| allowed.unit == rate.unit) {
                if !exceed && rate.exceeds(allowed) {
                    return Err(LimitError {
                        what: format!("rates ({})", rate.unit.as_str()),
                        asked: rate.to_string(),
                        allowed: allowed.to_string(),
                        excess: (rate.window_ms == allowed.window_ms)
                            .then(|| rate.max.get() - allowed.max.get()),
                        provider: provider.to_owned(),
                    });
                }
            }
            limits.rates.retain(|declared| declared.unit != rate.unit);
        }
        limits.rates.extend(asked.rates.iter().cloned());
        for quota in &asked.quotas {
            let same = |of: &&Quota| of.kind == quota.kind && of.per_host == quota.per_host;
            if let Some(allowed) = self.quotas.iter().find(same).and_then(|declared| declared.max)
                && quota.max > allowed
                && !exceed
            {
                return Err(LimitError {
                    what: format!("quotas ({})", quota.name()),
                    asked: format!("{} a day", quota.max),
                    allowed: format!("{allowed} a day"),
                    excess: Some(quota.max.get() - allowed.get()),
                    provider: provider.to_owned(),
                });
            }
            quota.put_into(&mut limits.quotas);
        }
        Ok(limits)
    }
}

impl Rate {
    /// Whether keeping to this rate could break the other. In any of the other's windows there
    /// are at most ⌈other.window / window⌉ + 1 of this one's, fewer when this window is as long.
    fn exceeds(&self, other: &Self) -> bool {
        let windows = other.window_ms.get().div_ceil(self.window_ms.get());
        u64::from(self.max.get()) * windows > u64::from(other.max.get())
    }
}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (number, unit) = match self.window_ms.get() {
            ms if ms % 3_600_000 == 0 => (ms / 3_600_000, "h"),
            ms if ms % 60_000 == 0 => (ms / 60_000, "min"),
            ms if ms % 1_000 == 0 => (ms / 1_000, "s"),
            ms => (ms, "ms"),
        };
        write!(f, "{} per {number} {unit}", self.max)
    }
}
