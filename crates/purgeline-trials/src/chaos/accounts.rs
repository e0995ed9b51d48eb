//! The simulated accounts that a fault run sends purges to.

use anyhow::Result;
use purgeline_sim::{CallKind, Options, Sim};
use serde_json::{Value, json};

use crate::{
    proxy::{Late, Proxy},
    window::{Limit, Unit},
};

/// A provider's account, by the name of its target.
#[derive(Debug)]
pub(super) struct Account {
    /// The provider, and the target's name.
    pub(super) name: &'static str,
    /// The hosts that it serves.
    pub(super) hosts: &'static [&'static str],
    /// Refusals that the provider gives to one call and not to the next.
    pub(super) refusals: &'static [&'static str],
    /// What must hold of calls of a kind at the simulator.
    pub(super) limits: &'static [(CallKind, Limit)],
    /// The simulator's settings.
    account: fn() -> Value,
    /// How long after a purge the same goes once more, ms.
    rebound_ms: Option<u64>,
    /// The target's settings, with the base URL to be added, and its limits.
    target: fn() -> (Value, Value),
}

/// An account's simulator, and the proxy before it.
#[derive(Debug)]
pub(super) struct SimAccount {
    pub(super) account: &'static Account,
    pub(super) sim: Sim,
    pub(super) proxy: Proxy,
}

/// A quota of the day that no run spends.
const PLENTY: u64 = 1_000_000_000;
/// Wangsu's windows of five minutes, and the minute in which it takes no item again, are shorter by
/// this factor.
const WANGSU_DIVISOR: u64 = 60;

const fn limit(unit: Unit, max: u64, window_ms: u64) -> Limit {
    Limit { unit, max, window_ms }
}

/// The rates of the targets leave room for one call: a worker that is stopped between the look at
/// its permit and the send sends when it goes on, and no head room in time is for that.
pub(super) const ACCOUNTS: [Account; 4] = [
    Account {
        name: "qiniu",
        hosts: &["www.example.com", "static.example.com"],
        refusals: &["500000", "500005", "403022", "403024"],
        limits: &[
            (CallKind::Purge, limit(Unit::Calls, 80, 1_000)),
            (CallKind::Purge, limit(Unit::Items, 240, 1_000)),
        ],
        rebound_ms: None,
        account: || {
            json!({
                "url_quota_day": PLENTY,
                "dir_quota_day": PLENTY,
                "dir_permission": true,
                "processing_ms": 300,
            })
        },
        target: || {
            (
                json!({ "access_key": "sim-access-key", "secret_key": "sim-secret-key" }),
                json!([rate("calls", 76, 1_000), rate("items", 170, 1_000)]),
            )
        },
    },
    Account {
        name: "huawei",
        hosts: &["img.example.com", "static.example.com"],
        refusals: &["CDN.0000", "APIGW.0308"],
        limits: &[
            (CallKind::Purge, limit(Unit::Calls, 30, 1_000)),
            (CallKind::Status, limit(Unit::Calls, 30, 1_000)),
        ],
        rebound_ms: Some(1_500),
        account: || {
            json!({
                "url_quota_day": PLENTY,
                "dir_quota_day": PLENTY,
                "processing_ms": 300,
                "wait_ms": 100,
            })
        },
        target: || {
            (
                json!({ "access_key": "sim-access-key", "secret_key": "sim-secret-key" }),
                json!([rate("calls", 26, 1_000), rate("polls", 26, 1_000)]),
            )
        },
    },
    Account {
        name: "wangsu",
        hosts: &["video.example.com"],
        refusals: &["system exception"],
        limits: &[
            (CallKind::Purge, limit(Unit::Calls, 50, 300_000 / WANGSU_DIVISOR)),
            (CallKind::Status, limit(Unit::Calls, 10, 300_000 / WANGSU_DIVISOR)),
        ],
        rebound_ms: None,
        account: || {
            json!({
                "url_quota_day": PLENTY,
                "dir_quota_day": PLENTY,
                "dir_quota_host_day": PLENTY,
                "processing_ms": 300,
                "wait_ms": 100,
                "window_divisor": WANGSU_DIVISOR,
            })
        },
        target: || {
            let window_ms = 300_000 / WANGSU_DIVISOR;
            (
                json!({ "username": "sim-user", "api_key": "sim-api-key" }),
                json!([rate("calls", 46, window_ms), rate("polls", 8, window_ms)]),
            )
        },
    },
    Account {
        name: "ztgame",
        hosts: &["game.example.com"],
        refusals: &["downstream 500"],
        // None is documented.
        limits: &[],
        rebound_ms: None,
        account: || json!({ "processing_ms": 300 }),
        target: || (json!({ "username": "sim-user", "password": "sim-password" }), json!([])),
    },
];

fn rate(unit: &str, max: u64, window_ms: u64) -> Value {
    json!({ "unit": unit, "max": max, "window_ms": window_ms })
}

/// The targets that serve a host.
pub(super) fn serving(host: &str) -> Vec<&'static str> {
    ACCOUNTS.iter().filter(|account| account.hosts.contains(&host)).map(|account| account.name).collect()
}

/// The targets' configuration, each behind its proxy.
pub(super) fn targets(sim_accounts: &[SimAccount]) -> Value {
    sim_accounts
        .iter()
        .map(|sim_account| (sim_account.account.name.to_owned(), sim_account.target()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

impl SimAccount {
    pub(super) async fn start(account: &'static Account) -> Result<Self> {
        let sim = purgeline_sim::start(account.name, Options::default(), (account.account)()).await?;
        let proxy = Proxy::start(sim.addr(), Late::Lose).await?;
        Ok(Self { account, sim, proxy })
    }

    fn target(&self) -> Value {
        let (mut settings, rates) = (self.account.target)();
        settings["base_url"] = format!("http://{}", self.proxy.address()).into();
        settings["polls"] =
            json!({ "first_ms": 500, "then_ms": 500, "max_ms": 2_000, "deadline_ms": 20_000 });
        let mut target = json!({
            "provider": self.account.name,
            "hosts": self.account.hosts,
            "max_attempts": 30,
            "retry_initial_ms": 100,
            "retry_max_ms": 2_000,
            "timeout_ms": 3_000,
            // Wangsu's windows are shortened; the others' rates are below what is documented.
            "limits": { "exceed_documented": true, "rates": rates },
            "settings": settings,
        });
        if let Some(rebound_ms) = self.account.rebound_ms {
            target["rebound_ms"] = rebound_ms.into();
        }
        target
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial_dir;
    use purgeline_config::{Layers, Secrets, load};
    use purgeline_sim::{Fault, FaultRule};

    #[tokio::test]
    async fn every_account_starts_and_knows_its_refusals() {
        let mut sim_accounts = Vec::new();
        for account in &ACCOUNTS {
            sim_accounts.push(SimAccount::start(account).await.unwrap());
        }
        for sim_account in &sim_accounts {
            for code in sim_account.account.refusals {
                sim_account.sim.fault(FaultRule::new(Fault::refuse(code))).unwrap();
            }
        }
        let text = trial_dir::configuration(1_000, &json!({}), &targets(&sim_accounts)).unwrap();
        let loaded = load(&Layers::of_text(text), Secrets::Read).unwrap();
        assert_eq!(loaded.targets.len(), ACCOUNTS.len());
    }

    #[test]
    fn a_host_may_be_served_by_several() {
        assert_eq!(serving("static.example.com"), ["qiniu", "huawei"]);
        assert!(serving("elsewhere.example.com").is_empty());
    }
}
