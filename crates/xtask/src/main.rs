#![doc = include_str!("../README.md")]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool: what it prints is what it is for"
)]

mod check;
mod cli;
mod launch;
mod need;
mod setup;
mod version;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::{
    cli::{Bench, Cli, Command, TrialOptions},
    launch::{Launch, Profile},
    workspace::Workspace,
};

fn main() -> ExitCode {
    run(Cli::parse()).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(cli: Cli) -> Result<ExitCode> {
    let workspace = Workspace::locate()?;
    match cli.command {
        Command::Setup => setup::command(&workspace),
        Command::Test(options) => check::command(&workspace, options),
        Command::Demo { args } => launch::DEMO.command(&workspace, Profile::Release, &args),
        Command::Bench(Bench::Limits(options)) => trial(&launch::LIMITS, &workspace, &options),
        Command::Chaos(options) => trial(&launch::CHAOS, &workspace, &options),
    }
}

fn trial(launch: &Launch, workspace: &Workspace, options: &TrialOptions) -> Result<ExitCode> {
    let profile = if options.dev { Profile::Dev } else { Profile::Release };
    launch.command(workspace, profile, &options.args)
}
