use super::Letters;
use crate::{DeadLetterFilter, LetterName, Ops, OpsError};
use purgeline_core::TargetName;
use purgeline_providers::ConfiguredTarget;
use purgeline_queue::DeadLetter;
use serde::Serialize;
use std::collections::BTreeMap;

/// What became of dead letters, or would: `C` at each target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangedLetters<C> {
    /// Nothing was changed.
    pub dry_run: bool,
    /// What was done, or would be, at each target with letters that are meant.
    pub targets: BTreeMap<TargetName, C>,
    /// Named letters that are not there.
    pub gone: Vec<String>,
}

/// What is done to the letters of one target, and was done so far.
pub(super) trait ChangeLetters: Default {
    /// Does it to at least one letter, or if `dry_run` only looks.
    async fn change(
        &mut self,
        ops: &Ops,
        target: &ConfiguredTarget,
        letters: &[DeadLetter],
        dry_run: bool,
    ) -> Result<(), OpsError>;
}

/// A change that is being made.
struct Changing<'a, C> {
    ops: &'a Ops,
    changed: ChangedLetters<C>,
}

/// Changes each letter that is meant, a few hundred at a time.
///
/// # Errors
/// When nothing says which are meant, there is no such target, or Redis cannot be asked; some
/// letters may have been changed.
pub(super) async fn change<C: ChangeLetters>(
    ops: &Ops,
    letters: &Letters,
    dry_run: bool,
) -> Result<ChangedLetters<C>, OpsError> {
    if !letters.is_said() {
        return Err(OpsError::WhichLetters);
    }
    let changed = ChangedLetters { dry_run, targets: BTreeMap::new(), gone: Vec::new() };
    let mut changing = Changing { ops, changed };
    match letters {
        Letters::Named(names) => changing.each_named(names).await?,
        Letters::Matching(filter) => changing.each_matching(filter).await?,
        Letters::All => changing.each_matching(&DeadLetterFilter::default()).await?,
    }
    Ok(changing.changed)
}

impl<C: ChangeLetters> Changing<'_, C> {
    async fn each_matching(&mut self, filter: &DeadLetterFilter) -> Result<(), OpsError> {
        let ops = self.ops;
        let dead_filter = filter.read(ops).await?;
        for target in ops.one_or_all(filter.target.as_ref())? {
            let mut walk = ops.queue.inspect().walk_dead(&target.target, &dead_filter);
            while let Some(letters) = walk.next().await? {
                self.change(target, &letters).await?;
            }
        }
        Ok(())
    }

    async fn each_named(&mut self, names: &[LetterName]) -> Result<(), OpsError> {
        let ops = self.ops;
        let mut by_target: BTreeMap<&TargetName, Vec<&LetterName>> = BTreeMap::new();
        for name in names {
            ops.target(&name.target)?;
            by_target.entry(&name.target).or_default().push(name);
        }
        for (target, names) in by_target {
            let target = ops.target(target)?;
            let mut letters = Vec::new();
            for name in names {
                match ops.queue.inspect().dead_letter(&target.target, &name.id).await? {
                    Some(letter) => letters.push(letter),
                    None => self.changed.gone.push(name.to_string()),
                }
            }
            self.change(target, &letters).await?;
        }
        Ok(())
    }

    async fn change(&mut self, target: &ConfiguredTarget, letters: &[DeadLetter]) -> Result<(), OpsError> {
        if letters.is_empty() {
            return Ok(());
        }
        let dry_run = self.changed.dry_run;
        let at = self.changed.targets.entry(target.target.name.clone()).or_default();
        at.change(self.ops, target, letters, dry_run).await
    }
}
