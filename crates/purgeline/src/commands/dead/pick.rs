use super::{name::LetterName, selection::Selection};
use crate::{cli::Global, config::Secrets, exit::Exit, failure::Failure, session::Session};
use clap::Args;
use purgeline_core::TargetName;
use purgeline_providers::ConfiguredTarget;
use purgeline_queue::{DeadFilter, DeadLetter};
use serde::Serialize;
use std::{collections::BTreeMap, fmt};

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
    dry_run: bool,
}

/// What a command does to the letters of one target, and has done so far.
pub(super) trait Change: Default + Serialize {
    /// Does it to at least one letter, or if `dry_run` only looks.
    async fn change(
        &mut self,
        session: &Session,
        target: &ConfiguredTarget,
        letters: &[DeadLetter],
        dry_run: bool,
    ) -> Result<(), Failure>;

    /// What was done, or would be.
    fn in_words(&self, dry_run: bool) -> String;

    /// Whether letters stay for want of room.
    fn is_full(&self) -> bool {
        false
    }
}

/// What a command that changes letters answers.
#[derive(Debug, Serialize)]
struct Answer<C> {
    /// Nothing was changed.
    dry_run: bool,
    targets: BTreeMap<TargetName, C>,
    /// Named letters that are not there.
    gone: Vec<String>,
}

impl Pick {
    /// Whether anything says which letters are meant; it must be said.
    fn is_said(&self) -> bool {
        let Selection { target, cause, host, job, older_than, newer_than } = &self.selection;
        let filtered = target.is_some() || cause.is_some() || host.is_some() || job.is_some();
        !self.letters.is_empty() || self.all || filtered || older_than.is_some() || newer_than.is_some()
    }

    /// Changes each letter that is meant, a few hundred at a time, and answers what was done.
    ///
    /// # Errors
    /// When nothing says which are meant, there is no such target, or Redis cannot be asked; some
    /// letters may have been changed.
    pub(super) async fn run<C: Change>(&self, global: &Global) -> Result<Exit, Failure> {
        let session = Session::open(global, Secrets::Skip).await?;
        let mut answer: Answer<C> =
            Answer { dry_run: self.dry_run, targets: BTreeMap::new(), gone: Vec::new() };
        self.each(&session, &mut answer).await?;
        global.output.answer(&answer)?;
        Ok(answer.exit())
    }

    async fn each<C: Change>(&self, session: &Session, answer: &mut Answer<C>) -> Result<(), Failure> {
        if !self.is_said() {
            return Err(Failure::Input(
                "which dead letters? Name them (TARGET/ID, as `purgeline dead list` does), or say what is true \
                 of them (--target, --cause, --host, --job, --older-than, --newer-than), or --all"
                    .to_owned(),
            ));
        }
        if !self.letters.is_empty() {
            return self.each_named(session, answer).await;
        }
        let filter: DeadFilter = self.selection.filter(session).await?;
        for target in self.selection.targets(session)? {
            let mut walk = session.queue.inspect().walk_dead(&target.target, &filter);
            while let Some(letters) = walk.next().await? {
                answer.change(session, target, &letters).await?;
            }
        }
        Ok(())
    }

    async fn each_named<C: Change>(&self, session: &Session, answer: &mut Answer<C>) -> Result<(), Failure> {
        let mut by_target: BTreeMap<&TargetName, Vec<&LetterName>> = BTreeMap::new();
        for name in &self.letters {
            session.target(&name.target)?;
            by_target.entry(&name.target).or_default().push(name);
        }
        for (target, names) in by_target {
            let target = session.target(target)?;
            let mut letters = Vec::new();
            for name in names {
                match session.queue.inspect().dead_letter(&target.target, &name.id).await? {
                    Some(letter) => letters.push(letter),
                    None => answer.gone.push(name.to_string()),
                }
            }
            answer.change(session, target, &letters).await?;
        }
        Ok(())
    }
}

impl<C: Change> Answer<C> {
    async fn change(
        &mut self,
        session: &Session,
        target: &ConfiguredTarget,
        letters: &[DeadLetter],
    ) -> Result<(), Failure> {
        if letters.is_empty() {
            return Ok(());
        }
        let at = self.targets.entry(target.target.name.clone()).or_default();
        at.change(session, target, letters, self.dry_run).await
    }

    fn exit(&self) -> Exit {
        if self.targets.values().any(C::is_full) {
            Exit::Full
        } else if self.gone.is_empty() {
            Exit::Done
        } else {
            Exit::Failed
        }
    }
}

impl<C: Change> fmt::Display for Answer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.targets.is_empty() && self.gone.is_empty() {
            return f.write_str("no dead letters match");
        }
        for (name, change) in &self.targets {
            writeln!(f, "{name}: {}", change.in_words(self.dry_run))?;
        }
        for name in &self.gone {
            writeln!(f, "there is no dead letter {name}")?;
        }
        Ok(())
    }
}
