use crate::QueueError;
use purgeline_core::{JobId, Lane};
use serde::Serialize;

/// What is written of one item that waits, or that a batch holds.
///
/// In Redis it is the text that [`parse`](Self::parse) reads:
/// `lane=normal/url since=1763700000000 attempts=0 due=0 cause=- spill=0 jobs=01J…,01J…`. In a batch more may follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Record {
    /// The lane it stands in, or will when its delay has passed.
    #[serde(serialize_with = "as_text")]
    pub lane: Lane,
    /// When it was first asked for, in milliseconds since 1970.
    pub since_ms: i64,
    /// Sends so far.
    pub attempts: u32,
    /// Those of the sends that the provider accepted and that never came to an end. In the text
    /// it stands behind the attempts where it is not 0: `attempts=2/1`.
    pub unanswered: u32,
    /// Delayed until then, in milliseconds since 1970; `None`: it may go.
    pub due_ms: Option<i64>,
    /// It waits for quiet, or to be purged again after its last purge: a further request may delay
    /// it until then at most, in milliseconds since 1970. In the text it stands behind the due time
    /// where there is one: `due=1763700010000/1763700060000`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest_ms: Option<i64>,
    /// The code of the last failed attempt; `rebound`, or `rebound/` and a code, where it is also to
    /// be purged again after its last purge; what it waits for, as `covered/c7`.
    pub cause: Option<String>,
    /// Whether further waiting jobs are in a list of their own.
    pub more_jobs: bool,
    /// The jobs that wait for it.
    pub jobs: Vec<JobId>,
}

fn as_text<S: serde::Serializer>(lane: &Lane, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(lane)
}

impl Record {
    /// Reads a record's text; what follows ` item=` is the caller's.
    ///
    /// # Errors
    /// When the text is none that the scripts write. `key` says where it stood.
    pub fn parse(key: &str, text: &str) -> Result<Self, QueueError> {
        Self::read(text).ok_or_else(|| {
            QueueError::malformed(key, "a record: lane= since= attempts= due= cause= spill= jobs=", text)
        })
    }

    fn read(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let mut word = |name: &str| words.next()?.strip_prefix(name)?.strip_prefix('=');
        let lane = word("lane")?.parse().ok()?;
        let since_ms = word("since")?.parse().ok()?;
        let attempts = word("attempts")?;
        let (attempts, unanswered) = attempts.split_once('/').unwrap_or((attempts, "0"));
        let due = word("due")?;
        let (due, latest) = due.split_once('/').map_or((due, None), |(due, latest)| (due, Some(latest)));
        let due: i64 = due.parse().ok()?;
        let cause = word("cause")?;
        let spill = word("spill")?;
        let jobs = word("jobs")?.split(',').filter(|entry| !entry.is_empty()).map(read_entry);
        Some(Self {
            lane,
            since_ms,
            attempts: attempts.parse().ok()?,
            unanswered: unanswered.parse().ok()?,
            due_ms: (due > 0).then_some(due),
            latest_ms: latest.map(str::parse).transpose().ok()?,
            cause: (cause != "-").then(|| cause.to_owned()),
            more_jobs: spill == "1",
            jobs: jobs.collect::<Option<_>>()?,
        })
    }
}

/// One waiting job: `id` or `id!expires`.
pub(crate) fn read_entry(entry: &str) -> Option<JobId> {
    entry.split_once('!').map_or(entry, |(id, _)| id).parse().ok()
}

impl Record {
    /// The coverage whose dir it waits for.
    #[must_use]
    pub fn covered_by(&self) -> Option<&str> {
        self.cause.as_deref()?.strip_prefix("covered/")
    }
}

/// The coverage that goes along with a dir in a batch.
pub(crate) fn covers(record: &str) -> Option<&str> {
    record.rsplit_once(" covers=").map(|(_, id)| id)
}

/// The first time after which a waiting job that a record names has no use for the item.
pub(crate) fn first_expiry(record: &str) -> Option<i64> {
    let (_, jobs) = record.split_once(" jobs=")?;
    let jobs = jobs.split(' ').next()?.split(',');
    jobs.filter_map(|entry| entry.split_once('!')?.1.parse().ok()).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read() {
        let (a, b) = (JobId::from_idempotency_key("a"), JobId::from_idempotency_key("b"));
        let text = format!(
            "lane=normal/dir since=17 attempts=2 due=99 cause=http-503 spill=1 jobs={a},{b} covers=c7"
        );
        let record = Record::parse("k", &text).unwrap();
        assert_eq!(record.jobs, [a, b]);
        assert_eq!(covers(&text), Some("c7"));
        assert_eq!(record.due_ms, Some(99));
        assert_eq!(record.cause.as_deref(), Some("http-503"));
        assert!(record.more_jobs);
        assert_eq!(record.lane.to_string(), "normal/dir");
        assert_eq!((record.attempts, record.unanswered), (2, 0));
        let record = Record::parse("k", &text.replace("attempts=2", "attempts=2/1")).unwrap();
        assert_eq!((record.attempts, record.unanswered), (2, 1));
        assert_eq!(record.latest_ms, None);
        let text = text.replace("due=99", "due=99/120").replace(" covers=c7", "!1763700000000");
        let record = Record::parse("k", &text).unwrap();
        assert_eq!((record.due_ms, record.latest_ms), (Some(99), Some(120)));
        assert_eq!(record.jobs, [a, b]);
        assert_eq!(covers(&text), None);
        assert_eq!(first_expiry(&text), Some(1_763_700_000_000));
        let error = Record::parse("k", "lane=x").unwrap_err().to_string();
        assert!(error.starts_with("k: expected a record"), "{error}");
    }
}
