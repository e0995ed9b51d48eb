use crate::{exit::Exit, failure::Failure, global::Global, output::Human, session::Session};
use clap::Args;
use purgeline_config::Secrets;
use purgeline_core::JobId;

/// The arguments of `purgeline job show`.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// The job's id
    id: JobId,
}

pub(super) async fn run(global: &Global, args: &ShowArgs) -> Result<Exit, Failure> {
    let session = Session::open(global, Secrets::Skip).await?;
    let job = session.ops().jobs().status(args.id).await?;
    global.output.answer(&Human(&job))?;
    Ok(Exit::Done)
}
