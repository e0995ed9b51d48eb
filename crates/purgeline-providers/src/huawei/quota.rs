//! What is left of the day's quotas: `GET /v1.0/cdn/quota` (the official SDK's ShowQuota).

use crate::day;
use jiff::Timestamp;
use purgeline_core::{Kind, Signal};
use serde::Deserialize;

/// The quotas of an account.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Quotas {
    quotas: Vec<Quota>,
}

#[derive(Clone, Debug, Deserialize)]
struct Quota {
    /// `file_refresh` or `dir_refresh`; there are others, such as of preheating.
    #[serde(rename = "type")]
    kind: String,
    quota_limit: u64,
    used: u64,
}

impl Quotas {
    /// `None` if the answer tells of none.
    pub(super) fn read(body: &str) -> Option<Self> {
        serde_json::from_str(body).ok()
    }

    /// Items of a kind that may still be sent today; `None` if that is not told.
    pub(super) fn left(&self, kind: Kind) -> Option<u64> {
        self.of(kind).map(Quota::left)
    }

    pub(super) fn signals(&self, now: Timestamp) -> Vec<Signal> {
        // Which hour begins the day is not documented: assumed as for the other providers of
        // China.
        let for_ms = day::ms_to_next(now, day::UTC_PLUS_8);
        [Kind::Url, Kind::Dir]
            .into_iter()
            .filter_map(|kind| {
                let quota = self.of(kind)?;
                Some(Signal::QuotaLeft { kind, left: quota.left(), max: quota.quota_limit, for_ms })
            })
            .collect()
    }

    fn of(&self, kind: Kind) -> Option<&Quota> {
        let name = match kind {
            Kind::Url => "file_refresh",
            Kind::Dir => "dir_refresh",
            Kind::Resource => return None,
        };
        // No account is allowed nothing at all: 0 says nothing.
        self.quotas.iter().find(|quota| quota.kind == name && quota.quota_limit > 0)
    }
}

impl Quota {
    const fn left(&self) -> u64 {
        self.quota_limit.saturating_sub(self.used)
    }
}
