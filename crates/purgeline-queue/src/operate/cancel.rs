use crate::{
    OperateQueue, QueueError, Retention,
    redis::{
        scripts::{self, Invocation},
        store::Store,
    },
};
use purgeline_core::{JobId, Target};
use redis::Value;
use serde::Serialize;

/// Records looked at in one script call.
const RECORDS: usize = 500;
/// Waiting jobs looked at in one script call.
const WAITERS: usize = 1_000;
/// What a cancel did to a job's part at one target, or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CancelledPart {
    /// How the part stands after it.
    pub state: CancelState,
    /// Items of the job that do not wait any more.
    pub cancelled: u64,
    /// Distinct items that nobody else waited for: they will not be sent.
    pub gone: u64,
}

/// How a job's part stands after a cancel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelState {
    /// Nothing of the job has come here, and nothing will.
    #[default]
    Absent,
    /// Some of its items are in calls; it ends when they have settled.
    Cancelling,
    /// It has ended, by this or before.
    Ended,
}

/// What one step of the walk told.
struct Slice {
    next: String,
    active: bool,
    cancelled: u64,
    gone: u64,
    /// What is to be looked at besides.
    more: Vec<String>,
}

/// One job at one target that is taken out of what waits.
struct Walk<'a> {
    queue: &'a Store,
    target: &'a Target,
    job: String,
    retention: &'a Retention,
    dry_run: bool,
    done: CancelledPart,
}

impl OperateQueue {
    /// Cancels a job at a target: items that nobody else waits for are not sent any more, of
    /// others the job alone is taken out, chunks that come later are refused. What is in a call
    /// ends as it does. May be stopped and repeated at any time; housekeeping goes on with what
    /// was begun. With `dry_run` it changes nothing.
    ///
    /// Looks at every pending record, a few hundred a script call.
    ///
    /// # Errors
    /// When Redis cannot be asked; the cancel may have begun.
    pub async fn cancel(
        &self,
        target: &Target,
        job: JobId,
        why: &str,
        retention: &Retention,
        dry_run: bool,
    ) -> Result<CancelledPart, QueueError> {
        let state = if dry_run {
            let part = self.store.part(job, target).await?;
            part.map_or(CancelState::Absent, |part| match part.counts.state().is_terminal() {
                true => CancelState::Ended,
                false => CancelState::Cancelling,
            })
        } else {
            let mut script = self.store.script(&scripts::CANCEL, target);
            script.arg(job.to_string()).arg(why).arg(retention.succeeded_ms).arg(retention.failed_ms);
            let answer: String = self.store.invoke(&script).await?;
            match answer.as_str() {
                "absent" => CancelState::Absent,
                "ended" => CancelState::Ended,
                "active" => CancelState::Cancelling,
                other => {
                    return Err(QueueError::malformed(
                        "the answer of cancel.lua",
                        "absent, ended or active",
                        other,
                    ));
                }
            }
        };
        let done = CancelledPart { state, ..CancelledPart::default() };
        let mut walk = Walk { queue: &self.store, target, job: job.to_string(), retention, dry_run, done };
        if state == CancelState::Cancelling && !walk.pending().await? && !dry_run {
            walk.done.state = CancelState::Ended;
        }
        Ok(walk.done)
    }
}

impl Store {
    /// Goes on with a cancel that has begun.
    pub(crate) async fn go_on_cancelling(
        &self,
        target: &Target,
        job: String,
        retention: &Retention,
    ) -> Result<(), QueueError> {
        let done = CancelledPart::default();
        Walk { queue: self, target, job, retention, dry_run: false, done }.pending().await?;
        Ok(())
    }
}

impl Walk<'_> {
    /// Goes through all that waits. False if the part has ended before that.
    async fn pending(&mut self) -> Result<bool, QueueError> {
        // The end of an embargo moves a record from the one to the other.
        for records in ["embargoed", "pending"] {
            let mut cursor = "0".to_owned();
            loop {
                let mut script = self.queue.script(&scripts::CANCEL_PENDING, self.target);
                script.arg(&self.job).arg(records).arg(&cursor).arg(RECORDS);
                let slice = self.step(script).await?;
                if !slice.active {
                    return Ok(false);
                }
                for name in slice.more {
                    if !self.waiters(records, &name).await? {
                        return Ok(false);
                    }
                }
                cursor = slice.next;
                if cursor == "0" {
                    break;
                }
            }
        }
        Ok(true)
    }

    /// Goes through the list of a hot item, and those that it names. False if the part has ended.
    async fn waiters(&mut self, records: &str, name: &str) -> Result<bool, QueueError> {
        // Each list with the one that names it, and where in it to go on. A list loses its names of
        // those that go, which moves its entries: so it is gone through to its end before them, and
        // is looked at again when all of them have been, since it may be empty then.
        let mut open = vec![(String::new(), String::new(), "0".to_owned())];
        while let Some((list, parent, position)) = open.pop() {
            let mut script = self.queue.script(&scripts::CANCEL_WAITERS, self.target);
            script.arg(&self.job).arg(records).arg(name).arg(&list).arg(&parent).arg(&position).arg(WAITERS);
            let slice = self.step(script).await?;
            if !slice.active {
                return Ok(false);
            }
            if !slice.more.is_empty() {
                open.push((list.clone(), parent.clone(), END.to_owned()));
            }
            let key = self.queue.keys().waiters(self.target, name);
            let names = if list.is_empty() { key } else { list.clone() };
            open.extend(slice.more.into_iter().map(|named| (named, names.clone(), "0".to_owned())));
            if slice.next != "-1" {
                open.push((list, parent, slice.next));
            }
        }
        Ok(true)
    }

    async fn step(&mut self, mut script: Invocation<'_>) -> Result<Slice, QueueError> {
        script.arg(self.retention.succeeded_ms).arg(self.retention.failed_ms).arg(u8::from(self.dry_run));
        let reply: Vec<Value> = self.queue.invoke(&script).await?;
        let slice = read_slice(&reply).ok_or_else(|| {
            QueueError::malformed("the answer of a cancel's script", "next, state, items, records …", &reply)
        })?;
        self.done.cancelled += slice.cancelled;
        self.done.gone += slice.gone;
        Ok(slice)
    }
}

/// Behind the last entry of any list.
const END: &str = "4294967296";

fn read_slice(reply: &[Value]) -> Option<Slice> {
    let text = |value: &Value| redis::from_redis_value_ref::<String>(value).ok();
    let [next, state, cancelled, gone, more @ ..] = reply else { return None };
    Some(Slice {
        next: text(next)?,
        active: text(state)? == "active",
        cancelled: redis::from_redis_value_ref(cancelled).ok()?,
        gone: redis::from_redis_value_ref(gone).ok()?,
        more: more.iter().map(text).collect::<Option<_>>()?,
    })
}
