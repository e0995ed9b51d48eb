use crate::{exit::Exit, failure::Failure, global::Global, output::Human, session::Session};
use clap::Args;
use purgeline_config::Secrets;
use purgeline_core::JobId;
use purgeline_ops::{CancelledDelivery, CancelledJob};
use purgeline_queue::CancelState;
use std::fmt;

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

pub(super) async fn run(global: &Global, args: &CancelArgs) -> Result<Exit, Failure> {
    let session = Session::open(global, Secrets::Skip).await?;
    let cancelled = session.ops().jobs().cancel(args.id, &args.reason, args.dry_run).await?;
    global.output.answer(&Human(&cancelled))?;
    Ok(Exit::Done)
}

impl fmt::Display for Human<'_, CancelledJob> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "job {}: {}", self.0.job, self.0.state)?;
        if self.0.targets.is_empty() {
            return f.write_str("nothing to cancel");
        }
        let (would, are) =
            if self.0.dry_run { ("would be cancelled", "would go") } else { ("cancelled", "go") };
        for (name, CancelledDelivery { part, under_way }) in &self.0.targets {
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
