//! What a fault run leaves behind to be judged: the producers' journals, the simulators' logs, the
//! final states. Written to the run's directory, and read from there.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead, BufReader, BufWriter, Write},
    path::Path,
};

use anyhow::{Context, Result};
use purgeline_core::{JobId, JobState, PartCounts};
use purgeline_sim::{CallKind, CallRecord, TaskRecord};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::journal::{self, Accepted, Line};
use crate::window::Limit;

/// All of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Evidence {
    /// The jobs that producers say were accepted.
    pub(super) accepted: Vec<Accepted>,
    /// The providers' side, by target.
    pub(super) accounts: BTreeMap<String, AccountLog>,
    pub(super) finals: Finals,
}

/// What one simulator says.
#[derive(Clone, Debug, Default)]
pub(super) struct AccountLog {
    pub(super) limits: Vec<(CallKind, Limit)>,
    pub(super) calls: Vec<CallRecord>,
    /// How the purges ended that it took.
    pub(super) tasks: Vec<TaskRecord>,
}

/// The states when nothing moves any more.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Finals {
    /// The limits of each target's account.
    pub(super) limits: BTreeMap<String, Vec<(CallKind, Limit)>>,
    /// The accepted jobs that there are.
    pub(super) jobs: BTreeMap<JobId, FinalJob>,
    /// Items that failed for good, by target.
    pub(super) dead: BTreeMap<String, Vec<FinalLetter>>,
    /// What `verify` has found.
    pub(super) verify: Vec<String>,
    /// Processes that ended by themselves, work that stands still.
    pub(super) troubles: Vec<String>,
}

/// A job as `purgeline job show` has it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct FinalJob {
    pub(super) state: JobState,
    pub(super) submitted_ms: i64,
    pub(super) ended_ms: Option<i64>,
    pub(super) items: u64,
    pub(super) parts: BTreeMap<String, PartCounts>,
}

/// A dead letter.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct FinalLetter {
    pub(super) item: String,
    /// The cause's code.
    pub(super) code: String,
    pub(super) jobs: Vec<JobId>,
    pub(super) more_jobs: bool,
}

const FINALS: &str = "finals.json";

impl Evidence {
    /// Writes what the simulators and purgeline say. The journals are there.
    pub(super) fn write(dir: &Path, accounts: &BTreeMap<String, AccountLog>, finals: &Finals) -> Result<()> {
        for (target, log) in accounts {
            write_lines(&dir.join(format!("calls-{target}.jsonl")), &log.calls)?;
            write_lines(&dir.join(format!("tasks-{target}.jsonl")), &log.tasks)?;
        }
        let path = dir.join(FINALS);
        let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        serde_json::to_writer(BufWriter::new(file), finals)?;
        Ok(())
    }

    /// Reads all that is there.
    pub(super) fn read(dir: &Path) -> Result<Self> {
        let path = dir.join(FINALS);
        let file = File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let finals: Finals = serde_json::from_reader(BufReader::new(file))?;
        let mut accounts = BTreeMap::new();
        for (target, limits) in &finals.limits {
            let log = AccountLog {
                limits: limits.clone(),
                calls: read_lines(&dir.join(format!("calls-{target}.jsonl")))?,
                tasks: read_lines(&dir.join(format!("tasks-{target}.jsonl")))?,
            };
            accounts.insert(target.clone(), log);
        }
        let mut accepted = Vec::new();
        for entry in std::fs::read_dir(dir)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with("producer-") && name.ends_with(".jsonl") {
                accepted.extend(journal::read(&path)?.into_iter().filter_map(|line| match line {
                    Line::Accepted(job) => Some(job),
                    Line::Trying { .. } => None,
                }));
            }
        }
        Ok(Self { accepted, accounts, finals })
    }
}

fn write_lines<T: Serialize>(path: &Path, records: &[T]) -> Result<()> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut file = BufWriter::new(file);
    for record in records {
        serde_json::to_writer(&mut file, record)?;
        file.write_all(b"\n")?;
    }
    file.flush()?;
    Ok(())
}

fn read_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let lines = BufReader::new(file).lines();
    lines.map(|line| Ok(serde_json::from_str(&line?)?)).collect()
}
