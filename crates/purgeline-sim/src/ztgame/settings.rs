//! What can be set of a simulated ztgame account.

use std::collections::HashSet;

use secrecy::SecretString;
use serde::Deserialize;

use crate::error::StartError;
use crate::sim::{Options, Sim};

use super::Ztgame;

/// A simulated account. The default follows seed 002 and the public source of its server; its
/// credentials are invented.
///
/// Durations are milliseconds of the simulator's clock unless they say otherwise.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ZtgameSettings {
    /// The user.
    pub username: String,
    /// The user's password.
    pub password: SecretString,
    /// Which body asks for a token.
    pub token_body: TokenBody,
    /// How long a token lives, seconds: 24 hours in the documented example.
    pub token_life_s: u64,
    /// Items in one call: 10 (seed 002; the public server leaves that to its clients).
    pub items_per_call: usize,
    /// The hosts of the account, `www.example.com` or `*.example.com`; absent serves any.
    pub hosts: Option<Vec<String>>,
    /// Items that a CDN behind the server refuses, unnamed.
    pub bad_urls: HashSet<String>,
    /// The shape of a success.
    pub answer: AnswerShape,
    /// The share of CDNs that a success reports, per cent.
    pub success_rate: f64,
    /// How long a task takes when no fate says otherwise.
    pub processing_ms: u64,
    /// Whether a task stays `run` for ever, as nothing in the public source ends one.
    pub runs_for_ever: bool,
}

/// Which body asks for a token: the public server reads one, its quick start shows the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenBody {
    /// Both.
    #[default]
    Any,
    /// `{"username", "password"}`.
    Flat,
    /// `{"auth": {"passwordCredentials": {"username", "password"}}}`.
    Nested,
}

/// The shape of a success.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerShape {
    /// `{"zt_api": {"msg", "reqId", "ret", "success_rate"}}`, the seed's example.
    #[default]
    Nested,
    /// The same with `successRate`, as the seed's table spells it.
    NestedCamel,
    /// `{"reqId", "successRate"}`, as the public source has it.
    Flat,
}

// === impl ZtgameSettings ===

impl Default for ZtgameSettings {
    fn default() -> Self {
        Self {
            username: "sim-user".into(),
            password: "sim-password".into(),
            token_body: TokenBody::default(),
            token_life_s: 86_400,
            items_per_call: 10,
            hosts: None,
            bad_urls: HashSet::new(),
            answer: AnswerShape::default(),
            success_rate: 100.0,
            processing_ms: 5_000,
            runs_for_ever: false,
        }
    }
}

impl ZtgameSettings {
    /// Starts the simulator at a free port of 127.0.0.1, on the machine's clock.
    ///
    /// # Errors
    /// If no port can be had.
    pub async fn start(self) -> Result<Sim, StartError> {
        self.start_with(Options::default()).await
    }

    /// Starts the simulator.
    ///
    /// # Errors
    /// If the address cannot be listened at.
    pub async fn start_with(self, options: Options) -> Result<Sim, StartError> {
        Sim::start(Ztgame::new(self), options).await
    }
}
