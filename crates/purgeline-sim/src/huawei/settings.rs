//! What can be set of a simulated Huawei Cloud account.

use std::collections::{BTreeMap, HashSet};

use secrecy::SecretString;
use serde::Deserialize;

use crate::error::StartError;
use crate::sim::{Options, Sim};
use crate::windows::Rate;

use super::Huawei;

/// A simulated account, with the API of seed 001 and the current one. The default is a documented
/// account; its credentials are invented.
///
/// Durations are milliseconds of the simulator's clock unless they say otherwise.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HuaweiSettings {
    /// Access key.
    pub access_key: String,
    /// Secret key.
    pub secret_key: SecretString,
    /// With temporary keys: the token that `X-Security-Token` must carry, signed.
    pub security_token: Option<SecretString>,
    /// IAM user.
    pub user: String,
    /// The IAM user's password.
    pub password: SecretString,
    /// The account (IAM calls it domain) that the user belongs to.
    pub domain: String,
    /// The account's id. `X-Domain-Id` is compared with it where both are there.
    pub domain_id: Option<String>,
    /// How long an IAM token lives, seconds: 24 hours (support.huaweicloud.com/api-iam/iam_30_0001).
    pub token_life_s: u64,
    /// How far `X-Sdk-Date` may be off, seconds: 15 minutes (API signing guide).
    pub clock_tolerance_s: u64,
    /// Whether the caller is a sub-user, who must say `enterprise_project_id` (seed 001).
    pub sub_user: bool,
    /// The enterprise projects that there are, beside `all`; absent takes any.
    pub projects: Option<Vec<String>>,
    /// URLs in one task: 1,000 (seed 001 and the current API).
    pub urls_per_call: usize,
    /// Directories in one task of the current API: 100 (support.huaweicloud.com/api-cdn/CreateRefreshTasks).
    pub dirs_per_call: usize,
    /// Directories in one task of the seed's API, which knows one number for both.
    pub legacy_dirs_per_call: usize,
    /// Characters of a URL in the current API: 4,096 (same page).
    pub url_chars: usize,
    /// Characters of a URL in the seed's API: 10,240.
    pub legacy_url_chars: usize,
    /// Creations of tasks: 30 a second (CreateRefreshTasks, 2025-10-30).
    pub rate: Rate,
    /// Queries of a task's detail: 30 a second (ShowHistoryTaskDetails).
    pub query_rate: Rate,
    /// URLs a day, UTC+8. The default is not documented: 2,000.
    pub url_quota_day: u64,
    /// Directories a day, UTC+8. The default is not documented: 100.
    pub dir_quota_day: u64,
    /// The hosts of the account, `www.example.com` or `*.example.com`; absent serves any. Others are
    /// refused with CDN.0108.
    pub hosts: Option<Vec<String>>,
    /// Hosts that are refused with a code of their own: CDN.0105 (unknown), CDN.0106 and CDN.0145
    /// (wrong state), CDN.0115 (banned), CDN.0116 (locked) …
    pub host_codes: BTreeMap<String, String>,
    /// URLs that the provider refuses, with CDN.0001 and without a name, though they are well formed.
    pub bad_urls: HashSet<String>,
    /// Where an error stands in an answer.
    pub error_shape: ErrorShape,
    /// How long a task takes when no fate says otherwise. Really about 5 minutes.
    pub processing_ms: u64,
    /// How long of that a URL is `waiting`, before `refreshing`.
    pub wait_ms: u64,
}

/// Where a service's error stands in an answer. One shape is documented, but the official SDK reads
/// all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorShape {
    /// `{"error": {"error_code", "error_msg"}}`.
    #[default]
    Nested,
    /// `{"error_code", "error_msg"}`.
    Flat,
    /// `{"errorCode", "errorMsg"}`.
    Camel,
    /// `{"code", "message"}`.
    Plain,
}

// === impl HuaweiSettings ===

impl Default for HuaweiSettings {
    fn default() -> Self {
        let a_second = |calls| Rate { calls: Some(calls), items: None, window_ms: 1_000 };
        Self {
            access_key: "sim-access-key".into(),
            secret_key: "sim-secret-key".into(),
            security_token: None,
            user: "sim-user".into(),
            password: "sim-password".into(),
            domain: "sim-domain".into(),
            domain_id: None,
            token_life_s: 86_400,
            clock_tolerance_s: 900,
            sub_user: false,
            projects: None,
            urls_per_call: 1_000,
            dirs_per_call: 100,
            legacy_dirs_per_call: 1_000,
            url_chars: 4_096,
            legacy_url_chars: 10_240,
            rate: a_second(30),
            query_rate: a_second(30),
            url_quota_day: 2_000,
            dir_quota_day: 100,
            hosts: None,
            host_codes: BTreeMap::new(),
            bad_urls: HashSet::new(),
            error_shape: ErrorShape::default(),
            processing_ms: 5_000,
            wait_ms: 1_000,
        }
    }
}

impl HuaweiSettings {
    /// An account without limits over time. Items per call and lengths stay as documented.
    #[must_use]
    pub fn lifted() -> Self {
        const PLENTY: u64 = 1_000_000_000;
        Self {
            rate: Rate::LIFTED,
            query_rate: Rate::LIFTED,
            url_quota_day: PLENTY,
            dir_quota_day: PLENTY,
            ..Self::default()
        }
    }

    /// Starts the simulator at a free port of 127.0.0.1, on the machine's clock. It plays IAM too.
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
        Sim::start(Huawei::new(self), options).await
    }
}
