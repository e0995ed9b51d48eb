use crate::{
    exit::Exit,
    failure::Failure,
    global::Global,
    output::{Human, table},
    session::Session,
};
use clap::Args;
use purgeline_config::Secrets;
use purgeline_core::{JobState, TargetName};
use purgeline_ops::{Age, JobList, JobQuery, text::Time, total_counts};
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

pub(super) async fn run(global: &Global, args: &ListArgs) -> Result<Exit, Failure> {
    let session = Session::open(global, Secrets::Skip).await?;
    let query = JobQuery {
        state: args.state,
        source: args.source.clone(),
        older_than: args.older_than,
        newer_than: args.newer_than,
        target: args.target.clone(),
    };
    let jobs = session.ops().jobs().list(&query, args.limit).await?;
    global.output.answer(&Human(&jobs))?;
    Ok(Exit::Done)
}

impl fmt::Display for Human<'_, JobList> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.jobs.is_empty() {
            return f.write_str("no jobs");
        }
        let mut list =
            table(&["job", "state", "submitted", "items", "settled", "failed", "source", "targets"]);
        for job in &self.0.jobs {
            let counts = total_counts(job);
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
