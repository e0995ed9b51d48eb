#![doc = include_str!("../README.md")]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool: what it prints is what it is for"
)]

mod chaos;
mod limits;
mod output;
mod process;
mod proxy;
mod trial_dir;
mod window;

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Parser;

/// Puts a whole fleet of purgeline processes to the proof, and reads what came of it off the
/// simulated providers' logs.
#[derive(Debug, Parser)]
#[command(name = "purgeline-trials", version)]
enum Cli {
    /// Measure how the fleet keeps and uses the providers' limits
    Limits(limits::LimitsArgs),

    /// Inject faults at random, then prove that nothing was lost
    Chaos(chaos::ChaosArgs),

    /// Judge what a kept fault run has left in a directory
    Check(chaos::CheckArgs),

    /// A producer of the fault run
    #[command(hide = true)]
    Produce(chaos::ProduceArgs),
}

#[tokio::main]
async fn main() -> ExitCode {
    let running = async {
        tokio::select! {
            result = run(Cli::parse()) => result,
            // What was started ends with what is dropped here.
            stopped = tokio::signal::ctrl_c() => { stopped?; bail!("stopped by Ctrl-C") }
        }
    };
    running.await.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

async fn run(cli: Cli) -> Result<ExitCode> {
    match cli {
        Cli::Limits(args) => limits::command(&args).await,
        Cli::Chaos(args) => chaos::command(&args).await,
        Cli::Check(args) => chaos::check_command(&args),
        Cli::Produce(args) => chaos::produce_command(&args).await,
    }
}
