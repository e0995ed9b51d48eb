//! The proof that nothing is lost and everything is counted once, on a keyspace as it stands.

mod embargoed;
mod read;

use crate::{
    Queue, QueueError, Record,
    lease::read_item,
    record::{first_expiry, read_entry},
};
use futures::{StreamExt, TryStreamExt, stream};
use purgeline_core::{JobId, JobState, Kind, PartCounts, Target};
use read::AT_ONCE;
use redis::AsyncTypedCommands;
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fmt,
};

/// Something in Redis that the invariants do not allow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Violation {
    /// The target, or `-` for what belongs to none.
    pub target: String,
    /// What is wrong, with the key that shows it.
    pub what: String,
}

/// What a target's keys hold, read piece by piece.
struct Walk<'a> {
    queue: &'a Queue,
    target: &'a Target,
    found: BTreeSet<Violation>,
    /// Items of each job that wait somewhere: in a record, a batch, or a list to be counted.
    waiting: HashMap<JobId, u64>,
    /// Its batches and parts of jobs, each with its fields.
    batches: BTreeMap<String, BTreeMap<String, String>>,
    parts: BTreeMap<String, BTreeMap<String, String>>,
}

impl Queue {
    /// Walks all keys of these targets and gives what the invariants do not allow:
    ///
    /// 1. *Durable*: every pending record can be leased (it has a hint in a ranked lane, or a due
    ///    time), every embargo ends, every batch is leased, ready or asked about, every item of a batch is whole.
    /// 2. *Counted once*: for each job at each target, the items that have settled and those that
    ///    wait add up to its items; a part is over exactly when all have settled; a job is over
    ///    when its parts are.
    ///
    /// Exact on a queue at rest. While producers and workers run, what they move between two
    /// reads can look wrong: only what two walks in a row find is.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn verify(&self, targets: &[Target]) -> Result<Vec<Violation>, QueueError> {
        let mut found = BTreeSet::new();
        for target in targets {
            let mut walk = Walk::new(self, target);
            walk.read().await?;
            walk.pending().await?;
            walk.embargoed().await?;
            walk.batches().await?;
            walk.settling().await?;
            walk.parts().await?;
            found.extend(walk.found);
        }
        self.verify_jobs(targets, &mut found).await?;
        Ok(found.into_iter().collect())
    }

    async fn verify_jobs(
        &self,
        targets: &[Target],
        found: &mut BTreeSet<Violation>,
    ) -> Result<(), QueueError> {
        let mut words = HashSet::new();
        for target in targets {
            let entries = self.manager().xrange_all(self.keys().of_target(target, "outbox")).await?;
            words.extend(entries.ids.iter().filter_map(|entry| entry.get::<String>("job")));
        }
        let ids: Vec<String> = self.manager().zrange(self.keys().jobs(), 0, -1).await?;
        let ids = ids.iter().filter_map(|id| id.parse::<JobId>().ok());
        let mut jobs = stream::iter(ids).map(|id| self.job(id, targets)).buffered(AT_ONCE);
        while let Some(job) = jobs.try_next().await? {
            let Some(job) = job else { continue };
            let id = job.id;
            let all = job.parts.values().fold(PartCounts::default(), |sum, part| sum.plus(part.counts));
            let over =
                job.parts.values().all(|part| part.counts.items > 0 && part.counts.state().is_terminal());
            let expected = if over { all.state() } else { JobState::Active };
            let word_under_way = words.contains(&id.to_string());
            if job.state != expected && !(word_under_way && job.state == JobState::Active) {
                found.insert(Violation {
                    target: "-".to_owned(),
                    what: format!("{} is {} but its parts are {expected}", self.keys().job(id), job.state),
                });
            }
        }
        Ok(())
    }
}

