use super::pick::{Change, Pick};
use crate::{cli::Global, config::Secrets, exit::Exit, failure::Failure, session::Session};
use clap::Args;
use purgeline_core::TargetName;
use purgeline_providers::ConfiguredTarget;
use purgeline_queue::{DeadLetter, Retention, RetryPlan};
use serde::Serialize;
use std::{collections::BTreeMap, fmt};

/// The arguments of `purgeline dead retry`.
#[derive(Debug, Args)]
pub(super) struct RetryArgs {
    #[command(flatten)]
    pick: Pick,
}

/// What `purgeline dead retry` answers.
#[derive(Debug, Default, Serialize)]
struct Answer {
    /// Nothing was changed.
    dry_run: bool,
    targets: BTreeMap<TargetName, AtTarget>,
    /// Named letters that are not there.
    gone: Vec<String>,
}

/// What was done, or would be, at one target.
#[derive(Debug, Default, Serialize)]
struct AtTarget {
    /// Letters whose items wait again.
    retried: u64,
    /// Letters that stay, since the queue has no room for their items.
    no_room: u64,
    /// Letters that stay, since they stand for items whose names are lost.
    nameless: u64,
    /// Letters that somebody else has retried or dropped meanwhile.
    gone: u64,
    /// Items that joined, or would join, the same item.
    joins: u64,
    /// How often a job that has ended was, or would be, active again for a letter.
    reopened: u64,
    /// How often a letter names a job that is being cancelled, or is not kept any more.
    left_out: u64,
}

pub(super) async fn run(global: &Global, args: &RetryArgs) -> Result<Exit, Failure> {
    let session = Session::open(global, Secrets::Skip).await?;
    let mut answer = Answer { dry_run: args.pick.dry_run, ..Answer::default() };
    answer.gone = args.pick.each(&session, &mut answer).await?;
    global.output.answer(&answer)?;
    if answer.targets.values().any(|at| at.no_room > 0) {
        return Ok(Exit::Full);
    }
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
        let at = self.targets.entry(target.target.name.clone()).or_default();
        for letter in letters {
            let RetryPlan { joins, reopened, left_out, .. } =
                session.queue.plan_retry(&target.target, letter).await?;
            at.joins += u64::from(joins);
            at.reopened += reopened as u64;
            at.left_out += left_out as u64;
        }
        if dry_run {
            let nameless = letters.iter().filter(|letter| letter.lane.is_empty()).count() as u64;
            at.nameless += nameless;
            at.retried += letters.len() as u64 - nameless;
            return Ok(());
        }
        let ids: Vec<_> = letters.iter().map(|letter| letter.id.clone()).collect();
        let retention = Retention::from(&session.config.retention);
        let room = target.config.max_pending_items.get();
        let done = session.queue.retry_dead(&target.target, &ids, room, &retention).await?;
        at.retried += done.retried;
        at.no_room += done.no_room;
        at.nameless += done.nameless;
        at.gone += done.gone;
        Ok(())
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.targets.is_empty() && self.gone.is_empty() {
            return f.write_str("no dead letters match");
        }
        let would = if self.dry_run { "would retry" } else { "retried" };
        for (name, at) in &self.targets {
            write!(f, "{name}: {would} {} dead letters", at.retried)?;
            let more = [
                (at.joins, "whose item waits already"),
                (at.reopened, "jobs active again, counted for each letter"),
                (at.left_out, "jobs left out: cancelled or not kept any more"),
                (at.gone, "gone meanwhile"),
                (at.no_room, "stay: the queue has no room for them (max_pending_items), try again later"),
                (at.nameless, "stay: the names of their items are lost, submit their jobs again"),
            ];
            for (count, what) in more.into_iter().filter(|(count, _)| *count > 0) {
                write!(f, "\n  {count} {what}")?;
            }
            writeln!(f)?;
        }
        for name in &self.gone {
            writeln!(f, "there is no dead letter {name}")?;
        }
        Ok(())
    }
}
