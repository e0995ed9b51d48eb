#![doc = include_str!("../README.md")]

mod cli;
mod commands;
mod dispatch;
mod exit;
mod failure;
mod global;
mod input;
mod logging;
mod output;
mod refused;
mod session;
mod stop;

use clap::Parser;
use cli::Cli;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    logging::start(&cli.global, cli.command.is_service());
    let output = cli.global.output;
    match dispatch::run(cli).await {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output.failure(&failure);
            failure.exit().into()
        }
    }
}
