use crate::{LetterName, text::HoldText};
use purgeline_core::{JobId, TargetName};
use purgeline_queue::{Hold, QueueError};
use thiserror::Error;

/// Why a question has no answer, or a change was not made.
#[derive(Debug, Error)]
pub enum OpsError {
    /// The queue refused, or Redis cannot be asked.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// No target of that name is configured.
    #[error(transparent)]
    UnknownTarget(#[from] UnknownTarget),
    /// No configured target serves the item's host.
    #[error("no target serves {item}: expected an item of a host that a target has, or a target's name")]
    NotServed {
        /// The item's text.
        item: String,
    },
    /// No job of that id is kept.
    #[error("there is no job {0}; ended jobs are kept for a time (retention)")]
    UnknownJob(JobId),
    /// No dead letter of that name is kept.
    #[error("there is no dead letter {0}; they are kept for a time (retention)")]
    UnknownLetter(LetterName),
    /// A change of dead letters says nothing of which are meant.
    #[error("which dead letters? Expected their names, a filter with at least one condition, or all of them")]
    WhichLetters,
    /// The target is paused for longer than it was asked for.
    #[error(
        "{target} is paused for longer already: {}; to pause it otherwise, resume it first",
        HoldText(hold)
    )]
    PausedForLonger {
        /// The target.
        target: TargetName,
        /// The pause that stands.
        hold: Hold,
    },
    /// The target was resumed while it was paused.
    #[error("{0} was resumed at the same moment: pause it again")]
    ResumedMeanwhile(TargetName),
}

/// A target that is not configured.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there is no target \"{name}\"; configured: {}", listed(configured))]
pub struct UnknownTarget {
    /// The name that was given.
    pub name: TargetName,
    /// The names that there are.
    pub configured: Vec<TargetName>,
}

fn listed(names: &[TargetName]) -> String {
    match names {
        [] => "none".to_owned(),
        names => names.iter().map(TargetName::as_str).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_target_error_names_the_configured_ones() {
        let error = |configured: &[&str]| {
            let configured = configured.iter().map(|name| name.parse().unwrap()).collect();
            UnknownTarget { name: "wwww".parse().unwrap(), configured }.to_string()
        };
        assert_eq!(error(&["static", "www"]), "there is no target \"wwww\"; configured: static, www");
        assert_eq!(error(&[]), "there is no target \"wwww\"; configured: none");
    }
}
