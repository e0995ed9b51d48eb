mod list;
mod show;

use crate::{cli::Global, exit::Exit, failure::Failure};
use clap::{Args, Subcommand};

/// The arguments of `purgeline dead`.
#[derive(Debug, Args)]
pub(crate) struct DeadArgs {
    #[command(subcommand)]
    command: DeadCommand,
}

#[derive(Debug, Subcommand)]
enum DeadCommand {
    /// List the latest dead letters, newest first
    List(list::ListArgs),
    /// Show a dead letter: the provider's words, the attempts, the jobs
    Show(show::ShowArgs),
}

/// Looks at dead letters.
///
/// # Errors
/// When there is no such letter or target, or Redis cannot be asked.
pub(crate) async fn run(global: &Global, args: &DeadArgs) -> Result<Exit, Failure> {
    match &args.command {
        DeadCommand::List(args) => list::run(global, args).await,
        DeadCommand::Show(args) => show::run(global, args).await,
    }
}
