use crate::{
    CrashPoint,
    context::TargetContext,
    jitter::between,
    pace::Pace,
    work::{Work, WorkTask},
};
use purgeline_queue::{Lease, Polls, QueueError};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;
use tracing::{trace, warn};

/// A part-full chunk that lingers is looked at again this long after a wake-up: more may come
/// with it, and looking at each arrival would keep Redis busy.
const LINGER_PAUSE: Duration = Duration::from_millis(5);
/// What a window has no room for now does not keep from going what comes later: items of another kind,
/// or urgent ones. They are looked at this long after they came, since more may come with them.
const RATE_PAUSE: Duration = Duration::from_millis(50);
/// The longest time by which a worker that had nothing to do comes later than the housekeeper when all
/// are told that something was enqueued: most often one worker is enough for it.
const SHY: Duration = Duration::from_millis(200);
/// Where nothing waits, and Redis would say so if something came, a worker polls this many times more
/// seldom: the housekeeper looks for all.
const AT_REST: u32 = 60;
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// Finds the next thing to do for one target.
pub(crate) struct Feed {
    context: Arc<TargetContext>,
    pace: Pace,
    /// The pace has given a turn that no call has used.
    has_turn: bool,
    /// Open batches were asked about last: now it is the turn of what waits to be sent.
    polled_last: bool,
    backoff: Duration,
    /// The last lease gave nothing.
    in_vain: bool,
}

/// Why there is nothing to do now.
struct Idle {
    until: Instant,
    /// A wake-up may change it before that.
    wakes: bool,
    /// How long to let more arrive after a wake-up.
    pause: Duration,
}

impl Feed {
    pub(crate) fn new(context: Arc<TargetContext>) -> Self {
        let pace = Pace::new(&context.configured.descriptor.limits);
        Self { context, pace, has_turn: false, polled_last: false, backoff: FIRST_BACKOFF, in_vain: false }
    }

    /// The next work; `None` when the worker stops. Outlives any outage of Redis: it logs, backs
    /// off and goes on.
    pub(crate) async fn next(&mut self) -> Option<Work> {
        loop {
            if self.context.stopping.is_cancelled() {
                return None;
            }
            match self.look().await {
                Ok(Ok(work)) => {
                    self.backoff = FIRST_BACKOFF;
                    return Some(work);
                }
                Ok(Err(idle)) => {
                    self.backoff = FIRST_BACKOFF;
                    self.wait(&idle).await;
                }
                Err(error) => {
                    let target = &self.context.target().name;
                    warn!(%error, %target, wait_ms = self.backoff.as_millis(), "no work could be asked for, trying again");
                    let until = Instant::now() + self.backoff;
                    self.backoff = (self.backoff * 2).min(MAX_BACKOFF);
                    self.wait(&Idle { until, wakes: false, pause: Duration::ZERO }).await;
                }
            }
        }
    }

    async fn wait(&self, idle: &Idle) {
        let context = &self.context;
        let until = tokio::time::sleep_until(idle.until);
        tokio::pin!(until);
        let shy = tokio::select! {
            () = context.stopping.cancelled() => return,
            () = &mut until => return,
            () = context.wake.notified(), if idle.wakes => Duration::ZERO,
            () = context.heard.notified(), if idle.wakes => self.shyness(),
        };
        let pause = tokio::time::sleep(idle.pause.max(shy));
        tokio::select! {
            () = context.stopping.cancelled() => {}
            () = until => {}
            () = context.wake.notified(), if !shy.is_zero() => {}
            () = pause => {}
        }
    }

    /// How long this worker lets others go first when all have been told.
    fn shyness(&self) -> Duration {
        if self.in_vain && !self.context.is_housekeeper() {
            return between(Duration::ZERO, SHY);
        }
        Duration::ZERO
    }

    /// When to poll next if no wake-up comes: while something waits, and while nothing does.
    fn polls(&self) -> (Instant, Instant) {
        let often = Duration::from_millis(self.context.worker.idle_poll_ms.get());
        let seldom = if self.context.is_subscribed() { often.saturating_mul(AT_REST) } else { often };
        let (now, later) = (Instant::now(), |pause: Duration| between(pause * 3 / 4, pause));
        (now + later(often), now + later(seldom))
    }

    async fn look(&mut self) -> Result<Result<Work, Idle>, QueueError> {
        let context = Arc::clone(&self.context);
        let (often, seldom) = self.polls();
        let mut until = seldom;
        if let Some(policy) = &context.poll_policy
            && let Some(slot) = context.slots.question()
        {
            if Instant::now() >= context.next_poll.at() && !std::mem::take(&mut self.polled_last) {
                context.next_poll.set(seldom);
                let asked = Instant::now();
                let due = context.queue.due_polls(context.target(), policy).await;
                if !matches!(due, Ok(Polls::Wait { after: None, .. })) {
                    context.next_poll.lower(often);
                }
                match due? {
                    Polls::Due(due) => {
                        let permit = context.question_permits.granted(asked, due.headroom_ms);
                        context.reached(CrashPoint::PollTaken);
                        // There may be more.
                        context.next_poll.set(Instant::now());
                        self.polled_last = true;
                        return Ok(Ok(Work { task: WorkTask::Confirm(due.polls, permit), slot }));
                    }
                    Polls::Wait { after: Some(after), .. } => context.next_poll.lower(Instant::now() + after),
                    Polls::Wait { after: None, .. } => {}
                }
            }
            until = until.min(context.next_poll.at());
        }
        // Whoever frees a place wakes this.
        let Some(slot) = context.slots.call() else {
            return Ok(Err(Idle { until: until.min(often), wakes: true, pause: Duration::ZERO }));
        };
        if !self.has_turn {
            self.pace.turn().await;
            self.has_turn = true;
            context.reached(CrashPoint::Paced);
        }
        let asked = Instant::now();
        match context.queue.lease(context.target(), &context.name, &context.lease_policy).await? {
            Lease::Batch(batch) => {
                self.has_turn = false;
                self.in_vain = false;
                let permit = context.permits.granted(asked, batch.headroom_ms);
                context.reached(CrashPoint::Leased);
                if batch.probe {
                    context.reached(CrashPoint::Probing);
                }
                Ok(Ok(Work { task: WorkTask::Submit(batch, permit), slot }))
            }
            Lease::Wait { after, why } => {
                trace!(target = %context.target().name, %why, ?after, "nothing to send: {why}");
                self.in_vain = true;
                if why != "empty" {
                    until = until.min(often);
                }
                if let Some(after) = after {
                    until = until.min(Instant::now() + after);
                }
                // Only time frees a window that counts calls; arrivals change nothing.
                let wakes = !why.starts_with("rate calls-") && why != "throttled";
                let pause = match why.as_str() {
                    "linger" => LINGER_PAUSE,
                    rate if rate.starts_with("rate ") => RATE_PAUSE,
                    _ => Duration::ZERO,
                };
                Ok(Err(Idle { until, wakes, pause }))
            }
        }
    }
}
