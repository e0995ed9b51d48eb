//! A producer's journal: what it tried to submit and what was accepted, written before it goes on.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::Write,
    path::Path,
};

use anyhow::{Context, Result};
use purgeline_core::JobId;
use serde::{Deserialize, Serialize};

/// One line of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(super) enum Line {
    /// A job is about to be submitted for the first time.
    Trying { number: u64, at_ms: i64 },
    /// A job was accepted.
    Accepted(Accepted),
}

/// A job that was accepted, and what must come of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Accepted {
    pub(super) number: u64,
    pub(super) job: JobId,
    /// When it was first tried, and when it was accepted, wall clock, ms. It was enqueued between.
    pub(super) tried_ms: i64,
    pub(super) accepted_ms: i64,
    /// The targets that must purge each of the items.
    pub(super) targets: Vec<String>,
    /// How long after the submission no call counts for it yet, ms.
    pub(super) embargo_ms: u64,
    /// The names of the items.
    pub(super) items: Vec<String>,
}

/// A producer's journal, open to be written.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    tried: BTreeMap<u64, i64>,
    accepted: u64,
}

impl Journal {
    /// Opens it, or goes on with what a producer that was killed has left.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let lines = if path.exists() { read(path)? } else { Vec::new() };
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        // A line that was cut short ends here.
        file.write_all(b"\n")?;
        let (mut tried, mut accepted) = (BTreeMap::new(), 0);
        for line in lines {
            match line {
                Line::Trying { number, at_ms } => {
                    tried.entry(number).or_insert(at_ms);
                }
                Line::Accepted(job) => accepted = accepted.max(job.number + 1),
            }
        }
        Ok(Self { file, tried, accepted })
    }

    /// The number of the job that comes next: the first that was not accepted.
    pub(super) const fn next(&self) -> u64 {
        self.accepted
    }

    /// When the next job was first tried, if it was.
    pub(super) fn tried(&self) -> Option<i64> {
        self.tried.get(&self.accepted).copied()
    }

    /// Takes down that the next job is about to be submitted. Gives when it was first.
    pub(super) fn trying(&mut self, now_ms: i64) -> Result<i64> {
        if let Some(at_ms) = self.tried() {
            return Ok(at_ms);
        }
        let number = self.accepted;
        self.write(&Line::Trying { number, at_ms: now_ms })?;
        self.tried.insert(number, now_ms);
        Ok(now_ms)
    }

    /// Takes down that the next job was accepted.
    pub(super) fn accepted(&mut self, job: Accepted) -> Result<()> {
        self.write(&Line::Accepted(job))?;
        self.accepted += 1;
        Ok(())
    }

    fn write(&mut self, line: &Line) -> Result<()> {
        let mut text = serde_json::to_string(line)?;
        text.push('\n');
        self.file.write_all(text.as_bytes()).context("the journal cannot be written")
    }
}

/// What is whole in a journal.
pub(super) fn read(path: &Path) -> Result<Vec<Line>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_producer_goes_on_where_it_was_killed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let mut journal = Journal::open(&path).unwrap();
        assert_eq!(journal.trying(10).unwrap(), 10);
        let job = Accepted {
            number: 0,
            job: JobId::generate(),
            tried_ms: 10,
            accepted_ms: 12,
            targets: vec!["cdn".to_owned()],
            embargo_ms: 0,
            items: vec!["url:https://h/a".to_owned()],
        };
        journal.accepted(job.clone()).unwrap();
        journal.trying(20).unwrap();
        journal.file.write_all(b"{\"what\":\"acc").unwrap();

        let mut journal = Journal::open(&path).unwrap();
        assert_eq!((journal.next(), journal.trying(99).unwrap()), (1, 20));
        let lines = read(&path).unwrap();
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert_eq!(lines[1], Line::Accepted(job));
    }
}
