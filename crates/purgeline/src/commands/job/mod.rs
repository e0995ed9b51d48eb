mod cancel;
mod list;
mod show;
mod view;

use crate::{exit::Exit, failure::Failure, global::Global};
use clap::{Args, Subcommand};

/// The arguments of `purgeline job`.
#[derive(Debug, Args)]
pub(crate) struct JobArgs {
    #[command(subcommand)]
    command: JobCommand,
}

#[derive(Debug, Subcommand)]
enum JobCommand {
    /// Show a job: its parts, its failures, and where what waits is
    Show(show::ShowArgs),
    /// List the latest jobs, newest first
    List(list::ListArgs),
    /// Cancel a job: what nobody else waits for is not sent, what is under way ends as it does
    Cancel(cancel::CancelArgs),
}

/// Looks at jobs, or cancels one.
///
/// # Errors
/// When there is no such job, or Redis cannot be asked.
pub(crate) async fn run(global: &Global, args: &JobArgs) -> Result<Exit, Failure> {
    match &args.command {
        JobCommand::Show(args) => show::run(global, args).await,
        JobCommand::List(args) => list::run(global, args).await,
        JobCommand::Cancel(args) => cancel::run(global, args).await,
    }
}
