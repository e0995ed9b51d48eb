use super::pick::{Change, Pick};
use crate::{cli::Global, config::Secrets, exit::Exit, failure::Failure, session::Session};
use clap::Args;
use purgeline_core::TargetName;
use purgeline_providers::ConfiguredTarget;
use purgeline_queue::DeadLetter;
use serde::Serialize;
use std::{collections::BTreeMap, fmt};

/// The arguments of `purgeline dead drop`.
#[derive(Debug, Args)]
pub(super) struct DropArgs {
    #[command(flatten)]
    pick: Pick,
}

/// What `purgeline dead drop` answers.
#[derive(Debug, Default, Serialize)]
struct Answer {
    /// Nothing was changed.
    dry_run: bool,
    /// Letters that were dropped, or would be, at each target.
    targets: BTreeMap<TargetName, u64>,
    /// Named letters that are not there.
    gone: Vec<String>,
}

pub(super) async fn run(global: &Global, args: &DropArgs) -> Result<Exit, Failure> {
    let session = Session::open(global, Secrets::Skip).await?;
    let mut answer = Answer { dry_run: args.pick.dry_run, ..Answer::default() };
    answer.gone = args.pick.each(&session, &mut answer).await?;
    global.output.answer(&answer)?;
    Ok(if answer.gone.is_empty() { Exit::Done } else { Exit::Failed })
}

impl Change for Answer {
    async fn change(
        &mut self,
        session: &Session,
        target: &ConfiguredTarget,
        letters: &[DeadLetter],
        dry_run: bool,
    ) -> Result<(), Failure> {
        if letters.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = letters.iter().map(|letter| letter.id.clone()).collect();
        let count = match dry_run {
            true => ids.len() as u64,
            false => session.queue.drop_dead(&target.target, &ids).await?,
        };
        *self.targets.entry(target.target.name.clone()).or_default() += count;
        Ok(())
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.targets.is_empty() && self.gone.is_empty() {
            return f.write_str("no dead letters match");
        }
        let would = if self.dry_run { "would drop" } else { "dropped" };
        for (name, count) in &self.targets {
            writeln!(f, "{name}: {would} {count} dead letters; their jobs stay as they ended")?;
        }
        for name in &self.gone {
            writeln!(f, "there is no dead letter {name}")?;
        }
        Ok(())
    }
}
