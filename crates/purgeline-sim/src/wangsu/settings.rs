//! What can be set of a simulated Wangsu account.

use std::collections::HashSet;

use secrecy::SecretString;
use serde::Deserialize;

use crate::error::StartError;
use crate::sim::{Options, Sim};
use crate::windows::Rate;

use super::Wangsu;

/// A simulated account. The default is a documented one; its credentials are invented.
///
/// Durations are milliseconds of the simulator's clock.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WangsuSettings {
    /// User of the API key way.
    pub username: String,
    /// Key of the API key way.
    pub api_key: SecretString,
    /// Access key of the AK/SK way.
    pub access_key: String,
    /// Secret key of the AK/SK way.
    pub secret_key: SecretString,
    /// How far a request's time may be off, seconds: 300, documented for the AK/SK way and taken
    /// for the other. The same AK/SK signature is refused again for as long.
    pub clock_tolerance_s: u64,
    /// URLs and dirs together in one call: 500 (seed 004).
    pub items_per_call: usize,
    /// Characters of a URL: 2,000 (seed 004).
    pub url_chars: usize,
    /// Characters of a dir: 1,000 (seed 004).
    pub dir_chars: usize,
    /// Purge calls: 50 in 5 minutes (seed 004).
    pub rate: Rate,
    /// Status queries: 10 in 5 minutes (wangsu.com/document/21518/22596).
    pub query_rate: Rate,
    /// Shortens both windows and `running_ms` by this factor, so that a test need not wait for
    /// minutes. At least 1.
    pub window_divisor: u32,
    /// What a call beyond a rate is answered. Nobody documents it.
    pub limited: LimitedAnswer,
    /// URLs a day, UTC+8: 5,000 (seed 004).
    pub url_quota_day: u64,
    /// Dirs a day, UTC+8: 500 (seed 004).
    pub dir_quota_day: u64,
    /// Dirs a day and domain, UTC+8: 500 (seed 004).
    pub dir_quota_host_day: u64,
    /// For how long an item is refused after it was taken: one minute (seed 004). Absent never
    /// refuses.
    pub running_ms: Option<u64>,
    /// Whether "running url or dir [ ]" names the items between its brackets.
    pub running_named: bool,
    /// Whether the rest of such a call is carried out. The seed says nothing.
    pub running_takes_rest: bool,
    /// Whether the user may purge at all.
    pub push_allowed: bool,
    /// Whether `dirAction` may be `delete`. Off until asked for (seed 004).
    pub dir_delete: bool,
    /// The hosts of the account, `www.example.com` or `*.example.com`; absent serves any.
    pub hosts: Option<Vec<String>>,
    /// URLs and dirs that the provider refuses though they are well formed.
    pub bad_urls: HashSet<String>,
    /// Whether an "error channel" answer, whose other items are carried out, has an `itemId`.
    /// The seed gives one to successes only.
    pub partial_item_id: bool,
    /// How long a task takes when no fate says otherwise. Really 1 to 3 minutes (seed 004).
    pub processing_ms: u64,
    /// How long of that a task is in `wait`, before `run`.
    pub wait_ms: u64,
    /// How long a new task stays out of the status query.
    pub query_delay_ms: u64,
}

/// What a call beyond a rate is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitedAnswer {
    /// HTTP 429 by the gateway.
    #[default]
    Http429,
    /// HTTP 200 with `Code` 0 and a `Message` that speaks of frequency.
    Message,
}

// === impl WangsuSettings ===

impl Default for WangsuSettings {
    fn default() -> Self {
        const FIVE_MINUTES: u64 = 300_000;
        Self {
            username: "sim-user".into(),
            api_key: "sim-api-key".into(),
            access_key: "sim-access-key".into(),
            secret_key: "sim-secret-key".into(),
            clock_tolerance_s: 300,
            items_per_call: 500,
            url_chars: 2_000,
            dir_chars: 1_000,
            rate: Rate { calls: Some(50), items: None, window_ms: FIVE_MINUTES },
            query_rate: Rate { calls: Some(10), items: None, window_ms: FIVE_MINUTES },
            window_divisor: 1,
            limited: LimitedAnswer::default(),
            url_quota_day: 5_000,
            dir_quota_day: 500,
            dir_quota_host_day: 500,
            running_ms: Some(60_000),
            running_named: true,
            running_takes_rest: false,
            push_allowed: true,
            dir_delete: false,
            hosts: None,
            bad_urls: HashSet::new(),
            partial_item_id: false,
            processing_ms: 5_000,
            wait_ms: 1_000,
            query_delay_ms: 0,
        }
    }
}

impl WangsuSettings {
    /// An account without limits over time, entitled to delete dirs, that takes an item again at
    /// any moment. Items per call and lengths stay as documented.
    #[must_use]
    pub fn lifted() -> Self {
        const PLENTY: u64 = 1_000_000_000;
        Self {
            rate: Rate::LIFTED,
            query_rate: Rate::LIFTED,
            url_quota_day: PLENTY,
            dir_quota_day: PLENTY,
            dir_quota_host_day: PLENTY,
            running_ms: None,
            dir_delete: true,
            ..Self::default()
        }
    }

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
        Sim::start(Wangsu::new(self), options).await
    }
}
