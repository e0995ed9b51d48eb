use crate::{
    age::Age,
    cli::Global,
    config::Secrets,
    exit::Exit,
    failure::Failure,
    output::{Time, table},
    session::Session,
};
use clap::Args;
use purgeline_core::{JobState, PartCounts, TargetName};
use purgeline_queue::{Job, JobFilter};
use serde::Serialize;
use std::fmt;

/// The arguments of `purgeline job list`.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Only jobs in this state: active, succeeded, failed, partial or cancelled
    #[arg(long)]
    state: Option<JobState>,
    /// Only jobs of this source
    #[arg(long)]
    source: Option<String>,
    /// Only jobs submitted at least so long ago: 90s, 15m, 2h, 3d
    #[arg(long, value_name = "AGE")]
    older_than: Option<Age>,
    /// Only jobs submitted at most so long ago: 90s, 15m, 2h, 3d
    #[arg(long, value_name = "AGE")]
    newer_than: Option<Age>,
    /// Only jobs that go to this target
    #[arg(long)]
    target: Option<TargetName>,
    /// The most jobs to list
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: usize,
}

/// Jobs looked at for those that match: a list must not hold Redis up for long.
const LOOKED_AT: usize = 100_000;

/// What `purgeline job list` answers.
#[derive(Debug, Serialize)]
struct Jobs {
    jobs: Vec<Job>,
}

pub(super) async fn run(global: &Global, args: &ListArgs) -> Result<Exit, Failure> {
    let session = Session::open(global, Secrets::Skip).await?;
    if let Some(target) = &args.target {
        session.target(target)?;
    }
    let now = session.queue.now_ms().await?;
    let filter = JobFilter {
        state: args.state,
        source: args.source.clone(),
        target: args.target.clone(),
        since_ms: args.newer_than.map(|age| age.before(now)),
        until_ms: args.older_than.map(|age| age.before(now)),
    };
    let jobs = session.queue.inspect().jobs(&session.identities(), &filter, args.limit, LOOKED_AT).await?;
    global.output.answer(&Jobs { jobs })?;
    Ok(Exit::Done)
}

impl fmt::Display for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.jobs.is_empty() {
            return f.write_str("no jobs");
        }
        let mut list =
            table(&["job", "state", "submitted", "items", "settled", "failed", "source", "targets"]);
        for job in &self.jobs {
            let counts = job.parts.values().fold(PartCounts::default(), |sum, part| sum.plus(part.counts));
            let targets: Vec<_> = job.parts.keys().map(|name| name.as_str()).collect();
            list.add_row([
                job.id.to_string(),
                job.state.to_string(),
                Time(job.submitted_ms).to_string(),
                job.items.to_string(),
                format!("{}/{}", counts.settled(), counts.items),
                counts.failed.to_string(),
                job.source.clone().unwrap_or_else(|| "-".to_owned()),
                targets.join(" "),
            ]);
        }
        f.write_str(&list.trim_fmt())
    }
}
