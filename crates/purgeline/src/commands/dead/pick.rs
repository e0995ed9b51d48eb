use super::selection::Selection;
use clap::Args;
use purgeline_ops::{ChangedLetters, LetterName, Letters};
use std::fmt;

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

impl Pick {
    /// As purgeline-ops takes it.
    pub(super) fn letters(&self) -> Letters {
        if self.all {
            Letters::All
        } else if self.letters.is_empty() {
            Letters::Matching(self.selection.filter())
        } else {
            Letters::Named(self.letters.clone())
        }
    }
}

/// Writes what became of letters, with the words for those of one target.
pub(super) fn write_changed<C>(
    f: &mut fmt::Formatter<'_>,
    changed: &ChangedLetters<C>,
    in_words: impl Fn(&C) -> String,
) -> fmt::Result {
    if changed.targets.is_empty() && changed.gone.is_empty() {
        return f.write_str("no dead letters match");
    }
    for (name, change) in &changed.targets {
        writeln!(f, "{name}: {}", in_words(change))?;
    }
    for name in &changed.gone {
        writeln!(f, "there is no dead letter {name}")?;
    }
    Ok(())
}
