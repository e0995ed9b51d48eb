use crate::{
    CrashPoint,
    context::TargetContext,
    permit::{InTime, Permit},
    persist::persist,
    verdict::{Blame, Sent, age, exhausted, fate, goes_at_once, others_decide, refuses_target, settlement},
};
use purgeline_core::{Cause, Class, Outcome, Submission, Verdict};
use purgeline_providers::{Call, CallItem};
use purgeline_queue::{Asked, Fate, LeasedBatch, LeasedItem, QueueError, Settlement, ToldBy};
use tokio::time::Instant;
use tracing::{debug, warn};

/// What holds for all items of a call that was made.
#[derive(Clone, Copy, Debug)]
struct SentBatch {
    /// The answer, or its absence, speaks of the target and not of the items.
    whole_target: bool,
    /// Nothing is called before so many milliseconds.
    wait_ms: u64,
}

impl TargetContext {
    /// Sends a leased batch and writes what came of it.
    pub(crate) async fn submit(&self, mut batch: LeasedBatch, permit: Permit) -> Result<(), QueueError> {
        let _kept = self.keeper.keep(&batch.id);
        self.give_up_on_exhausted(&mut batch).await?;
        if batch.items.is_empty() {
            return Ok(());
        }
        let items: Vec<_> = batch
            .items
            .iter()
            .map(|leased| CallItem { item: leased.item.clone(), action: leased.action })
            .collect();
        let in_time = self.permits.in_time(permit, Instant::now());
        if in_time != InTime::Yes {
            self.widen_headroom(in_time).await?;
            debug!(batch = %batch.id, target = %self.target().name, "batch {} comes too late for its permit", batch.id);
            persist(self.patience(), "give back", || {
                self.queue.give_back(self.target(), &batch.id, &self.name)
            })
            .await?;
            self.reached(CrashPoint::GivenBack);
            return Ok(());
        }
        debug!(batch = %batch.id, items = items.len(), target = %self.target().name, "sending batch {}", batch.id);
        self.reached(CrashPoint::Sending);
        let submission = self.provider.submit(&Call { batch: &batch.id, items: &items }).await;
        self.reached(CrashPoint::Answered);
        let fate = fate(&submission, &self.configured.descriptor);
        let heard = self.hear(Asked::Call { batch: &batch.id, worker: &self.name }, &fate).await?;
        self.reached(CrashPoint::Heard);
        persist(self.patience(), "signals", || self.heed(&submission.signals, ToldBy::Answer(&batch.id)))
            .await?;
        self.reached(CrashPoint::SignalsWritten);
        let refused = refuses_target(&submission.signals);
        if let (Fate::Down(cause), true, false, 2..) = (&fate, heard.counts, refused, batch.items.len()) {
            // One of them may be what the provider cannot stomach.
            return self.bisect(&batch, cause).await;
        }
        match submission.verdict {
            Verdict::Bisect(cause) if batch.items.len() > 1 => self.bisect(&batch, &cause).await,
            Verdict::Bisect(cause) => {
                let failed = [(batch.items[0].index, Settlement::Failed(cause))];
                self.settle(&batch.id, &failed, CrashPoint::Settled).await
            }
            Verdict::Items(ref outcomes) => {
                let outcomes = self.one_each(outcomes.clone(), batch.items.len());
                // A failure that follows on another says nothing of the items.
                let outage = matches!(fate, Fate::Down(_)) && !heard.counts;
                let whole_target = outage || refused;
                let sent = SentBatch { whole_target, wait_ms: heard.wait_ms };
                self.record(&batch, outcomes, &submission, sent).await
            }
        }
    }

