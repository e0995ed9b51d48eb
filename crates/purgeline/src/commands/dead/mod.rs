mod drop;
mod groups;
mod list;
mod pick;
mod retry;
mod selection;
mod show;

use crate::{exit::Exit, failure::Failure, global::Global};
use clap::{Args, Subcommand};

/// The arguments of `purgeline dead`.
#[derive(Debug, Args)]
pub(crate) struct DeadArgs {
    #[command(subcommand)]
    command: DeadCommand,
}

#[derive(Debug, Subcommand)]
enum DeadCommand {
    /// List dead letters, newest first, or count them by what they have in common
    List(list::ListArgs),
    /// Show a dead letter: the provider's words, the attempts, the jobs
    Show(show::ShowArgs),
    /// Try items again, under the jobs that waited for them
    Retry(retry::RetryArgs),
    /// Forget dead letters; their jobs stay as they ended
    Drop(drop::DropArgs),
}

/// Looks at dead letters, retries or drops them.
///
/// # Errors
/// When there is no such letter or target, or Redis cannot be asked.
pub(crate) async fn run(global: &Global, args: &DeadArgs) -> Result<Exit, Failure> {
    match &args.command {
        DeadCommand::List(args) => list::run(global, args).await,
        DeadCommand::Show(args) => show::run(global, args).await,
        DeadCommand::Retry(args) => retry::run(global, args).await,
        DeadCommand::Drop(args) => drop::run(global, args).await,
    }
}
