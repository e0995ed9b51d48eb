mod author;
mod cache;
mod list;
mod pause;
mod resume;
mod show;

use crate::{exit::Exit, failure::Failure, global::Global};
use clap::{Args, Subcommand};

/// The arguments of `purgeline target`.
#[derive(Debug, Args)]
pub(crate) struct TargetArgs {
    #[command(subcommand)]
    command: TargetCommand,
}

#[derive(Debug, Subcommand)]
enum TargetCommand {
    /// List the targets and how much waits at each
    List,
    /// Show a target: its queue, what is held, its limits
    Show(show::ShowArgs),
    /// Have nothing sent to a target any more: everything waits and coalesces
    Pause(pause::PauseArgs),
    /// Let a paused target go on. One that is down, or refuses its credentials, is tried at once
    Resume(resume::ResumeArgs),
    /// Show what a target's provider says of its caches: whose, how new. Few can be asked
    Cache(cache::CacheArgs),
}

/// Looks at targets, pauses and resumes them.
///
/// # Errors
/// When there is no such target, it is paused for longer already, or Redis or the provider cannot be asked.
pub(crate) async fn run(global: &Global, args: &TargetArgs) -> Result<Exit, Failure> {
    match &args.command {
        TargetCommand::List => list::run(global).await,
        TargetCommand::Show(args) => show::run(global, args).await,
        TargetCommand::Pause(args) => pause::run(global, args).await,
        TargetCommand::Resume(args) => resume::run(global, args).await,
        TargetCommand::Cache(args) => cache::run(global, args).await,
    }
}
