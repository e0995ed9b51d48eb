use crate::{age::Age, failure::Failure, session::Session};
use clap::Args;
use purgeline_core::{JobId, TargetName};
use purgeline_providers::ConfiguredTarget;
use purgeline_queue::DeadFilter;

/// Which dead letters are meant: those that all of these are true of.
#[derive(Debug, Args)]
#[group(id = "selection", multiple = true)]
pub(super) struct Selection {
    /// Only those of this target
    #[arg(long, value_name = "NAME")]
    pub(super) target: Option<TargetName>,
    /// Only those with this code as their cause, like http-400
    #[arg(long, value_name = "CODE")]
    pub(super) cause: Option<String>,
    /// Only those of items of this host
    #[arg(long)]
    pub(super) host: Option<String>,
    /// Only those that this job waited for
    #[arg(long, value_name = "ID")]
    pub(super) job: Option<JobId>,
    /// Only those that failed at least so long ago: 90s, 15m, 2h, 3d
    #[arg(long, value_name = "AGE")]
    pub(super) older_than: Option<Age>,
    /// Only those that failed at most so long ago: 90s, 15m, 2h, 3d
    #[arg(long, value_name = "AGE")]
    pub(super) newer_than: Option<Age>,
}

impl Selection {
    /// The targets that it means.
    ///
    /// # Errors
    /// When there is no target of its name.
    pub(super) fn targets<'a>(&self, session: &'a Session) -> Result<Vec<&'a ConfiguredTarget>, Failure> {
        match &self.target {
            Some(name) => Ok(vec![session.target(name)?]),
            None => Ok(session.targets.iter().collect()),
        }
    }

    /// What it means at each.
    ///
    /// # Errors
    /// When Redis cannot be asked for the time.
    pub(super) async fn filter(&self, session: &Session) -> Result<DeadFilter, Failure> {
        let now = session.queue.now_ms().await?;
        Ok(DeadFilter {
            cause: self.cause.clone(),
            host: self.host.clone(),
            job: self.job,
            from_ms: self.newer_than.map(|age| age.before(now)),
            before_ms: self.older_than.map(|age| age.before(now).saturating_add(1)),
        })
    }
}
