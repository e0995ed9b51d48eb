//! A producer in a process of its own: submits one job after the other, each again and again under
//! its idempotency key until it is accepted, and journals what was.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context, Result};
use clap::Args;
use purgeline_core::Action;
use purgeline_producer::{Accept, Producer, SubmitError, Submitted};
use purgeline_queue::QueueError;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::signal::unix::{SignalKind, signal};

use super::{
    journal::{Accepted, Journal},
    now_ms,
    workload::{self, Wish},
};
use crate::trial_dir;

#[derive(Debug, Clone, Args)]
pub(crate) struct ProduceArgs {
    /// Where Redis is
    #[arg(long)]
    pub(super) redis: String,
    /// The configuration file
    #[arg(long)]
    pub(super) config: PathBuf,
    /// The journal
    #[arg(long)]
    pub(super) journal: PathBuf,
    #[arg(long)]
    pub(super) seed: u64,
    /// This producer's number
    #[arg(long)]
    pub(super) producer: usize,
    /// The mean time between two jobs, in milliseconds
    #[arg(long)]
    pub(super) pause_ms: u64,
    /// Only have the job accepted that was tried last, if it was not
    #[arg(long)]
    pub(super) finish: bool,
}

/// Between two tries of a job, ms.
const RETRY_MS: std::ops::Range<u64> = 20..300;

/// Produces until SIGTERM, and then ends when the job at hand was accepted.
///
/// # Errors
/// When a job is refused: all are well formed.
pub(crate) async fn command(args: &ProduceArgs) -> Result<ExitCode> {
    let mut terminated = signal(SignalKind::terminate())?;
    let producer = trial_dir::producer(&args.config, &args.redis)?;
    let mut journal = Journal::open(&args.journal)?;
    let mut random = StdRng::seed_from_u64(args.seed ^ journal.next());
    if args.finish {
        if journal.tried().is_some() {
            produce(args, &producer, &mut journal, &mut random).await?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    loop {
        produce(args, &producer, &mut journal, &mut random).await?;
        let pause = Duration::from_millis(random.random_range(0..=2 * args.pause_ms));
        tokio::select! {
            _ = terminated.recv() => return Ok(ExitCode::SUCCESS),
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Has the next job accepted.
async fn produce(
    args: &ProduceArgs,
    producer: &Producer,
    journal: &mut Journal,
    random: &mut StdRng,
) -> Result<()> {
    let number = journal.next();
    let Wish { request, targets, embargo_ms, items } = workload::draw(args.seed, args.producer, number);
    let tried_ms = journal.trying(now_ms())?;
    let Submitted { job, .. } = loop {
        match producer.submit(&request, Accept::Whole).await {
            Ok(submitted) => break submitted,
            // Nobody knows how far it came: the same again.
            Err(SubmitError::Queue(error @ (QueueError::Redis(_) | QueueError::Full { .. }))) => {
                println!("{} job {number}, once more: {error}", now_ms());
                tokio::time::sleep(Duration::from_millis(random.random_range(RETRY_MS))).await;
            }
            Err(error) => return Err(error).with_context(|| format!("job {number} was refused")),
        }
    };
    journal.accepted(Accepted {
        number,
        job,
        tried_ms,
        accepted_ms: now_ms(),
        targets,
        embargo_ms,
        items: items.iter().map(|item| item.name(Action::Default)).collect(),
    })
}