    /// Items of workers that died may have been sent as often as they may be.
    async fn give_up_on_exhausted(&self, batch: &mut LeasedBatch) -> Result<(), QueueError> {
        let spent = |leased: &LeasedItem| leased.record.attempts >= self.retry.max_attempts;
        let settlements: Vec<_> = batch
            .items
            .iter()
            .filter(|leased| spent(leased))
            .map(|leased| {
                let code = leased.record.cause.clone().unwrap_or_else(|| "attempts".to_owned());
                let cause = Cause::new(Class::Unknown, code, "no attempt came to an end");
                (leased.index, Settlement::Failed(exhausted(&cause, leased.record.attempts)))
            })
            .collect();
        batch.items.retain(|leased| !spent(leased));
        self.settle(&batch.id, &settlements, CrashPoint::Settled).await
    }

    async fn bisect(&self, batch: &LeasedBatch, cause: &Cause) -> Result<(), QueueError> {
        warn!(batch = %batch.id, items = batch.items.len(), target = %self.target().name, %cause,
            "batch {} was refused, maybe for an item that was not named, splitting it: {cause}", batch.id);
        persist(self.patience(), "split", || {
            self.queue.split(self.target(), &batch.id, &self.name, &cause.code)
        })
        .await?;
        self.reached(CrashPoint::Split);
        Ok(())
    }

    async fn record(
        &self,
        batch: &LeasedBatch,
        outcomes: Vec<Outcome>,
        submission: &Submission,
        sent: SentBatch,
    ) -> Result<(), QueueError> {
        let mut settlements = Vec::new();
        let others_decide = others_decide(&outcomes);
        let now_ms = if outcomes.iter().any(|outcome| matches!(outcome, Outcome::Retry { .. })) {
            persist(self.patience(), "time", || self.queue.now_ms()).await?
        } else {
            0 // Nobody's age matters.
        };
        for (leased, outcome) in batch.items.iter().zip(outcomes) {
            // An acceptance that nobody can ask about would never end.
            let outcome = match (&outcome, &submission.receipt, &self.poll_policy) {
                (Outcome::Accepted, Some(_), Some(_)) => continue,
                (Outcome::Accepted, _, None) => Outcome::Done,
                (Outcome::Accepted, None, Some(_)) => Outcome::Retry {
                    after_ms: None,
                    cause: Cause::new(
                        Class::Unknown,
                        "no-receipt",
                        "accepted without anything to ask about it by",
                    ),
                },
                _ => outcome,
            };
            let blame = match outcome {
                _ if sent.whole_target => Blame::Target,
                _ if others_decide && goes_at_once(&outcome) => Blame::Neighbour,
                _ => Blame::Item,
            };
            let sent = Sent {
                attempts: leased.record.attempts,
                age: age(&leased.record, now_ms),
                blame,
                wait_ms: sent.wait_ms,
            };
            let settled = settlement(outcome, &sent, &self.retry);
            settlements.extend(settled.map(|settled| (leased.index, settled)));
        }
        // What has ended first: were this worker to die in between, an item that the provider
        // refused would be asked about in vain until the deadline.
        self.settle(&batch.id, &settlements, CrashPoint::Settled).await?;
        if settlements.len() < batch.items.len()
            && let (Some(receipt), Some(schedule)) = (&submission.receipt, &self.configured.descriptor.polls)
        {
            let kept = persist(self.patience(), "submitted", || {
                self.queue.submitted(self.target(), &batch.id, &self.name, receipt, schedule.first_ms)
            })
            .await?;
            self.next_poll.within_ms(schedule.first_ms);
            self.reached(CrashPoint::SubmittedWritten);
            if !kept {
                warn!(batch = %batch.id, target = %self.target().name,
                    "the lease of batch {} was lost before its receipt was written: its items go out again", batch.id);
            }
        }
        Ok(())
    }

    /// One outcome for each item: what a provider's client leaves out was not heard of.
    fn one_each(&self, mut outcomes: Vec<Outcome>, items: usize) -> Vec<Outcome> {
        debug_assert_eq!(
            outcomes.len(),
            items,
            "{} gave too few or many outcomes",
            self.configured.descriptor.name
        );
        let cause =
            Cause::new(Class::Unknown, "no-outcome", "the provider's answer did not tell of this item");
        outcomes.resize(items, Outcome::Retry { after_ms: None, cause });
        outcomes
    }
}
