//! What Redis holds of a target, read by a walk of its own.

use purgeline_core::{JobId, Priority, Target};
use purgeline_queue::Queue;
use redis::AsyncTypedCommands;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How many items of each job wait.
pub(crate) type Waiting = BTreeMap<JobId, u64>;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) priority: Priority,
    /// With those that never came to an end: `2/1`.
    pub(crate) attempts: String,
    pub(crate) due: Option<i64>,
    pub(crate) latest: Option<i64>,
    pub(crate) under_way: bool,
    /// It waits for a dir: the coverage.
    pub(crate) covered: Option<String>,
    /// A dir that was found not to be allowed to go.
    pub(crate) stopped: bool,
    /// It is also put again after a purge, and stays if no job waits for it.
    pub(crate) rebound: bool,
    pub(crate) waiting: Waiting,
}

#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) state: String,
    pub(crate) split_of: Option<String>,
    pub(crate) items: BTreeMap<u32, (String, Record)>,
    /// Of each of its items: the coverage that goes along.
    pub(crate) covers: Vec<Option<String>>,
}

#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) state: String,
    pub(crate) items: u64,
    pub(crate) enqueued: u64,
    pub(crate) succeeded: u64,
    pub(crate) failed: u64,
    pub(crate) cancelled: u64,
    pub(crate) cancelling: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) pending: BTreeMap<String, Record>,
    /// By time and name.
    pub(crate) embargoed: BTreeMap<(i64, String), Record>,
    pub(crate) batches: BTreeMap<String, Batch>,
    pub(crate) parts: BTreeMap<JobId, Part>,
    /// Settled, but not counted yet: done, failed and expired.
    pub(crate) settling: BTreeMap<JobId, (u64, u64, u64)>,
    pub(crate) lanes: BTreeSet<String>,
    /// Ids of dead letters, and of lists of jobs that belong to one.
    pub(crate) letters: BTreeSet<String>,
    pub(crate) letter_lists: BTreeSet<String>,
    /// Lists of waiting jobs that nothing refers to.
    pub(crate) orphans: Vec<String>,
    /// Coverages whose dir waits in its lane: that dir.
    pub(crate) open_covers: BTreeMap<String, String>,
    /// Coverages whose dir is in a batch: that dir.
    pub(crate) sent_covers: BTreeMap<String, String>,
    /// Coverages that end with another one: that one.
    pub(crate) cover_parts: BTreeMap<String, String>,
    /// Kinds of keys that are there: `pending`, `lane`, `batch` …
    pub(crate) kinds: BTreeSet<String>,
}

/// All keys of a target, without its prefix.
struct Keyspace {
    hashes: HashMap<String, BTreeMap<String, String>>,
    lists: HashMap<String, Vec<String>>,
    base: String,
}

impl Keyspace {
    async fn read(queue: &Queue, target: &Target) -> Self {
        let base = format!("{}:", queue.keys().target(target));
        let mut redis = queue.manager();
        let keys = redis.keys(format!("{base}*")).await.unwrap();
        let names: Vec<_> = keys.iter().map(|key| key.strip_prefix(&base).unwrap().to_owned()).collect();
        let (mut lists, mut hashes) = (Vec::new(), Vec::new());
        let (mut list_pipe, mut hash_pipe) = (redis::pipe(), redis::pipe());
        for (key, name) in keys.iter().zip(names) {
            match name.split(':').next().unwrap() {
                "pending" | "embargoed" | "batch" | "job" | "coverages" => {
                    hash_pipe.hgetall(key);
                    hashes.push(name);
                }
                "waiters" | "settling" | "lane" | "covered" => {
                    list_pipe.lrange(key, 0, -1);
                    lists.push(name);
                }
                _ => lists.push(name),
            }
        }
        let read: Vec<Vec<String>> = ask(&list_pipe, &mut redis).await;
        let is_read = |name: &String| {
            ["waiters", "settling", "lane", "covered"].contains(&name.split(':').next().unwrap())
        };
        let (read_names, others): (Vec<_>, Vec<_>) = lists.into_iter().partition(is_read);
        let mut lists: HashMap<_, _> = read_names.into_iter().zip(read).collect();
        lists.extend(others.into_iter().map(|name| (name, Vec::new())));
        let read: Vec<BTreeMap<String, String>> = ask(&hash_pipe, &mut redis).await;
        Self { hashes: hashes.into_iter().zip(read).collect(), lists, base }
    }

