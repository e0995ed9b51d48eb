use purgeline_core::config::RetentionConfig;

/// How long ended things are kept, as the scripts take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Succeeded and cancelled jobs, in milliseconds.
    pub succeeded_ms: u64,
    /// Other jobs, and dead letters, in milliseconds.
    pub failed_ms: u64,
    /// Dead letters of one target.
    pub max_dead_letters: u64,
    /// Jobs of all targets: older ones go as soon as they have ended.
    pub max_jobs: u64,
    /// Entries of the events stream.
    pub max_events: u64,
    /// The last outcome of each item, in milliseconds; an eighth longer at most.
    pub history_ms: u64,
    /// Items of one target whose last outcome is kept; the oldest go first, an eighth at a time.
    /// 0: no history.
    pub max_history: u64,
}

impl From<&RetentionConfig> for Retention {
    fn from(config: &RetentionConfig) -> Self {
        Self {
            succeeded_ms: config.succeeded_s.saturating_mul(1000),
            failed_ms: config.failed_s.saturating_mul(1000),
            max_dead_letters: config.max_dead_letters,
            max_jobs: config.max_jobs,
            max_events: config.max_events,
            history_ms: config.history_s.saturating_mul(1000),
            max_history: config.max_history,
        }
    }
}
