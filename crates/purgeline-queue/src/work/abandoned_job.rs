use crate::{
    QueueError, Retention,
    redis::{scripts, store::Store},
};
use purgeline_core::{JobId, Target};
use redis::AsyncTypedCommands;
use std::collections::HashMap;

/// A producer that has not finished a job for this long, in milliseconds, counts as dead: a day. A
/// producer that lives enqueues the largest job within seconds, and a hook that repeats a call which
/// failed does so within hours.
pub(crate) const ABANDONED_MS: i64 = 86_400_000;

impl Store {
    /// Closes the deliveries of a job that never came to some of these targets. Their items count as
    /// cancelled: nothing failed, and no dead letter can be retried. The job says that it was
    /// abandoned, and its producer is refused if it comes back after all. A target where something of
    /// the job has come is waited for. Gives whether there was anything to close.
    ///
    /// May be stopped and repeated at any time.
    pub(crate) async fn close_undelivered(
        &self,
        id: JobId,
        targets: &[Target],
        retention: &Retention,
    ) -> Result<bool, QueueError> {
        let fields: HashMap<String, String> = self.manager().hgetall(self.keys().job(id)).await?;
        let number = |field: String| fields.get(&field).and_then(|text| text.parse::<u64>().ok());
        let mut closed = Vec::new();
        for name in fields.get("targets").map(String::as_str).unwrap_or_default().split(' ') {
            let Some(target) = targets.iter().find(|target| target.name.as_str() == name) else { continue };
            if fields.contains_key(&format!("part:{name}")) {
                continue;
            }
            let items = number(format!("share:{name}")).or_else(|| number("items".into())).unwrap_or(1);
            let mut script = self.script(&scripts::CLOSE_DELIVERY, target);
            script.arg(id.to_string()).arg(items).arg(retention.succeeded_ms);
            if self.invoke(&script).await? {
                closed.push((&target.name, items));
            }
        }
        if closed.is_empty() {
            return Ok(false);
        }
        // First: from here on the producer is refused before it asks any target.
        self.mark_abandoned(id).await?;
        for (name, items) in closed {
            self.cancel_part(id, name, items, retention).await?;
        }
        Ok(true)
    }

    /// Writes in a job that its producer stayed away.
    pub(crate) async fn mark_abandoned(&self, id: JobId) -> Result<(), QueueError> {
        let mut script = scripts::ABANDON_JOB.prepare_invoke();
        script.key(self.keys().job(id)).arg(self.now_ms().await?);
        self.invoke(&script).await
    }
}
