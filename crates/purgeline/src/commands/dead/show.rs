use crate::{cli::Global, config::Secrets, exit::Exit, failure::Failure, output::Time, session::Session};
use clap::Args;
use purgeline_core::TargetName;
use purgeline_queue::DeadLetter;
use serde::Serialize;
use std::{fmt, str::FromStr};

/// The arguments of `purgeline dead show`.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// The letter, as `dead list` names it: TARGET/ID
    #[arg(value_name = "TARGET/ID")]
    letter: LetterName,
}

/// A dead letter's name over all targets.
#[derive(Clone, Debug, PartialEq, Eq)]
struct LetterName {
    target: TargetName,
    id: String,
}

/// What `purgeline dead show` answers.
#[derive(Debug, Serialize)]
struct Shown {
    target: TargetName,
    #[serde(flatten)]
    letter: DeadLetter,
}

pub(super) async fn run(global: &Global, args: &ShowArgs) -> Result<Exit, Failure> {
    let LetterName { target, id } = &args.letter;
    let session = Session::open(global, Secrets::Skip).await?;
    let identity = &session.target(target)?.target;
    let letter = session.queue.dead_letter(identity, id).await?.ok_or_else(|| {
        Failure::NotThere(format!(
            "there is no dead letter {target}/{id}; they are kept for a time (retention)"
        ))
    })?;
    global.output.answer(&Shown { target: target.clone(), letter })?;
    Ok(Exit::Done)
}

impl FromStr for LetterName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (target, id) = text
            .split_once('/')
            .filter(|(_, id)| !id.is_empty())
            .ok_or("expected TARGET/ID, as `purgeline dead list` names it")?;
        let target = target.parse().map_err(|error: purgeline_core::TargetNameError| error.to_string())?;
        Ok(Self { target, id: id.to_owned() })
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, letter } = self;
        writeln!(f, "dead letter {target}/{}", letter.id)?;
        writeln!(f, "item      {}", letter.item)?;
        writeln!(f, "cause     {} ({})", letter.cause, letter.cause.class)?;
        writeln!(f, "attempts  {}, the last in batch {}", letter.attempts, letter.batch)?;
        writeln!(f, "asked     {}", Time(letter.since_ms))?;
        writeln!(f, "failed    {}", Time(letter.failed_at_ms))?;
        let jobs: Vec<_> = letter.jobs.iter().map(ToString::to_string).collect();
        let more = if letter.more_jobs { " and more" } else { "" };
        write!(f, "jobs      {}{more}", jobs.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_named_by_target_and_id() {
        let name: LetterName = "www/b17-3".parse().unwrap();
        assert_eq!((name.target.as_str(), name.id.as_str()), ("www", "b17-3"));
        for bad in ["b17-3", "www/", "/b17-3", "W/b1"] {
            assert!(bad.parse::<LetterName>().is_err(), "{bad}");
        }
    }
}
