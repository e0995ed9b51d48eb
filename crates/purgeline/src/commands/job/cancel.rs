use crate::{cli::Global, config::Secrets, exit::Exit, failure::Failure, session::Session};
use clap::Args;
use purgeline_core::{JobId, JobState, TargetName};
use purgeline_queue::{CancelState, CancelledPart, Job, Retention};
use serde::Serialize;
use std::{collections::BTreeMap, fmt};

/// The arguments of `purgeline job cancel`.
#[derive(Debug, Args)]
pub(super) struct CancelArgs {
    /// The job's id
    id: JobId,
    /// Why, for those who look at the job
    #[arg(long, default_value = "by hand", value_name = "TEXT")]
    reason: String,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// What `purgeline job cancel` answers.
#[derive(Debug, Serialize)]
struct Cancelled {
    job: JobId,
    /// Nothing was changed.
    dry_run: bool,
    /// How the job stands now.
    state: JobState,
    targets: BTreeMap<TargetName, AtTarget>,
}

/// A part of the job.
#[derive(Debug, Serialize)]
struct AtTarget {
    #[serde(flatten)]
    part: CancelledPart,
    /// Items in calls under way: they end as they do.
    under_way: u64,
}

pub(super) async fn run(global: &Global, args: &CancelArgs) -> Result<Exit, Failure> {
    let session = Session::open(global, Secrets::Skip).await?;
    let read = async || {
        let job = session.queue.inspect().job(args.id, &session.identities()).await?;
        job.ok_or_else(|| {
            Failure::NotThere(format!(
                "there is no job {}; ended jobs are kept for a time (retention)",
                args.id
            ))
        })
    };
    let before = read().await?;
    let retention = Retention::from(&session.config.retention);
    let mut targets = BTreeMap::new();
    for name in before.parts.keys().filter(|_| !before.state.is_terminal()) {
        // At a target that is no longer configured nothing goes out, and nothing can be asked.
        let Ok(target) = session.target(name) else { continue };
        let target = &target.target;
        let recorded = session.queue.produce().part_is_recorded(args.id, name).await?;
        if recorded {
            continue;
        }
        let part =
            session.queue.operate().cancel(target, args.id, &args.reason, &retention, args.dry_run).await?;
        if !args.dry_run {
            if part.state == CancelState::Absent {
                session.queue.produce().cancel_part(args.id, name, before.items, &retention).await?;
            }
            session.queue.work().carry_outbox(target, &retention).await?;
        }
        targets.insert(name.clone(), part);
    }
    let after = read().await?;
    let targets = targets
        .into_iter()
        .map(|(name, part)| {
            let under_way = open(&after, &name).saturating_sub(if args.dry_run { part.cancelled } else { 0 });
            (name, AtTarget { part, under_way })
        })
        .collect();
    global.output.answer(&Cancelled { job: args.id, dry_run: args.dry_run, state: after.state, targets })?;
    Ok(Exit::Done)
}

/// Items of a part that have been enqueued and have not settled.
fn open(job: &Job, target: &TargetName) -> u64 {
    job.parts.get(target).map_or(0, |part| part.enqueued.saturating_sub(part.counts.settled()))
}

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "job {}: {}", self.job, self.state)?;
        if self.targets.is_empty() {
            return f.write_str("nothing to cancel");
        }
        let (would, are) =
            if self.dry_run { ("would be cancelled", "would go") } else { ("cancelled", "go") };
        for (name, AtTarget { part, under_way }) in &self.targets {
            match part.state {
                CancelState::Absent => writeln!(f, "{name}: nothing has come there, and nothing will")?,
                CancelState::Ended if part.cancelled == 0 => writeln!(f, "{name}: had ended before")?,
                _ => {
                    write!(f, "{name}: {} items {would}", part.cancelled)?;
                    write!(f, ", of which {} {are} unsent since nobody else waits for them", part.gone)?;
                    if *under_way > 0 {
                        write!(f, "; {under_way} are in calls under way and end as they do")?;
                    }
                    writeln!(f)?;
                }
            }
        }
        Ok(())
    }
}