impl Walk<'_> {
    fn wrong(&mut self, what: impl fmt::Display) {
        let what = what.to_string();
        self.found.insert(Violation { target: self.target.name.to_string(), what });
    }

    async fn pending(&mut self) -> Result<(), QueueError> {
        let pending = self.hash(&self.key("pending")).await?;
        let delayed = self.scores(&self.key("delayed")).await?;
        let lanes = self.scores(&self.key("lanes")).await?;
        let expiring = self.scores(&self.key("expiring")).await?;
        let mut hints: HashMap<String, HashSet<String>> = HashMap::new();
        let (mut dirs, mut under_way) = (0_u64, 0_u64);
        for (name, text) in &pending {
            dirs += u64::from(name.starts_with(Kind::Dir.as_str()));
            let record = match Record::parse(name, text) {
                Ok(record) => record,
                Err(error) => {
                    self.wrong(error);
                    continue;
                }
            };
            if let Some(at) = first_expiry(text)
                && expiring
                    .get(name)
                    .is_none_or(|score| as_text(*score).parse::<i64>().is_ok_and(|score| score > at))
            {
                self.wrong(format!(
                    "pending {name} expires for a job at {at}, but expiring says {:?}",
                    expiring.get(name)
                ));
            }
            under_way += u64::from(record.cause.as_deref() == Some("under-way"));
            let lane = record.lane.to_string();
            match (record.due_ms, delayed.get(name)) {
                (Some(due), Some(&score)) if as_text(score) == due.to_string() => {}
                (Some(due), score) => {
                    self.wrong(format!("pending {name} is due at {due} but delayed says {score:?}"));
                }
                (None, score) => {
                    if score.is_some() {
                        self.wrong(format!("pending {name} stands in its lane, but delayed says {score:?}"));
                    }
                    if !hints.contains_key(&lane) {
                        let names =
                            self.queue.manager().lrange(self.key(&format!("lane:{lane}")), 0, -1).await?;
                        hints.insert(lane.clone(), names.into_iter().collect());
                    }
                    if !hints.get(&lane).is_some_and(|names| names.contains(name)) {
                        self.wrong(format!("pending {name} has no hint in lane {lane}: it would never go"));
                    } else if !lanes.contains_key(&lane) {
                        self.wrong(format!("lane {lane} is not ranked in lanes: {name} would never go"));
                    }
                }
            }
            self.record(name, &record, &self.key(&format!("waiters:{name}"))).await?;
        }
        for name in delayed.keys().filter(|name| !pending.contains_key(*name)) {
            self.wrong(format!("delayed {name} has no pending record"));
        }
        for (name, count) in [("dirs", dirs), ("under_way", under_way)] {
            let counted = self.counter(name).await?;
            if counted != i128::from(count) {
                self.wrong(format!("stats says {name}={counted}, but {count} wait"));
            }
        }
        Ok(())
    }

    /// Counts the jobs that wait for one item.
    async fn record(&mut self, name: &str, record: &Record, spilled: &str) -> Result<(), QueueError> {
        let rebounds = record.cause.as_deref().is_some_and(|cause| cause.starts_with("rebound"));
        if record.jobs.is_empty() && !record.more_jobs && !rebounds {
            self.wrong(format!("{name} waits for no job"));
        }
        for (job, count) in &record.jobs {
            *self.waiting.entry(*job).or_default() += count;
        }
        if record.more_jobs {
            self.list(spilled).await?;
        }
        Ok(())
    }

    /// Counts the jobs in a hot item's list, and in the lists that it names.
    async fn list(&mut self, key: &str) -> Result<(), QueueError> {
        let mut lists = vec![key.to_owned()];
        while let Some(key) = lists.pop() {
            for entry in self.queue.manager().lrange(&key, 0, -1).await? {
                if let Some(nested) = entry.strip_prefix('@') {
                    lists.push(nested.to_owned());
                } else if let Some((job, count)) = read_entry(&entry) {
                    *self.waiting.entry(job).or_default() += count;
                } else {
                    self.wrong(format!("{key} holds {entry:?}, which is no job"));
                }
            }
        }
        Ok(())
    }

    async fn batches(&mut self) -> Result<(), QueueError> {
        let leases = self.scores(&self.key("leases")).await?;
        let polls = self.scores(&self.key("polls")).await?;
        let ready: HashSet<String> =
            self.queue.manager().lrange(self.key("ready"), 0, -1).await?.into_iter().collect();
        let inflight = self.hash(&self.key("inflight")).await?;
        let mut batches = std::mem::take(&mut self.batches);
        for batch in leases.keys().chain(polls.keys()).chain(&ready) {
            batches.entry(batch.clone()).or_default();
        }
        let mut held: HashSet<(String, &str)> = HashSet::new();
        for (batch, fields) in &batches {
            let state = fields.get("state").map(String::as_str);
            let stands = (leases.contains_key(batch), ready.contains(batch), polls.contains_key(batch));
            let expected = match state {
                Some("leased") => (true, false, false),
                Some("ready") => (false, true, false),
                Some("submitted") => (false, false, true),
                _ => {
                    self.wrong(format!(
                        "batch {batch} is leased, ready or asked about, but its record is gone"
                    ));
                    continue;
                }
            };
            if stands != expected {
                self.wrong(format!(
                    "batch {batch} is {state:?} but stands in (leases, ready, polls) {stands:?}"
                ));
            }
            let mut open = 0_usize;
            for (index, value) in
                fields.iter().filter(|(name, _)| name.bytes().all(|byte| byte.is_ascii_digit()))
            {
                open += 1;
                match read_item(batch, index, value) {
                    Ok(item) => {
                        let name = item.item.name(item.action);
                        if !inflight.get(&name).is_some_and(|holders| holders.split(',').any(|h| h == batch))
                        {
                            self.wrong(format!("batch {batch} holds {name}, but inflight does not say so"));
                        }
                        let spilled = self.key(&format!("waiters:{batch}:{index}"));
                        self.record(&name, &item.record, &spilled).await?;
                        held.insert((name, batch));
                    }
                    Err(error) => self.wrong(error),
                }
            }
            if fields.get("open").map(String::as_str) != Some(open.to_string().as_str()) {
                self.wrong(format!(
                    "batch {batch} says open={:?} and holds {open} items",
                    fields.get("open")
                ));
            }
        }
        for (name, holders) in &inflight {
            for batch in holders.split(',') {
                if !held.contains(&(name.clone(), batch)) {
                    self.wrong(format!("inflight says that batch {batch} holds {name}, but it does not"));
                }
            }
        }
        Ok(())
    }

    /// Outcomes of hot items that have not reached all their jobs yet.
    async fn settling(&mut self) -> Result<(), QueueError> {
        for entry in self.queue.manager().lrange(self.key("settling"), 0, -1).await? {
            match entry.rsplitn(3, ' ').nth(2) {
                Some(list) => self.list(list).await?,
                None => self.wrong(format!("settling holds {entry:?}")),
            }
        }
        Ok(())
    }

    async fn parts(&mut self) -> Result<(), QueueError> {
        let mut waiting = std::mem::take(&mut self.waiting);
        let mut announced: i128 = 0;
        for (id, fields) in std::mem::take(&mut self.parts) {
            let Ok(job) = id.parse::<JobId>() else {
                self.wrong(format!("job:{id} is no job's part"));
                continue;
            };
            let number =
                |name: &str| fields.get(name).and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
            let counts = PartCounts {
                items: number("items"),
                succeeded: number("succeeded"),
                failed: number("failed"),
                cancelled: number("cancelled"),
            };
            let waits = waiting.remove(&job).unwrap_or_default();
            let enqueued = number("enqueued");
            if counts.settled() + waits != enqueued {
                self.wrong(format!(
                    "job {job}: {enqueued} items were enqueued, but {} have settled and {waits} wait",
                    counts.settled()
                ));
            }
            if enqueued > counts.items {
                self.wrong(format!(
                    "job {job}: {enqueued} items were enqueued, more than its {}",
                    counts.items
                ));
            }
            announced += i128::from(counts.items) - i128::from(enqueued);
            let state = fields.get("state").map(String::as_str).unwrap_or_default();
            if state != counts.state().as_str() {
                self.wrong(format!("job {job} is {state:?} here, but its counters mean {}", counts.state()));
            }
        }
        let said = self.counter("announced").await?;
        if said != announced {
            self.wrong(format!("stats says that {said} items are announced, but {announced} are"));
        }
        for (job, count) in waiting {
            self.wrong(format!("{count} items wait for job {job}, which has no part here"));
        }
        Ok(())
    }
}

/// A score that is a time in ms, exact in a double.
fn as_text(score: f64) -> String {
    format!("{score:.0}")
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.target, self.what)
    }
}
