use serde::Deserialize;

/// How long ended things are kept, in seconds, and how many.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionConfig {
    /// Succeeded and cancelled jobs.
    pub succeeded_s: u64,
    /// Failed and partial jobs, and dead letters.
    pub failed_s: u64,
    /// Dead letters of one target; the oldest go first.
    pub max_dead_letters: u64,
    /// Jobs of all targets: older ones go as soon as they have ended.
    pub max_jobs: u64,
    /// Entries of the events stream.
    pub max_events: u64,
    /// The last outcome of each item at a target, which `purgeline url` shows.
    pub history_s: u64,
    /// Items of one target whose last outcome is kept; the oldest go first. 0: no history.
    pub max_history: u64,
}
