use super::JobView;
use crate::{exit::Exit, failure::Failure, global::Global, session::Session};
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
    let job = JobView::read(&session, args.id).await?.ok_or_else(|| {
        Failure::NotThere(format!("there is no job {}; ended jobs are kept for a time (retention)", args.id))
    })?;
    global.output.answer(&job)?;
    Ok(Exit::Done)
}
