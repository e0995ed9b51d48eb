use crate::{InspectQueue, QueueError, Timing, redis::store::Store};
use purgeline_core::{JobId, JobState, PartCounts, Priority, Target, TargetName};
use redis::AsyncTypedCommands;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// A job, as it was submitted and as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Whether it has ended, and how.
    pub state: JobState,
    /// When it was submitted, in milliseconds since 1970.
    pub submitted_ms: i64,
    /// When it ended, in milliseconds since 1970.
    pub ended_ms: Option<i64>,
    /// Items submitted.
    pub items: u64,
    /// Names of the first of them.
    pub first_items: Vec<String>,
    /// How soon they go out.
    pub priority: Priority,
    /// Who asked.
    pub source: Option<String>,
    /// When its items go, and until when, as it says.
    #[serde(flatten)]
    pub timing: Timing,
    /// When it was closed because its producer stayed away, in milliseconds since 1970: the items
    /// that never came count as cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abandoned_ms: Option<i64>,
    /// Its part at each target.
    pub parts: BTreeMap<TargetName, Part>,
}

/// A job's part at one target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Part {
    /// How its items stand.
    #[serde(flatten)]
    pub counts: PartCounts,
    /// Items that the job has for this target, whether they have come or not.
    #[serde(skip)]
    pub share: u64,
    /// Items that have been enqueued; fewer than `items` while the producer is at it, or if it
    /// died.
    pub enqueued: u64,
    /// Those of its cancelled items that it had no use for any more.
    pub expired: u64,
    /// Ids of its first dead letters.
    pub dead: Vec<String>,
    /// The items it announced, if its producer died before all were enqueued and the part was
    /// closed without the rest.
    pub abandoned: Option<u64>,
    /// Why it was cancelled, if somebody did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancel: Option<String>,
    /// When that began, in milliseconds since 1970, while it goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancelling_ms: Option<i64>,
    /// Items that had failed and were tried again under this job.
    #[serde(skip_serializing_if = "is_zero")]
    pub retried: u64,
    /// How often it was reopened after it had ended.
    #[serde(skip)]
    pub(crate) round: u64,
}

/// Which jobs to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Only those in this state.
    pub state: Option<JobState>,
    /// Only those of this source.
    pub source: Option<String>,
    /// Only those that go to this target.
    pub target: Option<TargetName>,
    /// Only those submitted then or later, in milliseconds since 1970.
    pub since_ms: Option<i64>,
    /// Only those submitted then or earlier, in milliseconds since 1970.
    pub until_ms: Option<i64>,
}

impl InspectQueue {
    /// A job with its parts. `targets` are those that are configured; a part at a target that is
    /// no longer is shown as far as it was taken down. `None` if no such job is kept.
    ///
    /// # Errors
    /// When Redis cannot be asked, or holds something else under the job's key.
    pub async fn job(&self, id: JobId, targets: &[Target]) -> Result<Option<Job>, QueueError> {
        self.store.job(id, targets).await
    }
}

impl Store {
    /// A job with its parts at these targets.
    pub(crate) async fn job(&self, id: JobId, targets: &[Target]) -> Result<Option<Job>, QueueError> {
        let key = self.keys().job(id);
        let fields: HashMap<String, String> = self.manager().hgetall(&key).await?;
        if fields.is_empty() {
            return Ok(None);
        }
        let mut job = read_job(id, &key, &fields)?;
        for name in fields.get("targets").map(String::as_str).unwrap_or_default().split(' ') {
            let Ok(name) = name.parse::<TargetName>() else { continue };
            let taken_down = fields.get(&format!("part:{name}")).map(String::as_str).and_then(read_counts);
            let target = targets.iter().find(|target| target.name == name);
            let live = match target {
                Some(target) => self.part(id, target).await?,
                None => None,
            };
            let mut part = live.unwrap_or_default();
            if let Some(counts) = taken_down {
                part.counts = counts;
                part.enqueued = part.enqueued.max(counts.items);
            }
            let share = fields.get(&format!("share:{name}")).and_then(|text| text.parse().ok());
            part.share = share.unwrap_or(part.counts.items);
            job.parts.insert(name, part);
        }
        Ok(Some(job))
    }

    /// A job's part at a target, as it stands there.
    pub(crate) async fn part(&self, id: JobId, target: &Target) -> Result<Option<Part>, QueueError> {
        let key = self.keys().part(target, id);
        let fields: HashMap<String, String> = self.manager().hgetall(&key).await?;
        if fields.is_empty() {
            return Ok(None);
        }
        let number = |field: &str| fields.get(field).and_then(|text| text.parse::<u64>().ok());
        Ok(Some(Part {
            share: 0, // The job knows.
            counts: PartCounts {
                items: number("items").unwrap_or_default(),
                succeeded: number("succeeded").unwrap_or_default(),
                failed: number("failed").unwrap_or_default(),
                cancelled: number("cancelled").unwrap_or_default(),
            },
            enqueued: number("enqueued").unwrap_or_default(),
            expired: number("expired").unwrap_or_default(),
            dead: fields
                .get("dead")
                .map(|ids| ids.split(' ').map(str::to_owned).collect())
                .unwrap_or_default(),
            abandoned: number("abandoned"),
            cancel: fields.get("cancel").cloned(),
            cancelling_ms: fields.get("cancelling").and_then(|text| text.parse().ok()),
            retried: number("retried").unwrap_or_default(),
            round: number("round").unwrap_or_default(),
        }))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn read_job(id: JobId, key: &str, fields: &HashMap<String, String>) -> Result<Job, QueueError> {
    let field = |name: &'static str| fields.get(name).map(String::as_str);
    let malformed = |expected: &'static str, found: Option<&str>| QueueError::malformed(key, expected, found);
    let state = field("state");
    let submitted = field("submitted");
    let priority = field("priority");
    Ok(Job {
        id,
        state: state.and_then(|text| text.parse().ok()).ok_or_else(|| malformed("a state", state))?,
        submitted_ms: submitted
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| malformed("submitted, in ms", submitted))?,
        ended_ms: field("ended").and_then(|text| text.parse().ok()),
        items: field("items").and_then(|text| text.parse().ok()).unwrap_or_default(),
        first_items: field("first_items").unwrap_or_default().lines().map(str::to_owned).collect(),
        priority: priority
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| malformed("a priority", priority))?,
        source: field("source").filter(|text| !text.is_empty()).map(str::to_owned),
        timing: Timing::read(|name| field(name)?.parse().ok()),
        abandoned_ms: field("abandoned").and_then(|text| text.parse().ok()),
        parts: BTreeMap::new(),
    })
}

/// `items=3 succeeded=2 failed=1 cancelled=0`.
fn read_counts(text: &str) -> Option<PartCounts> {
    let mut words = text.split(' ');
    let mut number = |name: &str| words.next()?.strip_prefix(name)?.strip_prefix('=')?.parse().ok();
    Some(PartCounts {
        items: number("items")?,
        succeeded: number("succeeded")?,
        failed: number("failed")?,
        cancelled: number("cancelled")?,
    })
}
