use crate::{Action, Cause, Class, Item, ItemError, Kind, Limits, PollSchedule};
use std::{collections::BTreeMap, num::NonZeroU64};

/// A provider as data: what it takes, how fast, and what its answers mean. The client code
/// beside it only signs, builds, sends and parses.
#[derive(Clone, Debug)]
pub struct Descriptor {
    /// The name in configuration: `qiniu`.
    pub name: &'static str,
    /// The name in prose: `Qiniu Fusion CDN`.
    pub title: &'static str,
    /// What it allows.
    pub limits: Limits,
    /// Which items it takes.
    pub rules: ItemRules,
    /// The actions that it tells apart; one that is not here is treated as the default.
    pub actions: &'static [Action],
    /// The actions that it tells apart for dirs, where those are others.
    pub dir_actions: Option<&'static [Action]>,
    /// When to ask how an accepted batch fares; `None`: the call itself is the end.
    pub polls: Option<PollSchedule>,
    /// The longest wait for an answer, in milliseconds, where a target's configuration says
    /// nothing.
    pub timeout_ms: NonZeroU64,
    /// How it authenticates callers, in a few words.
    pub auth: &'static str,
    /// Whether the answer to a poll tells each item apart.
    pub per_item_result: bool,
    /// Its documented codes and what each means here.
    pub codes: &'static [Code],
    /// What its own codes begin with where they say that it failed itself, whatever was sent.
    pub outages: &'static [&'static str],
}

/// A documented answer of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// As the provider writes it.
    pub code: &'static str,
    /// Its meaning, in a few words.
    pub meaning: &'static str,
    /// What it means for what happens next.
    pub class: Class,
}

/// Which items a provider takes, beside the kinds in its call limits.
#[derive(Clone, Debug, Default)]
pub struct ItemRules {
    /// The longest text of a kind, in characters; none: [`crate::MAX_URL_BYTES`] alone bounds it.
    pub max_chars: BTreeMap<Kind, usize>,
    /// Whether `*` in a URL is refused.
    pub no_wildcards: bool,
    /// Whether an item that is being purged is refused until that has ended. A later request for
    /// it then waits, instead of being refused.
    pub not_while_open: bool,
}

impl Descriptor {
    /// The [`timeout_ms`](Self::timeout_ms) of a provider that answers as soon as it can: 30 s.
    pub const TIMEOUT_MS: NonZeroU64 = match NonZeroU64::new(30_000) {
        Some(ms) => ms,
        None => NonZeroU64::MIN,
    };

    /// Checks an item against what this provider takes.
    ///
    /// # Errors
    /// The rule it breaks, in words for the producer.
    pub fn check(&self, item: &Item) -> Result<(), String> {
        let kind = item.kind();
        if !self.limits.call.max_of_kind.contains_key(&kind) {
            let takes: Vec<_> = self.limits.call.max_of_kind.keys().map(|kind| kind.as_str()).collect();
            return Err(format!("{} takes no {kind} items, only {}", self.title, takes.join(" and ")));
        }
        if let Some(&max) = self.rules.max_chars.get(&kind) {
            let chars = item.text().chars().count();
            if chars > max {
                return Err(format!(
                    "it is {chars} characters long: {} takes at most {max} for a {kind}",
                    self.title
                ));
            }
        }
        if self.rules.no_wildcards && kind != Kind::Resource && item.text().contains('*') {
            return Err(format!("{} takes no wildcards in a {kind}", self.title));
        }
        Ok(())
    }

    /// Whether a cause says that the provider itself is down: it cannot be reached, does not answer,
    /// or fails whatever it is sent (HTTP 5xx, and its own [`outages`](Self::outages)).
    #[must_use]
    pub fn is_outage(&self, cause: &Cause) -> bool {
        let may_pass = matches!(cause.class, Class::Soon | Class::Unknown | Class::Delay);
        let unanswered = [Cause::NO_CONNECTION, Cause::TIMEOUT, Cause::NO_ANSWER].contains(&&*cause.code);
        let mut failed = self.outages.iter().chain(&["http-5"]);
        may_pass && (unanswered || failed.any(|begin| cause.code.starts_with(begin)))
    }

    /// The action to do to an item of that kind for a wished one: itself where the provider tells
    /// it apart, else the default, so that items which mean the same coalesce.
    #[must_use]
    pub fn fold_action(&self, kind: Kind, wished: Action) -> Action {
        let actions = self.dir_actions.filter(|_| kind == Kind::Dir).unwrap_or(self.actions);
        if actions.contains(&wished) { wished } else { Action::Default }
    }
}

impl From<ItemError> for String {
    fn from(error: ItemError) -> Self {
        error.to_string()
    }
}
