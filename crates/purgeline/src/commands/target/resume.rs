use super::author::Author;
use crate::{exit::Exit, failure::Failure, global::Global, output::Human, session::Session};
use clap::Args;
use purgeline_config::Secrets;
use purgeline_core::TargetName;
use purgeline_ops::ResumedTarget;
use std::fmt;

/// The arguments of `purgeline target resume`.
#[derive(Debug, Args)]
pub(super) struct ResumeArgs {
    /// The target's name
    name: TargetName,
    #[command(flatten)]
    author: Author,
}

pub(super) async fn run(global: &Global, args: &ResumeArgs) -> Result<Exit, Failure> {
    let session = Session::open(global, Secrets::Skip).await?;
    let resumed = session.ops().targets().resume(&args.name, &args.author.name()).await?;
    global.output.answer(&Human(&resumed))?;
    Ok(Exit::Done)
}

impl fmt::Display for Human<'_, ResumedTarget> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paused = if self.0.was_paused { "is paused no longer" } else { "was not paused" };
        write!(f, "{}: {paused}", self.0.target)?;
        match &self.0.probes {
            Some(name) => write!(f, "; it is {name}, and is tried once more now"),
            None => Ok(()),
        }
    }
}