    fn list(&mut self, key: &str, waiting: &mut Waiting) -> Result<(), String> {
        let name = key.strip_prefix(&self.base).ok_or(format!("{key} is a foreign list"))?;
        let entries = self.lists.remove(name).ok_or(format!("{key} is not there, or is named twice"))?;
        for entry in entries {
            match entry.strip_prefix('@') {
                Some(nested) => self.list(nested, waiting)?,
                None => add(&entry, waiting)?,
            }
        }
        Ok(())
    }

    fn record(&mut self, text: &str, spilled: &str) -> Result<Record, String> {
        let words: HashMap<_, _> = text.split(' ').take(7).filter_map(|word| word.split_once('=')).collect();
        let word = |name: &str| words.get(name).copied().ok_or(format!("no {name} in {text}"));
        let mut waiting = Waiting::new();
        for entry in word("jobs")?.split(',').filter(|entry| !entry.is_empty()) {
            add(entry, &mut waiting)?;
        }
        let (due, latest) = word("due")?.split_once('/').unwrap_or((word("due")?, ""));
        let time = |text: &str| text.parse::<i64>().map_err(|error| format!("{error} in {text}"));
        let (due, latest) = (time(due)?, if latest.is_empty() { None } else { Some(time(latest)?) });
        let record = Record {
            priority: word("lane")?.split('/').next().unwrap().parse()?,
            attempts: word("attempts")?.to_owned(),
            due: Some(due).filter(|due| *due > 0),
            latest,
            under_way: word("cause")? == "under-way",
            covered: word("cause")?.strip_prefix("covered/").map(str::to_owned),
            stopped: ["held", "daily-quota"].contains(&word("cause")?.trim_start_matches("rebound/")),
            rebound: word("cause")?.starts_with("rebound"),
            waiting,
        };
        let mut waiting = record.waiting.clone();
        if word("spill")? == "1" {
            self.list(&format!("{}waiters:{spilled}", self.base), &mut waiting)?;
        }
        Ok(Record { waiting, ..record })
    }
}

async fn ask<T: redis::FromRedisValue + Default>(
    pipe: &redis::Pipeline,
    redis: &mut purgeline_queue::Connection,
) -> T {
    if pipe.is_empty() { T::default() } else { pipe.query_async(redis).await.unwrap() }
}

fn add(entry: &str, waiting: &mut Waiting) -> Result<(), String> {
    let job = entry.split('!').next().unwrap_or(entry);
    let job = job.parse::<JobId>().map_err(|error| error.to_string())?;
    *waiting.entry(job).or_default() += 1;
    Ok(())
}

