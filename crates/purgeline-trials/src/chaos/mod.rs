//! The fault run: producers, workers, Redis, wires and providers fail at random, by a plan drawn
//! from a seed; then everything is left to drain, and a judge that trusts only the producers'
//! journals, the simulators' logs and the final states looks for what must not be.

mod accounts;
mod check;
mod drain;
mod evidence;
mod fleet;
mod inject;
mod journal;
mod plan;
mod producer;
mod report;
mod workload;

use std::{
    fs,
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use clap::Args;

use crate::output::OutputOptions;
use evidence::Evidence;
use fleet::Fleet;
use plan::{FleetSize, TimedFault};
use report::Report;

pub(crate) use producer::{ProduceArgs, command as produce_command};

#[derive(Debug, Args)]
pub(crate) struct ChaosArgs {
    /// How long faults are injected, in minutes
    #[arg(long, default_value_t = 20.0, value_parser = minutes)]
    minutes: f64,
    /// The seed of the faults and of the jobs; drawn and printed if it is not given
    #[arg(long)]
    seed: Option<u64>,
    /// Worker processes
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(2..=4))]
    workers: u8,
    /// Producer processes
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=8))]
    producers: u8,
    /// The mean time between two jobs of a producer, in milliseconds
    #[arg(long, default_value_t = 150)]
    pause_ms: u64,
    /// Keep the run's directory even if nothing is wrong
    #[arg(long)]
    keep: bool,
    #[command(flatten)]
    output: OutputOptions,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The directory that a fault run has kept
    directory: PathBuf,
    #[command(flatten)]
    output: OutputOptions,
}

/// How long a worker's lease lasts, ms: short, so that it runs out often.
const LEASE_MS: u64 = 4_000;

/// Runs, drains, judges, and fails if something is wrong; the run's directory is kept then.
///
/// # Errors
/// When something cannot be started or asked.
pub(crate) async fn command(args: &ChaosArgs) -> Result<ExitCode> {
    let seed = args.seed.unwrap_or_else(|| u64::from(rand::random::<u32>()));
    let size =
        FleetSize { workers: args.workers.into(), producers: args.producers.into(), lease_ms: LEASE_MS };
    let duration = Duration::from_secs_f64(args.minutes * 60.0);
    let plan = plan::draw(seed, u64::try_from(duration.as_millis())?, size);
    eprintln!("==> chaos for {} min, seed {seed}: {} faults", args.minutes, plan.len());
    let fleet = Arc::new(Fleet::new(seed, args.pause_ms, size).await?);
    fs::write(fleet.trial_dir.dir().join("plan.json"), serde_json::to_vec_pretty(&plan)?)?;

    let judged = run(args, seed, &fleet, &plan, duration).await;
    let fleet = Arc::into_inner(fleet).context("every fault is over")?;
    let keep = args.keep || !judged.as_ref().is_ok_and(Report::holds);
    // Before the directory goes: they write there.
    let Fleet { trial_dir, redis, workers, producers, .. } = fleet;
    drop((redis, workers, producers));
    if keep {
        eprintln!("kept: {}", trial_dir.keep().display());
    }
    let report = judged?;
    args.output.print(&report)?;
    Ok(if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn run(
    args: &ChaosArgs,
    seed: u64,
    fleet: &Arc<Fleet>,
    plan: &[TimedFault],
    duration: Duration,
) -> Result<Report> {
    for at in 0..fleet.workers.len() {
        fleet.start_worker(at).await?;
    }
    for at in 0..fleet.producers.len() {
        fleet.start_producer(at).await?;
    }
    inject::run(fleet, plan, duration).await?;
    eprintln!("==> no more faults, draining");
    let drained = Instant::now();
    drain::drain(fleet).await?;
    let drained_s = drained.elapsed().as_secs_f64();
    drain::take_down(fleet).await?;
    let report = Report::of(&Evidence::read(fleet.trial_dir.dir())?).with_faults(plan);
    Ok(Report { seed: Some(seed), minutes: Some(args.minutes), drained_s: Some(drained_s), ..report })
}

/// Judges once more what a run has left.
///
/// # Errors
/// When something that a run leaves is not there.
pub(crate) fn check_command(args: &CheckArgs) -> Result<ExitCode> {
    let report = Report::of(&Evidence::read(&args.directory)?);
    args.output.print(&report)?;
    Ok(if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn minutes(text: &str) -> Result<f64, String> {
    let minutes: f64 = text.parse().map_err(|error| format!("{error}"))?;
    if (0.1..=1_440.0).contains(&minutes) { Ok(minutes) } else { Err("expected 0.1 to 1440".to_owned()) }
}

/// The wall clock, ms since 1970.
fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
