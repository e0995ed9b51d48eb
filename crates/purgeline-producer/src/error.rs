use purgeline_core::TargetName;
use purgeline_queue::QueueError;
use serde::Serialize;
use std::fmt;
use thiserror::Error;

/// An item that was refused, and the rule that it breaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// What sort of item was meant: `url`, `dir` or `resource`.
    pub kind: &'static str,
    /// The item as it was given, cut to 200 characters.
    pub item: String,
    /// What is wrong with it and what to do.
    pub problem: String,
}

/// Why a job was not accepted. Nothing was enqueued.
#[derive(Debug, Error)]
pub enum SubmitError {
    /// No items at all.
    #[error("the job is empty: give at least one url, dir or resource")]
    Empty,
    /// Some items are not fit to be purged.
    #[error("{} refused, nothing was enqueued:{}", count(refused), list(refused))]
    Refused {
        /// Which, and why.
        refused: Vec<Refusal>,
    },
    /// A target that is not configured.
    #[error("there is no target \"{name}\"{}", known(.configured))]
    UnknownTarget {
        /// The name that was given.
        name: TargetName,
        /// Those that are configured.
        configured: Vec<TargetName>,
    },
    /// A text of the request is too long.
    #[error("{what} is {bytes} bytes long: {most} is the most")]
    TooLong {
        /// Which.
        what: &'static str,
        /// Its length.
        bytes: usize,
        /// The bound.
        most: usize,
    },
    /// A time, or a length of time, that cannot be kept.
    #[error("{option}: {problem}")]
    Timing {
        /// The option's name.
        option: &'static str,
        /// What is wrong with it and what to do.
        problem: String,
    },
    /// More items than a job may have.
    #[error("the job has {items} items: {most} is the most, split it")]
    TooMany {
        /// Its items.
        items: usize,
        /// The bound.
        most: usize,
    },
    /// The queue refused it or could not be asked.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// The refusals that an error message names; the rest are counted.
const LISTED: usize = 20;

fn count(refused: &[Refusal]) -> String {
    match refused.len() {
        1 => "1 item was".to_owned(),
        many => format!("{many} items were"),
    }
}

fn list(refused: &[Refusal]) -> String {
    let mut text = String::new();
    for refusal in refused.iter().take(LISTED) {
        text.push_str(&format!("\n  {refusal}"));
    }
    if refused.len() > LISTED {
        text.push_str(&format!("\n  … and {} more", refused.len() - LISTED));
    }
    text
}

fn known(configured: &[TargetName]) -> String {
    if configured.is_empty() {
        return ": none is configured".to_owned();
    }
    let names: Vec<_> = configured.iter().map(TargetName::as_str).collect();
    format!(": configured are {}", names.join(", "))
}

impl Refusal {
    pub(crate) fn new(kind: &'static str, item: &str, problem: impl Into<String>) -> Self {
        let cut = item.char_indices().nth(200).map(|(at, _)| at);
        let item = cut.map_or_else(|| item.to_owned(), |at| format!("{}…", &item[..at]));
        Self { kind, item, problem: problem.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.kind, self.item, self.problem)
    }
}
