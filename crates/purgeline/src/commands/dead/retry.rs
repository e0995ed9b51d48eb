use super::pick::{Pick, write_changed};
use crate::{exit::Exit, failure::Failure, global::Global, output::Human, session::Session};
use clap::Args;
use purgeline_config::Secrets;
use purgeline_ops::{ChangedLetters, RetriedLetters};
use std::fmt;

/// The arguments of `purgeline dead retry`.
#[derive(Debug, Args)]
pub(super) struct RetryArgs {
    #[command(flatten)]
    pick: Pick,
}

pub(super) async fn run(global: &Global, args: &RetryArgs) -> Result<Exit, Failure> {
    let session = Session::open(global, Secrets::Skip).await?;
    let changed = session.ops().dead_letters().retry(&args.pick.letters(), args.pick.dry_run).await?;
    global.output.answer(&Human(&changed))?;
    Ok(if changed.is_full() {
        Exit::Full
    } else if changed.gone.is_empty() && !changed.is_unfinished() {
        Exit::Done
    } else {
        Exit::Failed
    })
}

impl fmt::Display for Human<'_, ChangedLetters<RetriedLetters>> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_changed(f, self.0, |retried| in_words(retried, self.0.dry_run))
    }
}

fn in_words(retried: &RetriedLetters, dry_run: bool) -> String {
    let verb = if dry_run { "would retry" } else { "retried" };
    let mut words = format!("{verb} {} dead letters", retried.retried);
    let more = [
        (retried.joins, "whose item waits already"),
        (retried.reopened, "jobs active again, counted for each letter"),
        (retried.left_out, "jobs left out: cancelled or not kept any more"),
        (retried.gone, "gone meanwhile"),
        (retried.no_room, "stay: the queue has no room for them (max_pending_items), try again later"),
        (
            retried.busy,
            "stay: other purges changed their jobs at each of five tries, run the same command again",
        ),
        (retried.nameless, "stay: the names of their items are lost, submit their jobs again"),
    ];
    for (count, what) in more.into_iter().filter(|(count, _)| *count > 0) {
        words += &format!("\n  {count} {what}");
    }
    words
}
