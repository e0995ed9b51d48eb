use super::author::Author;
use crate::{exit::Exit, failure::Failure, global::Global, output::Human, session::Session};
use clap::Args;
use purgeline_config::Secrets;
use purgeline_core::TargetName;
use purgeline_ops::{PauseReason, PauseSpan, PausedTarget, text::HoldText};
use std::fmt;

/// The arguments of `purgeline target pause`.
#[derive(Debug, Args)]
pub(super) struct PauseArgs {
    /// The target's name
    name: TargetName,
    /// Why, for whoever looks later
    #[arg(long, value_name = "TEXT")]
    reason: PauseReason,
    #[command(flatten)]
    author: Author,
    /// For how long, as in 45m or "2h 30m"; without it until `target resume`
    #[arg(long = "for", value_name = "DURATION")]
    span: Option<PauseSpan>,
}

pub(super) async fn run(global: &Global, args: &PauseArgs) -> Result<Exit, Failure> {
    let PauseArgs { name, reason, author, span } = args;
    let session = Session::open(global, Secrets::Skip).await?;
    let paused = session.ops().targets().pause(name, reason, *span, &author.name()).await?;
    global.output.answer(&Human(&paused))?;
    Ok(Exit::Done)
}

impl fmt::Display for Human<'_, PausedTarget> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.target, HoldText(&self.0.hold))
    }
}
