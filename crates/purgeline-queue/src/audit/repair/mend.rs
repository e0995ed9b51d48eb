use super::{
    attempt::{Repair, Tried},
    salvage,
};
use crate::{
    QueueError,
    audit::verify::damage::{Damage, Holder},
    redis::scripts::{self, Invocation, Script},
};
use purgeline_core::{Action, Item, JobId, JobState, Priority, Target};

impl Repair<'_> {
    /// Mends one thing, if it is still as it was seen.
    pub(super) async fn mend(&self, target: &str, damage: &Damage) -> Result<Tried, QueueError> {
        if let Damage::JobState { job, state, expected, .. } = damage {
            return self.job(*job, *state, *expected).await;
        }
        if let Damage::Undelivered { job, .. } = damage {
            let closed = self.queue.close_undelivered(*job, self.targets, self.retention).await?;
            let done = "what never came is cancelled".to_owned();
            return Ok(if closed { Tried::Mended(done) } else { Tried::Changed });
        }
        let Some(target) = self.targets.iter().find(|known| known.name.as_str() == target) else {
            return Ok(Tried::Changed);
        };
        match damage {
            Damage::Delay { item, .. }
            | Damage::NoHint { item, .. }
            | Damage::StrayDelay { item }
            | Damage::HiddenList { item }
            | Damage::Expiry { item, .. }
            | Damage::LostList { holder: Holder::Pending(item) } => {
                self.lines(self.script(&scripts::MEND_PENDING, target).arg(item)).await
            }
            Damage::StrayBatch { batch }
            | Damage::BatchState { batch, .. }
            | Damage::OpenItems { batch, .. }
            | Damage::NotInflight { batch, .. }
            | Damage::LostList { holder: Holder::Batch(batch, ..) } => {
                self.lines(self.script(&scripts::MEND_BATCH, target).arg(batch)).await
            }
            Damage::NotListed { item, id } => {
                let done = "it goes by itself";
                self.once(self.script(&scripts::MEND_COVERED, target).arg(item).arg(id), done).await
            }
            Damage::StrayCovering { lane, dir, id } => {
                let mut script = self.script(&scripts::MEND_COVERAGE, target);
                self.once(script.arg(id).arg(lane).arg(dir), "it is not said any more").await
            }
            Damage::StrayCoverage { id, .. } => {
                let mut script = self.script(&scripts::MEND_COVERAGE, target);
                self.once(script.arg(id).arg("").arg(""), "its items return to their lanes").await
            }
            Damage::Embargo { name, .. }
            | Damage::StrayEmbargo { name }
            | Damage::LostList { holder: Holder::Embargoed(name) } => self.embargo(target, name, "*").await,
            Damage::EmbargoedRecord { name, text, .. } => self.embargo(target, name, text).await,
            Damage::UnrankedLane { lane } => {
                let done = "its items are looked at again";
                self.once(self.script(&scripts::MEND_LANE, target).arg(lane), done).await
            }
            Damage::Record { item, text, .. } => self.record(target, item, text).await,
            Damage::BatchItem { batch, index, text, .. } => self.batch_item(target, batch, index, text).await,
            Damage::StrayList { list, first, length } => self.list(target, list, first, *length).await,
            Damage::NoJob { .. } => {
                Ok(Tried::Refused("nothing is lost: it goes out and is forgotten".to_owned()))
            }
            Damage::StrayInflight { batch, item } => {
                let done = "it is taken down no more; what lacks the item is seen by its job";
                self.once(self.script(&scripts::MEND_INFLIGHT, target).arg(item).arg(batch), done).await
            }
            Damage::Settling { entry } => {
                let done = "it was taken away, since it held up all behind it";
                self.once(self.script(&scripts::MEND_SETTLING, target).arg(entry), done).await
            }
            Damage::ListEntry { list, entry } => {
                let done = "it was taken away";
                self.once(self.script(&scripts::MEND_LIST_ENTRY, target).arg(list).arg(entry), done).await
            }
            Damage::OutboxEntry { id, .. } => {
                let key = self.queue.keys().outbox(target);
                self.queue.forget_words(&key, &[id]).await?;
                Ok(Tried::Mended("it was taken away".to_owned()))
            }
            Damage::OutboxWaits { .. } => {
                self.queue.carry_outbox(target, self.retention).await?;
                Ok(Tried::Mended("it was carried".to_owned()))
            }
            Damage::PartName { id } => Ok(Tried::Refused(format!(
                "nobody knows whose it is; `DEL` {} if it is of no use",
                self.queue.keys().part(target, id)
            ))),
            Damage::NoPart { job, items } => self.new_part(target, *job, *items).await,
            Damage::PartCounts { job, seen, waits }
            | Damage::PartItems { job, seen, waits }
            | Damage::PartState { job, seen, waits } => self.part(target, *job, seen, *waits).await,
            Damage::Unannounced { job, .. } => {
                let done = "it ends with what it got if its producer stays away for a day";
                self.once(self.script(&scripts::MEND_SUBMITTING, target).arg(job.to_string()), done).await
            }
            Damage::Counter { name, counted, seen, .. } => {
                let mut script = self.script(&scripts::MEND_COUNTER, target);
                script.arg(*name).arg(counted.to_string());
                for (name, value) in seen {
                    script.arg(name).arg(value);
                }
                self.once(&script, &format!("it is {counted}")).await
            }
            Damage::JobState { .. } | Damage::Undelivered { .. } => Ok(Tried::Changed),
        }
    }

    async fn record(&self, target: &Target, name: &str, text: &str) -> Result<Tried, QueueError> {
        let Some((item, action)) = Item::from_name(name) else {
            return Ok(Tried::Refused(format!(
                "nobody knows what it stands for; `HDEL` it from {}",
                self.queue.keys().pending(target)
            )));
        };
        let Some(lane) = self.lane(target, &item, action, text) else { return Ok(no_lane()) };
        let jobs = salvage::jobs(text);
        let mut script = self.script(&scripts::MEND_RECORD, target);
        script.arg(name).arg(text).arg(lane);
        for job in &jobs {
            script.arg(*job);
        }
        self.once(&script, &format!("it waits anew, for the {} jobs that can be read", jobs.len())).await
    }

    async fn batch_item(
        &self,
        target: &Target,
        batch: &str,
        index: &str,
        text: &str,
    ) -> Result<Tried, QueueError> {
        let mut script = self.script(&scripts::MEND_BATCH_ITEM, target);
        script.arg(batch).arg(index).arg(text);
        let Some((item, action)) = salvage::item(text) else {
            let done = "it was taken out of the batch; nobody knows its name";
            return self.once(script.arg("").arg(""), done).await;
        };
        let Some(lane) = self.lane(target, &item, action, text) else { return Ok(no_lane()) };
        script.arg(item.name(action)).arg(lane);
        for job in salvage::jobs(text) {
            script.arg(job);
        }
        self.once(&script, "it was taken out of the batch and waits anew for the jobs that can be read").await
    }

    async fn list(&self, target: &Target, list: &str, first: &str, length: u64) -> Result<Tried, QueueError> {
        if let Some((item, action)) = Item::from_name(list) {
            let Some(lane) = self.lane(target, &item, action, "") else { return Ok(no_lane()) };
            let mut script = self.script(&scripts::MEND_RECORD, target);
            script.arg(list).arg("").arg(lane);
            return self.once(&script, "its item waits anew, for them").await;
        }
        if list.split_once(' ').is_some_and(|(_, item)| Item::from_name(item).is_some()) {
            return self.embargo(target, list, "").await;
        }
        let mut script = self.script(&scripts::MEND_LIST, target);
        script.arg(list).arg(first).arg(length);
        self.once(&script, "it was taken away; what lacks the item is seen by its jobs").await
    }

    /// `text`: the record as it was seen, `*` if it can be read.
    async fn embargo(&self, target: &Target, name: &str, text: &str) -> Result<Tried, QueueError> {
        let known = name.split_once(' ').filter(|(time, _)| time.parse::<i64>().is_ok());
        let Some((item, action)) = known.and_then(|(_, item)| Item::from_name(item)) else {
            return Ok(Tried::Refused(format!(
                "nobody knows what it stands for; `HDEL` it from {}",
                self.queue.keys().embargoed(target)
            )));
        };
        let mut script = self.script(&scripts::MEND_EMBARGO, target);
        script.arg(name).arg(text);
        if text == "*" {
            script.arg("");
        } else {
            let Some(lane) = self.lane(target, &item, action, text) else { return Ok(no_lane()) };
            script.arg(lane).arg(salvage::jobs(text));
        }
        self.once(&script, "it waits for the end of its embargo").await
    }

    /// The lane that an item stood in, or would.
    fn lane(&self, target: &Target, item: &Item, action: Action, text: &str) -> Option<String> {
        let lane = salvage::lane(text);
        let priority = lane.as_ref().map_or(Priority::Normal, |lane| lane.priority);
        // Where the target no longer takes it, the lane that it stood in is as good as any.
        (self.route)(target, item, action, priority)
            .map(|(_, lane)| lane)
            .or(lane)
            .map(|lane| lane.to_string())
    }

    async fn job(&self, id: JobId, state: JobState, expected: JobState) -> Result<Tried, QueueError> {
        if expected == JobState::Active {
            let mut script = scripts::MEND_JOB.prepare_invoke();
            script.key(self.queue.keys().job(id)).arg(state.as_str());
            return self.once(&script, "it goes on until its parts have ended").await;
        }
        if state != JobState::Active {
            return Ok(Tried::Refused("it has ended, and whoever watches was told so".to_owned()));
        }
        let Some(job) = self.queue.job(id, self.targets).await? else { return Ok(Tried::Changed) };
        let now = self.queue.now_ms().await?.to_string();
        let mut ended = None;
        for (name, part) in &job.parts {
            let told = self.queue.end_part(id, name, part.counts, part.round, &now, self.retention).await?;
            ended = told.or(ended);
        }
        Ok(match ended {
            Some((_, state)) => Tried::Mended(format!("it was told how its parts ended: it is {state}")),
            None => Tried::Changed,
        })
    }

    pub(super) fn script<'s>(&self, script: &'s Script, target: &Target) -> Invocation<'s> {
        self.queue.script(script, target)
    }

    /// A script that says what it did, a line each.
    async fn lines(&self, script: &Invocation<'_>) -> Result<Tried, QueueError> {
        let done: Vec<String> = self.queue.invoke(script).await?;
        Ok(if done.is_empty() { Tried::Changed } else { Tried::Mended(done.join("; ")) })
    }

    /// A script that does one thing, or nothing.
    pub(super) async fn once(&self, script: &Invocation<'_>, done: &str) -> Result<Tried, QueueError> {
        let did: u64 = self.queue.invoke(script).await?;
        Ok(if did > 0 { Tried::Mended(done.to_owned()) } else { Tried::Changed })
    }
}

fn no_lane() -> Tried {
    Tried::Refused("its lane cannot be read, and the target as it is configured does not take it".to_owned())
}
