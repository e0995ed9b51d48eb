use super::pick::{Change, Pick};
use crate::{cli::Global, exit::Exit, failure::Failure, session::Session};
use clap::Args;
use purgeline_providers::ConfiguredTarget;
use purgeline_queue::{DeadLetter, Retention, RetryPlan};
use serde::Serialize;

/// The arguments of `purgeline dead retry`.
#[derive(Debug, Args)]
pub(super) struct RetryArgs {
    #[command(flatten)]
    pick: Pick,
}

/// What was done, or would be, at one target.
#[derive(Debug, Default, Serialize)]
struct Retried {
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
    args.pick.run::<Retried>(global).await
}

impl Change for Retried {
    async fn change(
        &mut self,
        session: &Session,
        target: &ConfiguredTarget,
        letters: &[DeadLetter],
        dry_run: bool,
    ) -> Result<(), Failure> {
        for letter in letters {
            let RetryPlan { joins, reopened, left_out, .. } =
                session.queue.operate().plan_retry(&target.target, letter).await?;
            self.joins += u64::from(joins);
            self.reopened += reopened as u64;
            self.left_out += left_out as u64;
        }
        if dry_run {
            let nameless = letters.iter().filter(|letter| letter.lane.is_empty()).count() as u64;
            self.nameless += nameless;
            self.retried += letters.len() as u64 - nameless;
            return Ok(());
        }
        let ids: Vec<_> = letters.iter().map(|letter| letter.id.clone()).collect();
        let retention = Retention::from(&session.config.retention);
        let room = target.config.max_pending_items.get();
        let done = session.queue.operate().retry_dead(&target.target, &ids, room, &retention).await?;
        self.retried += done.retried;
        self.no_room += done.no_room;
        self.nameless += done.nameless;
        self.gone += done.gone;
        Ok(())
    }

    fn in_words(&self, dry_run: bool) -> String {
        let verb = if dry_run { "would retry" } else { "retried" };
        let mut words = format!("{verb} {} dead letters", self.retried);
        let more = [
            (self.joins, "whose item waits already"),
            (self.reopened, "jobs active again, counted for each letter"),
            (self.left_out, "jobs left out: cancelled or not kept any more"),
            (self.gone, "gone meanwhile"),
            (self.no_room, "stay: the queue has no room for them (max_pending_items), try again later"),
            (self.nameless, "stay: the names of their items are lost, submit their jobs again"),
        ];
        for (count, what) in more.into_iter().filter(|(count, _)| *count > 0) {
            words += &format!("\n  {count} {what}");
        }
        words
    }

    fn is_full(&self) -> bool {
        self.no_room > 0
    }
}
