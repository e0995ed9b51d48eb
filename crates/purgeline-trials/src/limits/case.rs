//! The cases, as data.

use anyhow::Result;
use purgeline_sim::{CallKind, Rate, Sim, qiniu::QiniuSettings, wangsu::WangsuSettings};
use serde_json::{Value, json};

use crate::window::{Limit, Unit};

/// Wangsu counts in windows of five minutes; here they are shorter by this factor.
const WANGSU_DIVISOR: u32 = 30;

/// A fleet before a simulator at its real limits, with a backlog to work off.
pub(super) struct Case {
    pub(super) provider: &'static str,
    pub(super) title: String,
    pub(super) account: Account,
    /// Distinct URLs that wait before the first worker starts.
    pub(super) backlog: u64,
    /// The limit that bounds the fleet with this backlog, and the windows' worth of it there is.
    pub(super) binding: Limit,
    pub(super) worth: u64,
    /// What must hold of calls of a kind.
    pub(super) limits: Vec<(CallKind, Limit)>,
    /// Whether workers join and leave all the time.
    pub(super) churn: bool,
}

/// Which simulator.
#[derive(Clone, Copy)]
pub(super) enum Account {
    Qiniu,
    Wangsu,
}

/// All of them, each measured for so many seconds. One window's worth more stands at either end of
/// a backlog, which the measure leaves out.
pub(super) fn all(seconds: u64) -> [Case; 2] {
    let second = |unit, max| Limit { unit, max, window_ms: 1_000 };
    let qiniu = second(Unit::Items, 240);
    let shortened = |max| {
        let whole = Rate { calls: Some(max), items: None, window_ms: 300_000 };
        Limit { unit: Unit::Calls, max, window_ms: whole.shortened(WANGSU_DIVISOR).window_ms }
    };
    let wangsu = shortened(50);
    let worth_of = |limit: Limit| (seconds * 1_000).div_ceil(limit.window_ms) + 2;
    [
        Case {
            provider: "qiniu",
            title: "four workers, windows as documented".to_owned(),
            account: Account::Qiniu,
            backlog: worth_of(qiniu) * qiniu.max,
            binding: qiniu,
            worth: worth_of(qiniu),
            limits: vec![(CallKind::Purge, second(Unit::Calls, 80)), (CallKind::Purge, qiniu)],
            churn: false,
        },
        Case {
            provider: "wangsu",
            title: format!(
                "four workers that leave (SIGTERM, SIGKILL) and join, windows of 5 min shortened {WANGSU_DIVISOR} times"
            ),
            account: Account::Wangsu,
            // Calls of 500.
            backlog: worth_of(wangsu) * wangsu.max * 500,
            binding: wangsu,
            worth: worth_of(wangsu),
            limits: vec![(CallKind::Purge, wangsu), (CallKind::Status, shortened(10))],
            churn: true,
        },
    ]
}

impl Account {
    /// The simulator: rates as documented, quotas of the day lifted, since a minute at full rate
    /// is more than a day's.
    pub(super) async fn start(self) -> Result<Sim> {
        Ok(match self {
            Self::Qiniu => {
                let QiniuSettings { rate, existing, .. } = QiniuSettings::default();
                QiniuSettings { rate, existing, ..QiniuSettings::lifted() }.start().await?
            }
            Self::Wangsu => {
                let WangsuSettings { rate, query_rate, running_ms, .. } = WangsuSettings::default();
                let window_divisor = WANGSU_DIVISOR;
                let settings = WangsuSettings {
                    rate,
                    query_rate,
                    running_ms,
                    window_divisor,
                    ..WangsuSettings::lifted()
                };
                settings.start().await?
            }
        })
    }

    /// The target at this simulator.
    pub(super) fn target(self, sim: &Sim) -> Value {
        match self {
            Self::Qiniu => json!({
                "provider": "qiniu",
                "hosts": ["*.example.com"],
                "settings": {
                    "access_key": "sim-access-key",
                    "secret_key": "sim-secret-key",
                    "base_url": sim.base_url(),
                },
            }),
            Self::Wangsu => {
                let window_ms = 300_000 / WANGSU_DIVISOR;
                json!({
                    "provider": "wangsu",
                    "hosts": ["*.example.com"],
                    "limits": {
                        "exceed_documented": true,
                        "rates": [
                            { "unit": "calls", "max": 50, "window_ms": window_ms },
                            { "unit": "polls", "max": 10, "window_ms": window_ms },
                        ],
                    },
                    "settings": {
                        "username": "sim-user",
                        "api_key": "sim-api-key",
                        "base_url": sim.base_url(),
                        "polls": { "first_ms": 6_000, "then_ms": 5_000, "max_ms": 5_000, "deadline_ms": 600_000 },
                    },
                })
            }
        }
    }
}
