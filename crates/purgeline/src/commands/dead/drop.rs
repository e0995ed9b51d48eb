use super::pick::{Change, Pick};
use crate::{cli::Global, exit::Exit, failure::Failure, session::Session};
use clap::Args;
use purgeline_providers::ConfiguredTarget;
use purgeline_queue::DeadLetter;
use serde::Serialize;

/// The arguments of `purgeline dead drop`.
#[derive(Debug, Args)]
pub(super) struct DropArgs {
    #[command(flatten)]
    pick: Pick,
}

/// Letters that were dropped, or would be.
#[derive(Debug, Default, Serialize)]
struct Dropped(u64);

pub(super) async fn run(global: &Global, args: &DropArgs) -> Result<Exit, Failure> {
    args.pick.run::<Dropped>(global).await
}

impl Change for Dropped {
    async fn change(
        &mut self,
        session: &Session,
        target: &ConfiguredTarget,
        letters: &[DeadLetter],
        dry_run: bool,
    ) -> Result<(), Failure> {
        let ids: Vec<_> = letters.iter().map(|letter| letter.id.clone()).collect();
        self.0 += match dry_run {
            true => ids.len() as u64,
            false => session.queue.operate().drop_dead(&target.target, &ids).await?,
        };
        Ok(())
    }

    fn in_words(&self, dry_run: bool) -> String {
        let verb = if dry_run { "would drop" } else { "dropped" };
        format!("{verb} {} dead letters; their jobs stay as they ended", self.0)
    }
}
