use clap::Args;
use purgeline_core::{JobId, TargetName};
use purgeline_ops::{Age, DeadLetterFilter};

/// Which dead letters are meant: those that all of these are true of.
#[derive(Debug, Args)]
#[group(id = "selection", multiple = true)]
pub(super) struct Selection {
    /// Only those of this target
    #[arg(long, value_name = "NAME")]
    target: Option<TargetName>,
    /// Only those with this code as their cause, like http-400
    #[arg(long, value_name = "CODE")]
    cause: Option<String>,
    /// Only those of items of this host
    #[arg(long)]
    host: Option<String>,
    /// Only those that this job waited for
    #[arg(long, value_name = "ID")]
    job: Option<JobId>,
    /// Only those that failed at least so long ago: 90s, 15m, 2h, 3d
    #[arg(long, value_name = "AGE")]
    older_than: Option<Age>,
    /// Only those that failed at most so long ago: 90s, 15m, 2h, 3d
    #[arg(long, value_name = "AGE")]
    newer_than: Option<Age>,
}

impl Selection {
    /// As purgeline-ops takes it.
    pub(super) fn filter(&self) -> DeadLetterFilter {
        DeadLetterFilter {
            target: self.target.clone(),
            cause: self.cause.clone(),
            host: self.host.clone(),
            job: self.job,
            older_than: self.older_than,
            newer_than: self.newer_than,
        }
    }
}
