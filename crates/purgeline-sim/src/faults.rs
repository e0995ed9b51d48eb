//! Misbehaviour on demand: what is done to which calls, scripted or by seeded chance.

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::record::{CallKind, CallRecord};

/// When, in the life of a call, a fault strikes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The request has been read, nothing has been done.
    #[default]
    Before,
    /// What was asked is done, the answer has not been sent.
    After,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// Refuse the whole call with one of the provider's own codes, in the provider's own words.
    Refuse {
        /// The code as the provider writes it: `"403024"`, `"CDN.0110"`, `"system exception"`.
        code: String,
    },
    /// Hold the call for a time, or until the test lets it go through the [`Gate`](crate::Gate).
    Stall {
        /// Before or after it is carried out.
        #[serde(default)]
        phase: Phase,
        /// Milliseconds of the simulator's clock; absent holds it until it is released.
        #[serde(default)]
        for_ms: Option<u64>,
    },
    /// Close the connection without a byte of an answer.
    Drop {
        /// Before or after it is carried out.
        #[serde(default)]
        phase: Phase,
    },
    /// Answer with this HTTP status in place of the provider's answer; nothing is carried out.
    Status {
        /// The HTTP status, 200 to 599.
        status: u16,
        /// The body; empty by default.
        #[serde(default)]
        body: String,
        /// `Retry-After`, seconds.
        #[serde(default)]
        retry_after_s: Option<u64>,
    },
    /// Carry the call out, send the head and the first half of the answer's body, then close the connection.
    Half,
}

/// A fault, and the calls that it is done to: those of a kind, that carry an item, after some were
/// let through, so many times, with a chance. Each condition that is absent is met.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// What goes wrong.
    pub fault: Fault,
    /// Only calls of this kind.
    #[serde(default)]
    pub on: Option<CallKind>,
    /// Only calls that carry an item of this name.
    #[serde(default)]
    pub item: Option<String>,
    /// How many matching calls pass unharmed first.
    #[serde(default)]
    pub skip: u64,
    /// How many calls it strikes; absent is all.
    #[serde(default)]
    pub times: Option<u64>,
    /// Chance of striking a matching call, 0 to 1; absent is 1.
    #[serde(default)]
    pub chance: Option<f64>,
}

/// The rules, in order: the first that strikes a call decides. Chances are drawn from `seed`,
/// in order of arrival, so that the same calls meet the same faults.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultPlan {
    /// Seed of the chances.
    #[serde(default)]
    pub seed: u64,
    /// The rules.
    pub rules: Vec<FaultRule>,
}

/// A fault plan that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// The provider has no such code.
    #[error("{provider} has no code {code:?}; expected one of its documented codes: {known}")]
    UnknownCode {
        /// The provider.
        provider: &'static str,
        /// What was asked for.
        code: String,
        /// What there is.
        known: String,
    },
    /// A chance outside 0 to 1.
    #[error("chance is {0}; expected a number from 0 to 1")]
    Chance(String),
    /// Not an HTTP status.
    #[error("status is {0}; expected an HTTP status from 200 to 599")]
    Status(u16),
}

/// The plan at work.
#[derive(Debug)]
pub(crate) struct Faults {
    provider: &'static str,
    codes: &'static [&'static str],
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    rules: Vec<Armed>,
    random: StdRng,
}

#[derive(Debug)]
struct Armed {
    rule: FaultRule,
    matched: u64,
    struck: u64,
}

// === impl Fault ===

impl Fault {
    /// The fault's name in the log.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Refuse { .. } => "refuse",
            Self::Stall { .. } => "stall",
            Self::Drop { phase: Phase::Before } => "drop_before",
            Self::Drop { phase: Phase::After } => "drop_after",
            Self::Status { .. } => "status",
            Self::Half => "half",
        }
    }

    /// Refuse with the provider's own code.
    #[must_use]
    pub fn refuse(code: &str) -> Self {
        Self::Refuse { code: code.into() }
    }

    /// Answer with an HTTP status and no body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::Status { status, body: String::new(), retry_after_s: None }
    }
}