impl Snapshot {
    pub(crate) async fn take(queue: &Queue, target: &Target) -> Result<Self, String> {
        let mut keys = Keyspace::read(queue, target).await;
        let mut snapshot = Self::default();
        let all = keys.hashes.keys().chain(keys.lists.keys());
        snapshot.kinds = all.map(|name| name.split(':').next().unwrap().to_owned()).collect();
        let hashes = std::mem::take(&mut keys.hashes);
        for (name, fields) in &hashes {
            match name.split_once(':') {
                None if name == "embargoed" => {
                    for (item, text) in fields {
                        let (time, of) = item.split_once(' ').ok_or(format!("{item} is embargoed"))?;
                        let time = time.parse().map_err(|error| format!("{error}: {item}"))?;
                        snapshot.embargoed.insert((time, of.to_owned()), keys.record(text, item)?);
                    }
                }
                None if name == "coverages" => snapshot.open_covers.clone_from(fields),
                None => {
                    for (item, text) in fields {
                        let record = keys.record(text, item)?;
                        snapshot.pending.insert(item.clone(), record);
                    }
                }
                Some(("batch", id)) => {
                    let batch = read_batch(&mut keys, id, fields)?;
                    let dirs = batch.items.values().zip(&batch.covers);
                    snapshot
                        .sent_covers
                        .extend(dirs.filter_map(|((name, _), id)| Some((id.clone()?, name.clone()))));
                    snapshot.batches.insert(id.to_owned(), batch);
                }
                Some((_, id)) => {
                    let number = |field: &str| fields[field].parse().unwrap();
                    let part = Part {
                        state: fields["state"].clone(),
                        items: number("items"),
                        enqueued: number("enqueued"),
                        succeeded: number("succeeded"),
                        failed: number("failed"),
                        cancelled: number("cancelled"),
                        cancelling: fields.contains_key("cancelling"),
                    };
                    snapshot.parts.insert(id.parse().map_err(|error| format!("{error}"))?, part);
                }
            }
        }
        for entry in keys.lists.remove("settling").unwrap_or_default() {
            let mut words = entry.rsplitn(3, ' ');
            let (_dead, outcome, list) = (words.next(), words.next(), words.next().unwrap_or_default());
            // What it names still waits.
            if outcome == Some("covered") {
                continue;
            }
            let mut waiting = Waiting::new();
            // A list whose last entries have been counted is gone.
            if keys.lists.contains_key(list.strip_prefix(&keys.base).unwrap_or_default()) {
                keys.list(list, &mut waiting)?;
            }
            for (job, count) in waiting {
                let counts = snapshot.settling.entry(job).or_default();
                match outcome {
                    Some("done") => counts.0 += count,
                    Some("failed") => counts.1 += count,
                    Some("expired") => counts.2 += count,
                    other => return Err(format!("settling says {other:?}")),
                }
            }
        }
        for (name, entries) in &keys.lists {
            if let Some(id) = name.strip_prefix("covered:") {
                let parts = entries.iter().filter_map(|name| name.strip_prefix('@'));
                snapshot.cover_parts.extend(parts.map(|part| (part.to_owned(), id.to_owned())));
            }
            if let Some(lane) = name.strip_prefix("lane:") {
                snapshot.lanes.insert(lane.to_owned());
            } else if let Some(id) = name.strip_prefix("dead:") {
                snapshot.letters.insert(id.to_owned());
            } else if let Some(id) = name.strip_prefix("dead-jobs:") {
                snapshot.letter_lists.insert(id.to_owned());
            } else if name.starts_with("waiters:") {
                snapshot.orphans.push(name.clone());
            }
        }
        Ok(snapshot)
    }

    /// How many of a job's items were cancelled or have expired.
    pub(crate) fn cancelled(&self, job: JobId) -> u64 {
        let counted = self.parts.get(&job).map_or(0, |part| part.cancelled);
        counted + self.settling.get(&job).map_or(0, |(_, _, expired)| *expired)
    }
}

fn read_batch(keys: &mut Keyspace, id: &str, fields: &BTreeMap<String, String>) -> Result<Batch, String> {
    let (mut items, mut covers) = (BTreeMap::new(), BTreeMap::new());
    for (index, value) in fields {
        if let Ok(index) = index.parse::<u32>() {
            let (record, name) = value.split_once(" item=").ok_or(format!("{value} is no item"))?;
            covers.insert(index, record.rsplit_once(" covers=").map(|(_, id)| id.to_owned()));
            items.insert(index, (name.to_owned(), keys.record(record, &format!("{id}:{index}"))?));
        }
    }
    Ok(Batch {
        state: fields["state"].clone(),
        split_of: fields.get("split_of").cloned(),
        items,
        covers: covers.into_values().collect(),
    })
}
