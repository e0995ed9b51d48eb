use crate::{InspectQueue, QueueError, Timing, redis::store::Store};
use futures::future::try_join_all;
use purgeline_core::{JobId, JobState, PartCounts, Priority, Target, TargetName};
use redis::AsyncTypedCommands;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// Ids read at a time when jobs are listed.
const LIST_SLICE: isize = 200;

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
    /// Its part at each target.
    pub parts: BTreeMap<TargetName, Part>,
}

/// A job's part at one target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Part {
    /// How its items stand.
    #[serde(flatten)]
    pub counts: PartCounts,
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

    /// The latest jobs that match, newest first, at most `most`. Looks at no more than `look` of
    /// those that are kept.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn jobs(
        &self,
        targets: &[Target],
        filter: &JobFilter,
        most: usize,
        look: usize,
    ) -> Result<Vec<Job>, QueueError> {
        let bound = |ms: Option<i64>, none: &str| ms.map_or(none.to_owned(), |ms| ms.to_string());
        let (newest, oldest) = (bound(filter.until_ms, "+inf"), bound(filter.since_ms, "-inf"));
        let mut found = Vec::new();
        let mut at: isize = 0;
        while found.len() < most && usize::try_from(at).unwrap_or(usize::MAX) < look {
            let ids = self
                .store
                .manager()
                .zrevrangebyscore_limit(self.store.keys().jobs(), &newest, &oldest, at, LIST_SLICE)
                .await?;
            if ids.is_empty() {
                break;
            }
            at += LIST_SLICE;
            // Most jobs of a list that is searched do not match: only a glance at each.
            let glances = ids.iter().filter_map(|id| id.parse().ok()).map(|id| self.matches(id, filter));
            for id in try_join_all(glances).await?.into_iter().flatten() {
                found.extend(self.store.job(id, targets).await?);
                if found.len() == most {
                    break;
                }
            }
        }
        Ok(found)
    }

    /// The job's id, if the job is kept and matches.
    async fn matches(&self, id: JobId, filter: &JobFilter) -> Result<Option<JobId>, QueueError> {
        let mut glance = redis::cmd("HMGET");
        glance.arg(self.store.keys().job(id)).arg("state").arg("source").arg("targets");
        let (state, source, targets): (Option<String>, Option<String>, Option<String>) =
            glance.query_async(&mut self.store.manager()).await?;
        let Some(state) = state else { return Ok(None) };
        let goes_to =
            |name: &TargetName| targets.iter().flat_map(|all| all.split(' ')).any(|one| one == name.as_str());
        let matches = filter.state.is_none_or(|wanted| state == wanted.as_str())
            && filter.source.as_ref().is_none_or(|wanted| source.as_ref() == Some(wanted))
            && filter.target.as_ref().is_none_or(goes_to);
        Ok(matches.then_some(id))
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
