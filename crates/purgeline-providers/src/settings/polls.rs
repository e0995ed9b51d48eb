use purgeline_core::PollSchedule;
use serde::Deserialize;
use std::num::NonZeroU64;

/// When to ask how a batch fares, where a target wants other times than its provider declares.
/// All in milliseconds.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PollSettings {
    /// From acceptance to the first question.
    pub first_ms: Option<NonZeroU64>,
    /// From the first question to the second; each further wait is longer by half.
    pub then_ms: Option<NonZeroU64>,
    /// The longest wait between two questions.
    pub max_ms: Option<NonZeroU64>,
    /// From acceptance to sending again.
    pub deadline_ms: Option<NonZeroU64>,
}

impl PollSettings {
    /// The declared schedule with these times instead of its own.
    pub(crate) fn over(self, declared: PollSchedule) -> PollSchedule {
        let or = |wished: Option<NonZeroU64>, declared| wished.map_or(declared, NonZeroU64::get);
        PollSchedule {
            first_ms: or(self.first_ms, declared.first_ms),
            then_ms: or(self.then_ms, declared.then_ms),
            max_ms: or(self.max_ms, declared.max_ms),
            deadline_ms: or(self.deadline_ms, declared.deadline_ms),
            ..declared
        }
    }
}