// === impl FaultRule ===

impl FaultRule {
    /// The fault, done to every call.
    #[must_use]
    pub fn new(fault: Fault) -> Self {
        Self { fault, on: None, item: None, skip: 0, times: None, chance: None }
    }

    /// Only to calls of this kind.
    #[must_use]
    pub fn on(mut self, kind: CallKind) -> Self {
        self.on = Some(kind);
        self
    }

    /// Only to calls that carry an item of this name.
    #[must_use]
    pub fn carrying(mut self, item: &str) -> Self {
        self.item = Some(item.into());
        self
    }

    /// Only after `n` matching calls have passed unharmed.
    #[must_use]
    pub fn after(mut self, n: u64) -> Self {
        self.skip = n;
        self
    }

    /// Only to so many calls.
    #[must_use]
    pub fn times(mut self, n: u64) -> Self {
        self.times = Some(n);
        self
    }

    /// Only with this chance, 0 to 1.
    #[must_use]
    pub fn with_chance(mut self, chance: f64) -> Self {
        self.chance = Some(chance);
        self
    }

    fn matches(&self, call: &CallRecord) -> bool {
        self.on.is_none_or(|kind| kind == call.kind)
            && self.item.as_ref().is_none_or(|item| call.carries(item))
    }
}

// === impl Faults ===

impl Faults {
    pub(crate) fn new(provider: &'static str, codes: &'static [&'static str]) -> Self {
        let state = Mutex::new(State { rules: Vec::new(), random: StdRng::seed_from_u64(0) });
        Self { provider, codes, state }
    }

    pub(crate) fn codes(&self) -> &'static [&'static str] {
        self.codes
    }

    pub(crate) fn add(&self, rule: FaultRule) -> Result<(), FaultError> {
        self.check(&rule)?;
        self.state.lock().rules.push(rule.into());
        Ok(())
    }

    pub(crate) fn set(&self, plan: FaultPlan) -> Result<(), FaultError> {
        plan.rules.iter().try_for_each(|rule| self.check(rule))?;
        *self.state.lock() = State {
            rules: plan.rules.into_iter().map(Into::into).collect(),
            random: StdRng::seed_from_u64(plan.seed),
        };
        Ok(())
    }

    /// What is to be done to a call. Called once a call, in order of arrival.
    pub(crate) fn strike(&self, call: &CallRecord) -> Option<Fault> {
        let mut state = self.state.lock();
        let State { rules, random } = &mut *state;
        rules.iter_mut().find_map(|armed| {
            let Armed { rule, matched, struck } = armed;
            if !rule.matches(call) || rule.times.is_some_and(|times| *struck >= times) {
                return None;
            }
            *matched += 1;
            let strikes = *matched > rule.skip && rule.chance.is_none_or(|chance| random.random_bool(chance));
            strikes.then(|| {
                *struck += 1;
                rule.fault.clone()
            })
        })
    }

    fn check(&self, rule: &FaultRule) -> Result<(), FaultError> {
        if let Some(chance) = rule.chance
            && !(0.0..=1.0).contains(&chance)
        {
            return Err(FaultError::Chance(chance.to_string()));
        }
        match &rule.fault {
            Fault::Refuse { code } if !self.codes.contains(&code.as_str()) => Err(FaultError::UnknownCode {
                provider: self.provider,
                code: code.clone(),
                known: self.codes.join(", "),
            }),
            Fault::Status { status, .. } if !(200..600).contains(status) => Err(FaultError::Status(*status)),
            _ => Ok(()),
        }
    }
}

impl From<FaultRule> for Armed {
    fn from(rule: FaultRule) -> Self {
        Self { rule, matched: 0, struck: 0 }
    }
}
