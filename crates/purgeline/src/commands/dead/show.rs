use crate::{exit::Exit, failure::Failure, global::Global, output::Human, session::Session};
use clap::Args;
use purgeline_config::Secrets;
use purgeline_ops::{DeadLetterStatus, LetterName, text::Time};
use purgeline_queue::RetryPlan;
use std::fmt;

/// The arguments of `purgeline dead show`.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// The letter, as `dead list` names it: TARGET/ID
    #[arg(value_name = "TARGET/ID")]
    letter: LetterName,
}

pub(super) async fn run(global: &Global, args: &ShowArgs) -> Result<Exit, Failure> {
    let session = Session::open(global, Secrets::Skip).await?;
    let letter = session.ops().dead_letters().status(&args.letter).await?;
    global.output.answer(&Human(&letter))?;
    Ok(Exit::Done)
}

impl fmt::Display for Human<'_, DeadLetterStatus> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DeadLetterStatus { target, letter, retry } = self.0;
        writeln!(f, "dead letter {target}/{}", letter.id)?;
        writeln!(f, "item      {}", letter.item)?;
        writeln!(f, "cause     {} ({})", letter.cause, letter.cause.class)?;
        writeln!(f, "attempts  {}, the last in batch {}", letter.attempts, letter.batch)?;
        writeln!(f, "asked     {}", Time(letter.since_ms))?;
        writeln!(f, "failed    {}", Time(letter.failed_at_ms))?;
        let jobs: Vec<_> = letter.jobs.iter().map(ToString::to_string).collect();
        let more = if letter.more_jobs { " and more" } else { "" };
        writeln!(f, "jobs      {}{more}", jobs.join(" "))?;
        let into = if retry.joins { "join the same item, which waits" } else { "wait" };
        let RetryPlan { jobs, reopened, left_out, .. } = retry;
        write!(
            f,
            "retry     would have it {into} in {}, for {jobs} jobs, {reopened} of them active again",
            letter.lane
        )?;
        if *left_out > 0 {
            write!(f, "; {left_out} jobs are cancelled or not kept any more")?;
        }
        Ok(())
    }
}
