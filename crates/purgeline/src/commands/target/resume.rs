use super::author::Author;
use crate::{cli::Global, config::Secrets, exit::Exit, failure::Failure, session::Session};
use clap::Args;
use purgeline_core::TargetName;
use purgeline_queue::HoldName;
use serde::Serialize;
use std::fmt;

/// The arguments of `purgeline target resume`.
#[derive(Debug, Args)]
pub(super) struct ResumeArgs {
    /// The target's name
    name: TargetName,
    #[command(flatten)]
    author: Author,
}

/// What `purgeline target resume` answers.
#[derive(Debug, Serialize)]
struct Resumed {
    target: TargetName,
    /// It was paused until now.
    was_paused: bool,
    /// It is `broken` or `unauthorised`, and a probe may go at once.
    probes: Option<String>,
}

pub(super) async fn run(global: &Global, args: &ResumeArgs) -> Result<Exit, Failure> {
    let session = Session::open(global, Secrets::Skip).await?;
    let target = &session.target(&args.name)?.target;
    let was_paused =
        session.queue.operate().release_by(target, HoldName::Paused, &args.author.name()).await?;
    let probes = session.queue.operate().probe(target).await?;
    global.output.answer(&Resumed { target: args.name.clone(), was_paused, probes })?;
    Ok(Exit::Done)
}

impl fmt::Display for Resumed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paused = if self.was_paused { "is paused no longer" } else { "was not paused" };
        write!(f, "{}: {paused}", self.target)?;
        match &self.probes {
            Some(name) => write!(f, "; it is {name}, and is tried once more now"),
            None => Ok(()),
        }
    }
}
