//! What can be set of a simulated Qiniu account.

use std::collections::HashSet;

use secrecy::SecretString;
use serde::Deserialize;

use crate::error::StartError;
use crate::sim::{Options, Sim};
use crate::windows::Rate;

use super::Qiniu;

/// A simulated account. The default is a documented one; its credentials are invented.
///
/// Durations are milliseconds of the simulator's clock.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QiniuSettings {
    /// Access key of the account.
    pub access_key: String,
    /// Secret key of the account.
    pub secret_key: SecretString,
    /// URLs in one call: 60 (seed 003). Also bounds a prefetch.
    pub urls_per_call: usize,
    /// Dirs in one call: 10 (seed 003).
    pub dirs_per_call: usize,
    /// Refresh and prefetch calls together: 80 calls and 240 items a second (seed 003).
    pub rate: Rate,
    /// URLs a day, UTC+8. The seed gives no figure; 500 by developer.qiniu.com/fusion/13367.
    pub url_quota_day: u64,
    /// Dirs a day, UTC+8: 11, same source.
    pub dir_quota_day: u64,
    /// Prefetched URLs a day, UTC+8: 100, same source.
    pub prefetch_quota_day: u64,
    /// Whether dirs may be refreshed. Off until asked for (seed 003).
    pub dir_permission: bool,
    /// Whether an item that is being refreshed is refused with 400037.
    pub existing: bool,
    /// For how long after its submission an item counts as being refreshed; absent is until its
    /// task has ended.
    pub existing_ms: Option<u64>,
    /// Whether a 400037 names the items, in `invalidUrls` and `invalidDirs`. The seed does not say
    /// so, and an item that is being refreshed is not invalid: off.
    pub existing_named: bool,
    /// The hosts of the account, `www.example.com` or `*.example.com`; absent serves any.
    pub hosts: Option<Vec<String>>,
    /// URLs and dirs that the provider finds invalid though they are well formed.
    pub bad_urls: HashSet<String>,
    /// What becomes of a call that carries invalid items.
    pub bad_items: BadItems,
    /// How long a task takes when no fate says otherwise. Really 5 to 10 minutes
    /// (developer.qiniu.com/fusion/13367).
    pub processing_ms: u64,
    /// How long a new task stays out of the list call.
    pub list_delay_ms: u64,
    /// The HTTP status of answers with a code other than 200.
    pub http_status: HttpStatus,
    /// The account's number.
    pub uid: u64,
    /// Give `uid` as a string, as the seed's table has it, not as a number, as its example has it.
    pub uid_as_string: bool,
    /// Add `taskIds` to successes, as newer servers do (developer.qiniu.com/fusion/13367).
    pub task_ids: bool,
}

/// What becomes of a call that carries invalid items. The documentation leaves it open, so a
/// client has to bear all three.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BadItems {
    /// The whole call is refused, the culprits are named.
    #[default]
    RefuseNamed,
    /// The whole call is refused, nobody is named.
    RefuseUnnamed,
    /// The good items are taken, the others are named in a success.
    Partial,
}

/// The HTTP status of an answer whose code is not 200. The seed heads its table of codes with
/// "HTTP status", which 400031 cannot be; both readings are met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HttpStatus {
    /// Always 200; the code is in the body alone.
    #[default]
    AlwaysOk,
    /// The code's first three digits.
    ByCode,
}

// === impl QiniuSettings ===

impl Default for QiniuSettings {
    fn default() -> Self {
        Self {
            access_key: "sim-access-key".into(),
            secret_key: "sim-secret-key".into(),
            urls_per_call: 60,
            dirs_per_call: 10,
            rate: Rate { calls: Some(80), items: Some(240), window_ms: 1_000 },
            url_quota_day: 500,
            dir_quota_day: 11,
            prefetch_quota_day: 100,
            dir_permission: false,
            existing: true,
            existing_ms: None,
            existing_named: false,
            hosts: None,
            bad_urls: HashSet::new(),
            bad_items: BadItems::default(),
            processing_ms: 5_000,
            list_delay_ms: 0,
            http_status: HttpStatus::default(),
            uid: 1_100_000_009,
            uid_as_string: false,
            task_ids: false,
        }
    }
}

impl QiniuSettings {
    /// An account without limits over time, with directory permission, that lets an item be
    /// refreshed again at any moment. Items per call stay as documented.
    #[must_use]
    pub fn lifted() -> Self {
        const PLENTY: u64 = 1_000_000_000;
        Self {
            rate: Rate::LIFTED,
            url_quota_day: PLENTY,
            dir_quota_day: PLENTY,
            prefetch_quota_day: PLENTY,
            dir_permission: true,
            existing: false,
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
        Sim::start(Qiniu::new(self), options).await
    }
}
