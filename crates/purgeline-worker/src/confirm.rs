use crate::{
    CrashPoint,
    context::TargetContext,
    permit::{InTime, Permit},
    persist::persist,
    verdict::{Blame, Sent, age, fate_of_question, refuses_target, settlement, unanswered},
};
use purgeline_core::{Cause, Outcome};
use purgeline_providers::{CallItem, OpenBatch};
use purgeline_queue::{Asked, DuePoll, QueueError, Settlement, ToldBy};
use std::collections::BTreeMap;
use tokio::time::Instant;
use tracing::{debug, warn};

impl TargetContext {
    /// Asks how open batches fare and writes what has ended.
    pub(crate) async fn confirm(&self, due: Vec<DuePoll>, permit: Permit) -> Result<(), QueueError> {
        let Some(schedule) = self.configured.descriptor.polls else { return Ok(()) };
        let in_time = self.question_permits.in_time(permit, Instant::now());
        if in_time != InTime::Yes {
            self.widen_headroom(in_time).await?;
            return self.ask_later(&due).await;
        }
        let open: Vec<_> = due.iter().map(open_batch).collect();
        debug!(batches = open.len(), target = %self.target().name, "asking about {} open batches", open.len());
        let report = self.provider.poll(&open).await;
        self.reached(CrashPoint::PollAnswered);
        if let Some(fate) = fate_of_question(&report, &self.configured.descriptor) {
            self.hear(Asked::Question, &fate).await?;
            self.reached(CrashPoint::PollHeard);
        }
        persist(self.patience(), "signals", || self.heed(&report.signals, ToldBy::Question(""))).await?;
        let whole_target = refuses_target(&report.signals);
        let mut ended: BTreeMap<usize, Vec<(usize, Outcome)>> = BTreeMap::new();
        for answer in report.answers {
            if let (Some(cause), Some(poll)) = (&answer.cause, due.get(answer.batch)) {
                warn!(batch = %poll.batch, target = %self.target().name, %cause, "nothing was learned of batch {}: {cause}", poll.batch);
            }
            ended.entry(answer.batch).or_default().extend(answer.ended);
        }
        let bisect: BTreeMap<usize, Cause> = report.bisect.into_iter().collect();
        let now_ms = persist(self.patience(), "time", || self.queue.now_ms()).await?;
        let mut later: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        for (at, poll) in due.iter().enumerate() {
            let ended = ended.remove(&at).unwrap_or_default();
            let rest = rest(poll, &ended);
            let mut settlements: Vec<_> = ended
                .into_iter()
                .filter_map(|(position, outcome)| {
                    self.settlement(poll, position, outcome, whole_target, now_ms)
                })
                .collect();
            let overdue = now_ms.saturating_sub(poll.submitted_at_ms)
                > i64::try_from(schedule.deadline_ms).unwrap_or(i64::MAX);
            match bisect.get(&at) {
                Some(cause) if rest.len() > 1 => {
                    self.settle(&poll.batch, &settlements, CrashPoint::PollSettled).await?;
                    self.bisect_open(&poll.batch, rest.len(), cause).await?;
                    continue;
                }
                // The culprit is alone.
                Some(cause) => settlements.extend(rest.iter().filter_map(|position| {
                    let again = Outcome::Retry { after_ms: None, cause: cause.clone() };
                    self.settlement(poll, *position, again, whole_target, now_ms)
                })),
                None if overdue => settlements.extend(rest.iter().filter_map(|position| {
                    let leased = poll.items.get(*position)?;
                    Some((leased.index, unanswered(&leased.record, &schedule, now_ms, &self.retry)))
                })),
                None => {}
            }
            if settlements.len() < poll.items.len() {
                later.entry(schedule.wait_ms(poll.polls)).or_default().push(poll.batch.clone());
            }
            self.settle(&poll.batch, &settlements, CrashPoint::PollSettled).await?;
        }
        for (wait_ms, batches) in later {
            persist(self.patience(), "put off", || self.queue.put_off(self.target(), &batches, wait_ms))
                .await?;
            // After it is written: whoever looks in between would take it for what he has seen.
            self.next_poll.within_ms(wait_ms);
        }
        self.reached(CrashPoint::PutOff);
        Ok(())
    }

    /// The question comes too late for its permit, so it is not asked: the batches are due again.
    async fn ask_later(&self, due: &[DuePoll]) -> Result<(), QueueError> {
        debug!(batches = due.len(), target = %self.target().name, "a question comes too late for its permit");
        let batches: Vec<_> = due.iter().map(|poll| poll.batch.clone()).collect();
        persist(self.patience(), "put off", || self.queue.put_off(self.target(), &batches, 0)).await?;
        self.next_poll.within_ms(0);
        Ok(())
    }

    /// How the item at a position of a batch is settled; `None`: it goes on being asked about.
    fn settlement(
        &self,
        poll: &DuePoll,
        position: usize,
        outcome: Outcome,
        whole_target: bool,
        now_ms: i64,
    ) -> Option<(u32, Settlement)> {
        let leased = poll.items.get(position)?;
        let sent = Sent {
            attempts: leased.record.attempts,
            age: age(&leased.record, now_ms),
            blame: if whole_target { Blame::Target } else { Blame::Item },
            wait_ms: 0,
        };
        let settled = settlement(outcome, &sent, &self.retry)?;
        Some((leased.index, settled))
    }

    /// Has what is left of an accepted batch go out again in two halves.
    async fn bisect_open(&self, batch: &str, items: usize, cause: &Cause) -> Result<(), QueueError> {
        warn!(batch, items, target = %self.target().name, %cause,
            "batch {batch} ended badly for an item that was not named, splitting it: {cause}");
        persist(self.patience(), "split", || self.queue.split_open(self.target(), batch, &cause.code))
            .await?;
        self.reached(CrashPoint::Split);
        Ok(())
    }
}

fn open_batch(poll: &DuePoll) -> OpenBatch {
    let items = poll.items.iter().map(|leased| CallItem { item: leased.item.clone(), action: leased.action });
    OpenBatch {
        batch: poll.batch.clone(),
        receipt: poll.receipt.clone(),
        items: items.collect(),
        open: vec![true; poll.items.len()],
        submitted_at_ms: poll.submitted_at_ms,
    }
}

/// The positions of the items of which nothing has ended.
fn rest(poll: &DuePoll, ended: &[(usize, Outcome)]) -> Vec<usize> {
    (0..poll.items.len()).filter(|position| ended.iter().all(|(at, _)| at != position)).collect()
}
