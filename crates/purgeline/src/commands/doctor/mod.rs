mod report;

use crate::{exit::Exit, failure::Failure, global::Global, output::Human, session::Session};
use clap::Args;
use purgeline_config::Secrets;
use purgeline_ops::doctor::Depth;

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
    let depth = match (args.repair, args.deep) {
        (true, _) => Depth::Repair,
        (false, true) => Depth::Records,
        (false, false) => Depth::Surface,
    };
    let found = session.ops().doctor(&session.config.redis).examine(depth).await?;
    global.output.answer(&Human(&found))?;
    Ok(if !found.redis_answers {
        Exit::Redis
    } else if found.healthy {
        Exit::Done
    } else {
        Exit::Failed
    })
}
