use super::{groups::By, selection::Selection};
use crate::{
    exit::Exit,
    failure::Failure,
    global::Global,
    output::{Human, table},
    session::Session,
};
use clap::Args;
use purgeline_config::Secrets;
use purgeline_ops::{DeadLetterList, LetterAtTarget, text::Time};
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

pub(super) async fn run(global: &Global, args: &ListArgs) -> Result<Exit, Failure> {
    let session = Session::open(global, Secrets::Skip).await?;
    let (ops, filter) = (session.ops(), args.selection.filter());
    match args.by {
        Some(by) => {
            let groups = ops.dead_letters().groups(&filter, by.into(), args.limit).await?;
            global.output.answer(&Human(&groups))?;
        }
        None => {
            let letters = ops.dead_letters().list(&filter, args.limit).await?;
            global.output.answer(&Human(&letters))?;
        }
    }
    Ok(Exit::Done)
}

impl fmt::Display for Human<'_, DeadLetterList> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.dead_letters.is_empty() {
            return f.write_str("no dead letters");
        }
        let mut list = table(&["dead letter", "failed", "attempts", "item", "cause"]);
        for LetterAtTarget { target, letter } in &self.0.dead_letters {
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
