mod cache;
mod list;
mod show;

use crate::{cli::Global, exit::Exit, failure::Failure};
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
    /// Show what a target's provider says of its caches: whose, how new. Few can be asked
    Cache(cache::CacheArgs),
}

/// Looks at targets.
///
/// # Errors
/// When there is no such target, or Redis or the provider cannot be asked.
pub(crate) async fn run(global: &Global, args: &TargetArgs) -> Result<Exit, Failure> {
    match &args.command {
        TargetCommand::List => list::run(global).await,
        TargetCommand::Show(args) => show::run(global, args).await,
        TargetCommand::Cache(args) => cache::run(global, args).await,
    }
}
