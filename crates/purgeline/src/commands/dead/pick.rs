use super::{name::LetterName, selection::Selection};
use crate::{failure::Failure, session::Session};
use clap::Args;
use purgeline_core::TargetName;
use purgeline_providers::ConfiguredTarget;
use purgeline_queue::{DeadFilter, DeadLetter};
use std::collections::BTreeMap;

/// The letters that a command is to change: named one by one, or by what is true of them.
#[derive(Debug, Args)]
pub(super) struct Pick {
    /// The letters, as `dead list` names them: TARGET/ID
    #[arg(value_name = "TARGET/ID", conflicts_with_all = ["selection", "all"])]
    letters: Vec<LetterName>,
    #[command(flatten)]
    selection: Selection,
    /// Every dead letter that is kept
    #[arg(long, conflicts_with = "selection")]
    all: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// What is done to some letters of one target.
pub(super) trait Change {
    /// Does it, or if `dry_run` only looks.
    async fn change(
        &mut self,
        session: &Session,
        target: &ConfiguredTarget,
        letters: &[DeadLetter],
        dry_run: bool,
    ) -> Result<(), Failure>;
}

impl Pick {
    /// Whether anything says which letters are meant; it must be said.
    fn is_said(&self) -> bool {
        let Selection { target, cause, host, job, older_than, newer_than } = &self.selection;
        let filtered = target.is_some() || cause.is_some() || host.is_some() || job.is_some();
        !self.letters.is_empty() || self.all || filtered || older_than.is_some() || newer_than.is_some()
    }

    /// Changes each letter that is meant, a few hundred at a time. Gives the named letters that
    /// are not there.
    ///
    /// # Errors
    /// When nothing says which are meant, there is no such target, or Redis cannot be asked; some
    /// letters may have been changed.
    pub(super) async fn each(
        &self,
        session: &Session,
        change: &mut impl Change,
    ) -> Result<Vec<String>, Failure> {
        if !self.is_said() {
            return Err(Failure::Input(
                "which dead letters? Name them (TARGET/ID, as `purgeline dead list` does), or say what is true \
                 of them (--target, --cause, --host, --job, --older-than, --newer-than), or --all"
                    .to_owned(),
            ));
        }
        if !self.letters.is_empty() {
            return self.each_named(session, change).await;
        }
        let filter: DeadFilter = self.selection.filter(session).await?;
        for target in self.selection.targets(session)? {
            let mut walk = session.queue.walk_dead(&target.target, &filter);
            while let Some(letters) = walk.next().await? {
                change.change(session, target, &letters, self.dry_run).await?;
            }
        }
        Ok(Vec::new())
    }

    async fn each_named(&self, session: &Session, change: &mut impl Change) -> Result<Vec<String>, Failure> {
        let mut by_target: BTreeMap<&TargetName, Vec<&LetterName>> = BTreeMap::new();
        for name in &self.letters {
            session.target(&name.target)?;
            by_target.entry(&name.target).or_default().push(name);
        }
        let mut gone = Vec::new();
        for (target, names) in by_target {
            let target = session.target(target)?;
            let mut letters = Vec::new();
            for name in names {
                match session.queue.dead_letter(&target.target, &name.id).await? {
                    Some(letter) => letters.push(letter),
                    None => gone.push(name.to_string()),
                }
            }
            change.change(session, target, &letters, self.dry_run).await?;
        }
        Ok(gone)
    }
}
