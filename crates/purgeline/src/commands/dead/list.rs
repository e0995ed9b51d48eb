use super::{
    groups::{By, Counting},
    selection::Selection,
};
use crate::{
    cli::Global,
    config::Secrets,
    exit::Exit,
    failure::Failure,
    output::{Time, table},
    session::Session,
};
use clap::Args;
use purgeline_core::TargetName;
use purgeline_queue::DeadLetter;
use serde::Serialize;
use std::fmt;

/// The arguments of `purgeline dead list`.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    selection: Selection,
    /// Count them by what they have in common, instead of listing them
    #[arg(long, value_enum)]
    by: Option<By>,
    /// The most letters, or groups, to list
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: usize,
}

/// What `purgeline dead list` answers.
#[derive(Debug, Serialize)]
struct DeadLetters {
    dead_letters: Vec<Listed>,
}

#[derive(Debug, Serialize)]
struct Listed {
    target: TargetName,
    #[serde(flatten)]
    letter: DeadLetter,
}

pub(super) async fn run(global: &Global, args: &ListArgs) -> Result<Exit, Failure> {
    let session = Session::open(global, Secrets::Skip).await?;
    let targets = args.selection.targets(&session)?;
    let filter = args.selection.filter(&session).await?;
    if let Some(by) = args.by {
        let mut counting = Counting::new(by);
        for target in targets {
            let mut walk = session.queue.inspect().walk_dead(&target.target, &filter);
            while let Some(letters) = walk.next().await? {
                letters.iter().for_each(|letter| counting.add(&target.target.name, letter));
            }
        }
        global.output.answer(&counting.finish(args.limit))?;
        return Ok(Exit::Done);
    }
    let mut dead_letters = Vec::new();
    for target in targets {
        let mut walk = session.queue.inspect().walk_dead(&target.target, &filter);
        let mut found = Vec::new();
        while found.len() < args.limit
            && let Some(letters) = walk.next().await?
        {
            found.extend(letters);
        }
        let name = &target.target.name;
        dead_letters.extend(found.into_iter().map(|letter| Listed { target: name.clone(), letter }));
    }
    dead_letters.sort_by_key(|listed| std::cmp::Reverse(listed.letter.failed_at_ms));
    dead_letters.truncate(args.limit);
    global.output.answer(&DeadLetters { dead_letters })?;
    Ok(Exit::Done)
}

impl fmt::Display for DeadLetters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.dead_letters.is_empty() {
            return f.write_str("no dead letters");
        }
        let mut list = table(&["dead letter", "failed", "attempts", "item", "cause"]);
        for Listed { target, letter } in &self.dead_letters {
            list.add_row([
                format!("{target}/{}", letter.id),
                Time(letter.failed_at_ms).to_string(),
                letter.attempts.to_string(),
                letter.item.clone(),
                letter.cause.to_string(),
            ]);
        }
        f.write_str(&list.trim_fmt())
    }
}
