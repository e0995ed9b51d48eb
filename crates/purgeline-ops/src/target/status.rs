use super::QuotaStatus;
use crate::{Ops, OpsError, ops::quota_policy};
use purgeline_core::{HostPattern, Limits, TargetName};
use purgeline_queue::TargetStats;
use serde::Serialize;

/// The configured targets.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TargetList {
    /// One after another, as they are configured.
    pub targets: Vec<TargetSummary>,
}

/// A target in numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TargetSummary {
    /// Its name.
    pub name: TargetName,
    /// Its provider's name.
    pub provider: &'static str,
    /// The hosts that it serves; none: only jobs that name it reach it.
    pub hosts: Vec<HostPattern>,
    /// What waits, what is under way, what is held.
    #[serde(flatten)]
    pub stats: TargetStats,
}

/// A target with its limits and quotas.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TargetStatus {
    /// Its name.
    pub name: TargetName,
    /// Its provider's name.
    pub provider: &'static str,
    /// Its provider's name for people.
    pub title: &'static str,
    /// Whose limits it shares.
    pub account: TargetName,
    /// The hosts that it serves; none: only jobs that name it reach it.
    pub hosts: Vec<HostPattern>,
    /// Those in force: the provider's, narrowed by the configuration.
    pub limits: Limits,
    /// Items that may wait; a full queue refuses new work.
    pub max_pending_items: u64,
    /// The day's quotas, with a forecast.
    pub quotas: Vec<QuotaStatus>,
    /// What waits, what is under way, what is held.
    #[serde(flatten)]
    pub stats: TargetStats,
}

impl TargetList {
    pub(super) async fn read(ops: &Ops) -> Result<Self, OpsError> {
        let mut targets = Vec::new();
        for target in &*ops.targets {
            targets.push(TargetSummary {
                name: target.target.name.clone(),
                provider: target.descriptor.name,
                hosts: target.config.hosts.clone(),
                stats: ops.queue.inspect().stats(&target.target).await?,
            });
        }
        Ok(Self { targets })
    }
}

impl TargetStatus {
    pub(super) async fn read(ops: &Ops, name: &TargetName) -> Result<Self, OpsError> {
        let target = ops.target(name)?;
        let now_ms = ops.now_ms().await?;
        let quotas = ops.queue.inspect().quotas(&target.target, &quota_policy(target)).await?;
        Ok(Self {
            name: target.target.name.clone(),
            provider: target.descriptor.name,
            title: target.descriptor.title,
            account: target.target.account.clone(),
            hosts: target.config.hosts.clone(),
            limits: target.descriptor.limits.clone(),
            max_pending_items: target.config.max_pending_items.get(),
            quotas: quotas.into_iter().map(|quota| QuotaStatus { quota, now_ms }).collect(),
            stats: ops.queue.inspect().stats(&target.target).await?,
        })
    }
}
