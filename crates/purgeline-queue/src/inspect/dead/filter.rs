use crate::DeadLetter;
use purgeline_core::{Item, JobId};

/// Which dead letters are meant: those that all of these are true of. The default: every one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadFilter {
    /// The code of their cause.
    pub cause: Option<String>,
    /// The host of their item, without or with its port.
    pub host: Option<String>,
    /// A job that waited for them, among those that they name.
    pub job: Option<JobId>,
    /// They failed then or later, in milliseconds since 1970.
    pub from_ms: Option<i64>,
    /// They failed before that, in milliseconds since 1970.
    pub before_ms: Option<i64>,
}

impl DeadFilter {
    pub(super) fn takes(&self, letter: &DeadLetter) -> bool {
        let host = |host: &String| {
            let item = Item::from_name(&letter.item).map(|(item, _)| item);
            item.is_some_and(|item| {
                [item.host(), item.authority()].contains(&Some(host.to_ascii_lowercase().as_str()))
            })
        };
        self.cause.as_ref().is_none_or(|code| *code == letter.cause.code)
            && self.job.is_none_or(|job| letter.jobs.contains(&job))
            && self.from_ms.is_none_or(|from| letter.failed_at_ms >= from)
            && self.before_ms.is_none_or(|before| letter.failed_at_ms < before)
            && self.host.as_ref().is_none_or(host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use purgeline_core::{Cause, Class};

    #[test]
    fn all_that_is_asked_must_be_true() {
        let job = JobId::from_idempotency_key("j1");
        let letter = DeadLetter {
            id: "b1-1".into(),
            item: "url+delete:https://www.example.com:8443/a".into(),
            lane: "normal/url+delete".into(),
            cause: Cause::new(Class::ItemDead, "400034", "words"),
            attempts: 1,
            batch: "b1".into(),
            jobs: vec![job],
            more_jobs: false,
            since_ms: 5,
            failed_at_ms: 10,
        };
        let takes = |filter: DeadFilter| filter.takes(&letter);
        let any = DeadFilter::default;
        assert!(takes(any()));
        assert!(takes(DeadFilter { cause: Some("400034".into()), job: Some(job), ..any() }));
        assert!(!takes(DeadFilter { cause: Some("400".into()), job: Some(job), ..any() }));
        assert!(!takes(DeadFilter { job: Some(JobId::from_idempotency_key("j2")), ..any() }));
        for (host, taken) in
            [("www.example.com", true), ("WWW.example.com:8443", true), ("example.com", false)]
        {
            assert_eq!(takes(DeadFilter { host: Some(host.into()), ..any() }), taken, "{host}");
        }
        assert!(takes(DeadFilter { from_ms: Some(10), before_ms: Some(11), ..any() }));
        assert!(!takes(DeadFilter { from_ms: Some(11), ..any() }));
        assert!(!takes(DeadFilter { before_ms: Some(10), ..any() }));
    }
}
