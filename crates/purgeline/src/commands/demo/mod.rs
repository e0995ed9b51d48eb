//! `purgeline demo`: the main job at work, on a real Redis, a real Varnish and a simulated CDN.

mod cache;
mod cdn;
mod check;
mod origin;
mod report;
mod stage;
mod varnish;
mod workload;

use crate::{exit::Exit, failure::Failure, global::Global};
use clap::{Args, ValueEnum};
use report::Report;

/// What `purgeline demo` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct DemoArgs {
    /// Show only this part
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// Pages behind Varnish that are published anew; a tenth as many more lie in a purged dir
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pages: u32,
    /// Jobs for the simulated CDN
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    jobs: u32,
    /// URLs of each of those jobs
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
    urls_per_job: u32,
    /// What the random URLs are drawn from: the same seed draws the same
    #[arg(long, default_value_t = 42)]
    seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// A real Varnish serves old pages until they are purged
    Varnish,
    /// Many jobs with repeated URLs for a simulated Qiniu
    Qiniu,
}

/// Shows it.
///
/// # Errors
/// When a part cannot be run, or what the other side's log says is not what must hold.
pub(crate) async fn run(global: &Global, args: &DemoArgs) -> Result<Exit, Failure> {
    let mut report = Report::default();
    if args.only != Some(Part::Qiniu) {
        report.varnish = Some(cache::run(args.pages).await.map_err(Failure::Demo)?);
    }
    if args.only != Some(Part::Varnish) {
        let load = workload::draw(args.jobs, args.urls_per_job, args.seed);
        report.qiniu = Some(cdn::run(&load).await.map_err(Failure::Demo)?);
    }
    global.output.answer(&report)?;
    Ok(if report.holds() { Exit::Done } else { Exit::Failed })
}
