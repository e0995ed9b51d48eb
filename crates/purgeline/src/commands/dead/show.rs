use super::name::LetterName;
use crate::{cli::Global, config::Secrets, exit::Exit, failure::Failure, output::Time, session::Session};
use clap::Args;
use purgeline_core::TargetName;
use purgeline_queue::{DeadLetter, RetryPlan};
use serde::Serialize;
use std::fmt;

/// The arguments of `purgeline dead show`.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// The letter, as `dead list` names it: TARGET/ID
    #[arg(value_name = "TARGET/ID")]
    letter: LetterName,
}

/// What `purgeline dead show` answers.
#[derive(Debug, Serialize)]
struct Shown {
    target: TargetName,
    #[serde(flatten)]
    letter: DeadLetter,
    /// What a retry would do now.
    retry: RetryPlan,
}

pub(super) async fn run(global: &Global, args: &ShowArgs) -> Result<Exit, Failure> {
    let LetterName { target, id } = &args.letter;
    let session = Session::open(global, Secrets::Skip).await?;
    let identity = &session.target(target)?.target;
    let letter = session.queue.inspect().dead_letter(identity, id).await?.ok_or_else(|| {
        Failure::NotThere(format!(
            "there is no dead letter {target}/{id}; they are kept for a time (retention)"
        ))
    })?;
    let retry = session.queue.operate().plan_retry(identity, &letter).await?;
    global.output.answer(&Shown { target: target.clone(), letter, retry })?;
    Ok(Exit::Done)
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, letter, retry } = self;
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
