use crate::{Age, LetterName, Ops, OpsError};
use purgeline_core::{JobId, TargetName};
use purgeline_queue::DeadFilter;

/// Which dead letters are meant: those that all of these are true of. The default: every one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadLetterFilter {
    /// Only those of this target.
    pub target: Option<TargetName>,
    /// Only those with this code as their cause.
    pub cause: Option<String>,
    /// Only those of items of this host.
    pub host: Option<String>,
    /// Only those that this job waited for.
    pub job: Option<JobId>,
    /// Only those that failed at least this long ago.
    pub older_than: Option<Age>,
    /// Only those that failed at most this long ago.
    pub newer_than: Option<Age>,
}

/// Which dead letters a change is for. It must be said: no names, or a filter without conditions,
/// is an error, so that a parameter that was forgotten does not change everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Letters {
    /// These.
    Named(Vec<LetterName>),
    /// Those that match a filter with at least one condition.
    Matching(DeadLetterFilter),
    /// Every one that is kept.
    All,
}

impl DeadLetterFilter {
    /// Whether it has no condition, and so takes every dead letter.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What it means at each target.
    ///
    /// # Errors
    /// When Redis cannot be asked for the time.
    pub(super) async fn read(&self, ops: &Ops) -> Result<DeadFilter, OpsError> {
        let now = ops.now_ms().await?;
        Ok(DeadFilter {
            cause: self.cause.clone(),
            host: self.host.clone(),
            job: self.job,
            from_ms: self.newer_than.map(|age| age.before(now)),
            before_ms: self.older_than.map(|age| age.before(now).saturating_add(1)),
        })
    }
}

impl Letters {
    /// Whether it says which are meant.
    pub(super) fn is_said(&self) -> bool {
        match self {
            Self::Named(names) => !names.is_empty(),
            Self::Matching(filter) => !filter.is_empty(),
            Self::All => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn change_must_say_which_letters_it_means() {
        let matching = |filter| Letters::Matching(filter);
        assert!(!Letters::Named(Vec::new()).is_said());
        assert!(!matching(DeadLetterFilter::default()).is_said());
        assert!(Letters::All.is_said());
        assert!(Letters::Named(vec!["www/b1-0".parse().unwrap()]).is_said());
        let day: Age = "1d".parse().unwrap();
        for filter in [
            DeadLetterFilter { target: Some("www".parse().unwrap()), ..DeadLetterFilter::default() },
            DeadLetterFilter { cause: Some("http-400".into()), ..DeadLetterFilter::default() },
            DeadLetterFilter { host: Some("www.example.com".into()), ..DeadLetterFilter::default() },
            DeadLetterFilter { job: Some(JobId::generate()), ..DeadLetterFilter::default() },
            DeadLetterFilter { older_than: Some(day), ..DeadLetterFilter::default() },
            DeadLetterFilter { newer_than: Some(day), ..DeadLetterFilter::default() },
        ] {
            assert!(matching(filter).is_said());
        }
    }
}
