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
    /// Only those of this target
    #[arg(long, value_name = "NAME")]
    target: Option<TargetName>,
    /// The most letters to list
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
    let targets = match &args.target {
        Some(name) => vec![session.target(name)?.target.clone()],
        None => session.identities(),
    };
    let mut dead_letters = Vec::new();
    for target in targets {
        let letters = session.queue.dead_letters(&target, args.limit).await?;
        dead_letters.extend(letters.into_iter().map(|letter| Listed { target: target.name.clone(), letter }));
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
