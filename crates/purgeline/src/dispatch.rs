#[cfg(feature = "demo")]
use crate::commands::{demo, sim};
use crate::{
    cli::{Cli, Command},
    commands::{completions, config, dead, doctor, enqueue, job, target, top, url, worker},
    exit::Exit,
    failure::Failure,
};
use clap::CommandFactory;

/// Does what the command line says.
///
/// # Errors
/// When it cannot be done; see [`Failure`].
pub(crate) async fn run(cli: Cli) -> Result<Exit, Failure> {
    let Cli { global, command } = cli;
    match command {
        Command::Worker(args) => worker::run(&global, &args).await,
        Command::Enqueue(args) => enqueue::run(&global, args).await,
        Command::Job(args) => job::run(&global, &args).await,
        Command::Dead(args) => dead::run(&global, &args).await,
        Command::Target(args) => target::run(&global, &args).await,
        Command::Top(args) => top::run(&global, &args).await,
        Command::Url(args) => url::run(&global, &args).await,
        Command::Doctor(args) => doctor::run(&global, &args).await,
        #[cfg(feature = "demo")]
        Command::Sim(args) => sim::run(&global, &args).await,
        #[cfg(feature = "demo")]
        Command::Demo(args) => demo::run(&global, &args).await,
        Command::Config(args) => config::run(&global, &args),
        Command::Completions(args) => completions::run(&args, Cli::command()),
    }
}
