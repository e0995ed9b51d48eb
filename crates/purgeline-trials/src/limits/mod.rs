//! How a fleet keeps and uses the providers' limits, seen at the provider's end of the wire.

mod case;
mod report;
mod run;

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::output::OutputOptions;
use report::Report;

#[derive(Debug, Args)]
pub(crate) struct LimitsArgs {
    /// How long each limit is measured, in seconds
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(10..=3_600))]
    seconds: u64,
    #[command(flatten)]
    output: OutputOptions,
}

/// Measures one case after the other, prints what was seen, and fails if a claim does not hold.
///
/// # Errors
/// When something cannot be started, or the fleet stands still.
pub(crate) async fn command(args: &LimitsArgs) -> Result<ExitCode> {
    let mut report = Report::default();
    for case in case::all(args.seconds) {
        eprintln!("==> {}: {}", case.provider, case.title);
        report.cases.push(run::run(&case).await?);
    }
    args.output.print(&report)?;
    Ok(if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
