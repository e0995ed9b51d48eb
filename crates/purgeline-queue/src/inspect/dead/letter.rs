use purgeline_core::{Cause, JobId};
use serde::Serialize;

/// An item that failed for good, with everything it takes to judge it and to try it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    /// Its id at its target: batch and index, like `b17-3`.
    pub id: String,
    /// The item's name: `url:https://www.example.com/a`.
    pub item: String,
    /// The lane that it stood in, and will again if it is retried; empty if the names of the items
    /// that it stands for are lost, and it cannot be.
    pub lane: String,
    /// Why it failed, in the provider's code and words.
    pub cause: Cause,
    /// Sends, the last included.
    pub attempts: u32,
    /// The batch it was last sent in.
    pub batch: String,
    /// Jobs that waited for it; not all of them if `more_jobs`.
    pub jobs: Vec<JobId>,
    /// Whether more jobs waited than are named: of a hot item's, 500 are and some. A retry does
    /// not reach the others.
    pub more_jobs: bool,
    /// When it was first asked for, in milliseconds since 1970.
    pub since_ms: i64,
    /// When it failed, in milliseconds since 1970.
    pub failed_at_ms: i64,
}
