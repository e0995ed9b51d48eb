mod detail;
mod events;
mod screen;
mod short;
mod targets;
#[cfg(test)]
mod tests;
mod view;

use crate::{cli::Global, config::Secrets, exit::Exit, failure::Failure, session::Session};
use clap::Args;
use purgeline_providers::ConfiguredTarget;
use purgeline_queue::{InspectQueue, QueueError, QuotaPolicy, Snapshot, Watched};
use serde::Serialize;
use std::{
    fmt,
    io::{self, IsTerminal},
    time::Duration,
};
use view::View;

/// The arguments of `purgeline top`.
#[derive(Debug, Args)]
pub(crate) struct TopArgs {
    /// Seconds between two looks
    #[arg(long, default_value_t = 1.0, value_name = "SECONDS", value_parser = seconds)]
    interval: f64,
    /// Print one frame and end: for pipes, and with --output json for programs
    #[arg(long)]
    once: bool,
}

/// Events that a look asks for: more than any screen has room for.
const EVENTS: usize = 50;
/// The frame of `--once`, in characters: the least that it is made for.
const FRAME: (u16, u16) = (80, 24);

/// What there is to look at.
#[derive(Clone, Debug)]
struct Scene {
    queue: InspectQueue,
    targets: Vec<Watched>,
}

/// What `purgeline top --once` answers.
#[derive(Debug, Serialize)]
struct Frame {
    #[serde(flatten)]
    snapshot: Snapshot,
}

/// Shows what goes on until it is told to end.
///
/// # Errors
/// When the configuration cannot be used, or there is no terminal; with `--once` also when Redis
/// cannot be asked.
pub(crate) async fn run(global: &Global, args: &TopArgs) -> Result<Exit, Failure> {
    let session = Session::open(global, Secrets::Skip).await?;
    let targets = session.targets.iter().map(watched).collect();
    let scene = Scene { queue: session.queue.inspect(), targets };
    if args.once {
        global.output.answer(&Frame { snapshot: scene.look().await? })?;
    } else if io::stdout().is_terminal() {
        screen::show(scene, Duration::from_secs_f64(args.interval)).await?;
    } else {
        return Err(Failure::Input("standard output is no terminal: use --once".to_owned()));
    }
    Ok(Exit::Done)
}

fn watched(configured: &ConfiguredTarget) -> Watched {
    let limits = &configured.descriptor.limits;
    Watched {
        target: configured.target.clone(),
        rates: limits.rates.clone(),
        quotas: QuotaPolicy::new(limits, configured.config.limits.quota_reserve_percent.get()),
    }
}

impl Scene {
    async fn look(&self) -> Result<Snapshot, QueueError> {
        self.queue.watch(&self.targets, EVENTS).await
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(View::printed(self.snapshot.clone()).text(FRAME).trim_end())
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    let wrong = || format!("\"{text}\" is no interval: expected 0.1 to 3600 seconds");
    let seconds: f64 = text.parse().map_err(|_| wrong())?;
    if (0.1..=3600.0).contains(&seconds) { Ok(seconds) } else { Err(wrong()) }
}
