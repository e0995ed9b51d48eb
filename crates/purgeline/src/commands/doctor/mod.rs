mod functions;
mod redis;
mod report;
mod targets;
mod topology;
mod workers;

use crate::{cli::Global, config::Secrets, exit::Exit, failure::Failure, session::Session};
use clap::Args;
use purgeline_core::config::RedisConfig;
use purgeline_queue::Queue;
use report::{Check, Report, Verdict};
use topology::CLUSTER;

/// The arguments of `purgeline doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Also read every record in Redis, and prove that nothing is lost and all is counted once
    #[arg(long)]
    deep: bool,
    /// Also mend what that finds, one line each: it may run while workers do, and as often as you like
    #[arg(long)]
    repair: bool,
}

/// Checks what can go wrong outside of purgeline, and with --deep inside of it.
///
/// # Errors
/// When the configuration cannot be used.
pub(crate) async fn run(global: &Global, args: &DoctorArgs) -> Result<Exit, Failure> {
    let session = Session::open(global, Secrets::Read).await?;
    let mut checks = vec![Check::good("configuration", format!("{} targets", session.targets.len()))];
    if session.targets.is_empty() {
        checks[0] = Check::warning("configuration", "no targets", "add one under [targets.NAME]");
    }
    if let Err(error) = session.queue.ping().await {
        let advice = "see redis.url; is it started, reachable, and are the credentials right?";
        checks.push(Check::bad("redis", error.to_string(), advice));
        global.output.answer(&Report::new(checks, Vec::new()))?;
        return Ok(Exit::Redis);
    }
    checks.extend(redis::checks(&session.queue, &session.config.redis).await?);
    if checks.iter().any(|check| check.check == CLUSTER && check.verdict == Verdict::Bad) {
        // Half a cluster does not say how the queue stands.
        global.output.answer(&Report::new(checks, Vec::new()))?;
        return Ok(Exit::Failed);
    }
    checks.push(workers::check(&session.queue, &session.targets).await?);
    for target in &session.targets {
        checks.extend(targets::checks(&session.queue, target).await?);
    }
    let mut mends = Vec::new();
    if args.repair {
        mends = targets::repair(&session).await?;
        mends.extend(functions::repair(&session.queue).await?);
    }
    checks.push(functions::check(&session.queue).await);
    if args.deep || args.repair {
        checks.extend(targets::deep(&session.queue, &session.identities()).await?);
    }
    let report = Report::new(checks, mends);
    global.output.answer(&report)?;
    Ok(if report.is_healthy() { Exit::Done } else { Exit::Failed })
}

/// What a worker should warn of when it starts: a Redis that may forget what it was given. Says
/// nothing while Redis is away.
pub(crate) async fn concerns(queue: &Queue, config: &RedisConfig) -> Vec<String> {
    let checks = redis::checks(queue, config).await.unwrap_or_default();
    checks.iter().filter(|check| check.verdict != Verdict::Good).map(ToString::to_string).collect()
}
