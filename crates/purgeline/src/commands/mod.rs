//! One file a command: its arguments, what it does, what it answers.

mod completions;
mod config;
mod dead;
mod demo;
mod doctor;
mod enqueue;
mod job;
mod sim;
mod target;
mod top;
mod url;
mod worker;

pub(crate) use completions::CompletionsArgs;
pub(crate) use config::ConfigArgs;
pub(crate) use dead::DeadArgs;
pub(crate) use demo::DemoArgs;
pub(crate) use doctor::DoctorArgs;
pub(crate) use enqueue::EnqueueArgs;
pub(crate) use job::JobArgs;
pub(crate) use sim::SimArgs;
pub(crate) use target::TargetArgs;
pub(crate) use top::TopArgs;
pub(crate) use url::UrlArgs;
pub(crate) use worker::WorkerArgs;

use crate::{
    cli::{Cli, Command},
    exit::Exit,
    failure::Failure,
};

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
        Command::Sim(args) => sim::run(&global, &args).await,
        Command::Demo(args) => demo::run(&global, &args).await,
        Command::Config(args) => config::run(&global, &args),
        Command::Completions(args) => completions::run(&args),
    }
}
