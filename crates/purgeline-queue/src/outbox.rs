use crate::{Queue, QueueError, Retention, scripts};
use futures::future::try_join_all;
use purgeline_core::{JobId, JobState, Target};
use redis::{AsyncTypedCommands, streams::StreamId};

/// Entries carried at a time.
const SLICE: usize = 200;

impl Queue {
    /// Carries on what happened at a target to those who must hear of it: the ended parts to
    /// their jobs, and everything to the events stream. Any worker may do it, several at once;
    /// an entry is removed only when it has been carried. Gives the jobs that ended by it.
    ///
    /// # Errors
    /// When Redis cannot be asked; what was not carried stays for the next call.
    pub async fn carry_outbox(
        &self,
        target: &Target,
        retention: &Retention,
    ) -> Result<Vec<(JobId, JobState)>, QueueError> {
        let key = self.keys().of_target(target, "outbox");
        let mut ended = Vec::new();
        loop {
            let slice = self.manager().xrange_count(&key, "-", "+", SLICE).await?;
            if slice.ids.is_empty() {
                return Ok(ended);
            }
            let count = slice.ids.len();
            let carried =
                try_join_all(slice.ids.iter().map(|entry| self.carry(target, &key, entry, retention)))
                    .await?;
            ended.extend(carried.into_iter().flatten());
            if count < SLICE {
                return Ok(ended);
            }
        }
    }

    async fn carry(
        &self,
        target: &Target,
        key: &str,
        entry: &StreamId,
        retention: &Retention,
    ) -> Result<Option<(JobId, JobState)>, QueueError> {
        let mut redis = self.manager();
        let text = |name: &str| entry.get::<String>(name).unwrap_or_default();
        let mut event = vec![("target".to_owned(), target.name.to_string())];
        if text("what") == "part_ended" {
            let Ok(job) = text("job").parse::<JobId>() else {
                return Err(QueueError::malformed(key, "a job id", text("job")));
            };
            let mut script = scripts::FINISH_JOB.prepare_invoke();
            script.key(self.keys().job(job)).arg(target.name.as_str());
            for field in ["items", "succeeded", "failed", "cancelled", "at"] {
                script.arg(text(field));
            }
            script.arg(retention.succeeded_ms).arg(retention.failed_ms);
            let state: String = self.invoke(&script).await?;
            let _: usize = redis.xdel(key, &[&entry.id]).await?;
            let Ok(state) = state.parse::<JobState>() else { return Ok(None) };
            event.extend([
                ("what".to_owned(), "job_ended".to_owned()),
                ("job".to_owned(), job.to_string()),
                ("state".to_owned(), state.to_string()),
                ("at".to_owned(), text("at")),
            ]);
            self.emit(&event, retention).await?;
            return Ok(Some((job, state)));
        }
        // Whoever removes the entry tells it, so that it is told once.
        if redis.xdel(key, &[&entry.id]).await? == 1 {
            for (field, value) in &entry.map {
                let value: String = redis::from_redis_value_ref(value).map_err(redis::RedisError::from)?;
                event.push((field.clone(), value));
            }
            self.emit(&event, retention).await?;
        }
        Ok(None)
    }

    async fn emit(&self, event: &[(String, String)], retention: &Retention) -> Result<(), QueueError> {
        let mut command = redis::cmd("XADD");
        command.arg(self.keys().events()).arg("MAXLEN").arg("~").arg(retention.max_events).arg("*");
        for (field, value) in event {
            command.arg(field).arg(value);
        }
        let _: String = command.query_async(&mut self.manager()).await?;
        Ok(())
    }
}
