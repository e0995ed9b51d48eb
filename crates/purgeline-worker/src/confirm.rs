use crate::{
    Step,
    context::TargetContext,
    persist::persist,
    verdict::{refuses_target, settlement},
};
use purgeline_core::{Cause, Class, Outcome, PollSchedule};
use purgeline_providers::{CallItem, OpenBatch};
use purgeline_queue::{DuePoll, QueueError};
use std::collections::BTreeMap;
use tracing::{debug, warn};

impl TargetContext {
    /// Asks how open batches fare and writes what has ended.
    pub(crate) async fn confirm(&self, due: Vec<DuePoll>) -> Result<(), QueueError> {
        let Some(schedule) = self.configured.descriptor.polls else { return Ok(()) };
        let open: Vec<_> = due.iter().map(open_batch).collect();
        debug!(batches = open.len(), target = %self.target().name, "asking about {} open batches", open.len());
        let report = self.provider.poll(&open).await;
        self.reached(Step::PollAnswered);
        persist(self.patience(), "signals", || self.heed(&report.signals)).await?;
        let whole_target = refuses_target(&report.signals);
        let mut ended: BTreeMap<usize, Vec<(usize, Outcome)>> = BTreeMap::new();
        for answer in report.answers {
            if let (Some(cause), Some(poll)) = (&answer.cause, due.get(answer.batch)) {
                warn!(batch = %poll.batch, target = %self.target().name, %cause, "nothing was learned of batch {}: {cause}", poll.batch);
            }
            ended.entry(answer.batch).or_default().extend(answer.ended);
        }
        let now_ms = persist(self.patience(), "time", || self.queue.now_ms()).await?;
        let mut later: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        for (at, poll) in due.iter().enumerate() {
            let mut ended = ended.remove(&at).unwrap_or_default();
            let overdue = now_ms.saturating_sub(poll.submitted_at_ms)
                > i64::try_from(schedule.deadline_ms).unwrap_or(i64::MAX);
            if overdue {
                ended.extend(unanswered(poll, &ended, &schedule));
            }
            let settlements: Vec<_> = ended
                .into_iter()
                .filter_map(|(position, outcome)| {
                    let leased = poll.items.get(position)?;
                    let settled = settlement(outcome, leased.record.attempts, &self.retry, whole_target)?;
                    Some((leased.index, settled))
                })
                .collect();
            if settlements.len() < poll.items.len() {
                later.entry(schedule.wait_ms(poll.polls)).or_default().push(poll.batch.clone());
            }
            self.settle(&poll.batch, &settlements, Step::PollSettled).await?;
        }
        for (wait_ms, batches) in later {
            self.next_poll.within_ms(wait_ms);
            persist(self.patience(), "put off", || self.queue.put_off(self.target(), &batches, wait_ms))
                .await?;
        }
        self.reached(Step::PutOff);
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

/// Items about which the provider has said nothing until the deadline: they are sent again.
fn unanswered(poll: &DuePoll, ended: &[(usize, Outcome)], schedule: &PollSchedule) -> Vec<(usize, Outcome)> {
    let message = format!("no end was reported within {} s of acceptance", schedule.deadline_ms / 1000);
    let cause = Cause::new(Class::Unknown, "poll-deadline", message);
    (0..poll.items.len())
        .filter(|position| ended.iter().all(|(at, _)| at != position))
        .map(|position| (position, Outcome::Retry { after_ms: Some(0), cause: cause.clone() }))
        .collect()
}
