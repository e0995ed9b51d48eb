use super::pick::{Pick, write_changed};
use crate::{exit::Exit, failure::Failure, global::Global, output::Human, session::Session};
use clap::Args;
use purgeline_config::Secrets;
use purgeline_ops::{ChangedLetters, DroppedLetters};
use std::fmt;

/// The arguments of `purgeline dead drop`.
#[derive(Debug, Args)]
pub(super) struct DropArgs {
    #[command(flatten)]
    pick: Pick,
}

pub(super) async fn run(global: &Global, args: &DropArgs) -> Result<Exit, Failure> {
    let session = Session::open(global, Secrets::Skip).await?;
    let changed = session.ops().dead_letters().drop(&args.pick.letters(), args.pick.dry_run).await?;
    global.output.answer(&Human(&changed))?;
    Ok(if changed.gone.is_empty() { Exit::Done } else { Exit::Failed })
}

impl fmt::Display for Human<'_, ChangedLetters<DroppedLetters>> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.0.dry_run { "would drop" } else { "dropped" };
        write_changed(f, self.0, |DroppedLetters(letters)| {
            format!("{verb} {letters} dead letters; their jobs stay as they ended")
        })
    }
}
