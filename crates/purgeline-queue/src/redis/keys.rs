use purgeline_core::{JobId, QuotaDay, Rate, Target};
use std::fmt::Display;

/// The names of all keys. Nothing else spells them.
///
/// A target's keys carry its account as hash tag, so that they, and the limits that targets of
/// one account share, lie in one slot of a Redis Cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    prefix: String,
}

/// The keys of a target of which there are many, by what they are and what is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NamedKey<'k> {
    /// A batch, by its id.
    Batch(&'k str),
    /// A job's part, by the job's id.
    Part(&'k str),
    /// A list of waiting jobs, by its name.
    Waiters(&'k str),
    /// The items that a dir covers, by the coverage's id.
    Covered(&'k str),
    /// The dirs of a lane that cover something, by the lane.
    Covering(&'k str),
}

impl Default for Keys {
    fn default() -> Self {
        Self { prefix: "purgeline:v1".to_owned() }
    }
}

impl Keys {
    /// `purgeline:v1:{account}:target`: the base of all keys of a target.
    #[must_use]
    pub fn target(&self, target: &Target) -> String {
        format!("{}:{{{}}}:{}", self.prefix, target.account, target.name)
    }

    /// `purgeline:v1:{account}`: the base of the limits that an account's targets share.
    #[must_use]
    pub fn account(&self, target: &Target) -> String {
        format!("{}:{{{}}}", self.prefix, target.account)
    }

    /// `<target>:pending`, a hash: what waits, by item name.
    #[must_use]
    pub fn pending(&self, target: &Target) -> String {
        self.at(target, "pending")
    }

    /// `<target>:delayed`, a sorted set: items that wait for a due time.
    #[must_use]
    pub fn delayed(&self, target: &Target) -> String {
        self.at(target, "delayed")
    }

    /// `<target>:embargoed`, a hash: what waits for the end of an embargo, by `MS ITEM`.
    #[must_use]
    pub fn embargoed(&self, target: &Target) -> String {
        self.at(target, "embargoed")
    }

    /// `<target>:embargoes`, a sorted set: when each embargo ends.
    #[must_use]
    pub fn embargoes(&self, target: &Target) -> String {
        self.at(target, "embargoes")
    }

    /// `<target>:lanes`, a sorted set: the lanes that have hints, the first to go first.
    #[must_use]
    pub fn lanes(&self, target: &Target) -> String {
        self.at(target, "lanes")
    }

    /// `<target>:lane:<lane>`, a list: hints of a lane, by item name.
    #[must_use]
    pub fn lane(&self, target: &Target, lane: impl Display) -> String {
        self.at(target, format_args!("lane:{lane}"))
    }

    /// `<target>:waiters:<list>`, a list: further jobs that wait for a hot item, or for an item of a batch.
    #[must_use]
    pub fn waiters(&self, target: &Target, list: impl Display) -> String {
        self.at(target, format_args!("waiters:{list}"))
    }

    /// `<target>:settling`, a list: outcomes of hot items that have not been counted for all jobs.
    #[must_use]
    pub fn settling(&self, target: &Target) -> String {
        self.at(target, "settling")
    }

    /// `<target>:coverages`, a hash: the dirs that cover something and wait, by the coverage's id.
    #[must_use]
    pub fn coverages(&self, target: &Target) -> String {
        self.at(target, "coverages")
    }

    /// `<target>:covering:<lane>`, a hash: the coverage of each dir of a lane that covers something.
    #[must_use]
    pub fn covering(&self, target: &Target, lane: impl Display) -> String {
        self.at(target, format_args!("covering:{lane}"))
    }

    /// `<target>:covered:<id>`, a list: the items that a coverage covers.
    #[must_use]
    pub fn covered(&self, target: &Target, id: impl Display) -> String {
        self.at(target, format_args!("covered:{id}"))
    }

    /// `<target>:uncovering`, a list: coverages whose items go back to their lanes.
    #[must_use]
    pub fn uncovering(&self, target: &Target) -> String {
        self.at(target, "uncovering")
    }

    /// `<target>:inflight`, a hash: the batches that hold an item, by item name.
    #[must_use]
    pub fn inflight(&self, target: &Target) -> String {
        self.at(target, "inflight")
    }

    /// `<target>:batch:<id>`, a hash: a batch, and its items.
    #[must_use]
    pub fn batch(&self, target: &Target, id: impl Display) -> String {
        self.at(target, format_args!("batch:{id}"))
    }

    /// `<target>:leases`, a sorted set: leased batches by when their leases run out.
    #[must_use]
    pub fn leases(&self, target: &Target) -> String {
        self.at(target, "leases")
    }

    /// `<target>:ready`, a list: halves of split batches that wait to be leased.
    #[must_use]
    pub fn ready(&self, target: &Target) -> String {
        self.at(target, "ready")
    }

    /// `<target>:polls`, a sorted set: accepted batches by when they are asked about.
    #[must_use]
    pub fn polls(&self, target: &Target) -> String {
        self.at(target, "polls")
    }

    /// `<target>:dead`, a sorted set: dead letters by when they failed.
    #[must_use]
    pub fn dead(&self, target: &Target) -> String {
        self.at(target, "dead")
    }

    /// `<target>:history`, a list: the generations of the last outcomes, newest first.
    #[must_use]
    pub fn history(&self, target: &Target) -> String {
        self.at(target, "history")
    }

    /// `<target>:stats`, a hash: counters.
    #[must_use]
    pub fn stats(&self, target: &Target) -> String {
        self.at(target, "stats")
    }

    /// `<target>:hold`, a hash: what is held.
    #[must_use]
    pub fn hold(&self, target: &Target) -> String {
        self.at(target, "hold")
    }

    /// `<target>:cancelling`, a sorted set: jobs that are being cancelled.
    #[must_use]
    pub fn cancelling(&self, target: &Target) -> String {
        self.at(target, "cancelling")
    }

    /// `<target>:submitting`, a sorted set: jobs that are still enqueued.
    #[must_use]
    pub fn submitting(&self, target: &Target) -> String {
        self.at(target, "submitting")
    }

    /// `<target>:reopening`, a sorted set: jobs of which somebody has begun to reopen the part.
    #[must_use]
    pub fn reopening(&self, target: &Target) -> String {
        self.at(target, "reopening")
    }

    /// `<target>:expiring`, a sorted set: items by when a job has no more use for them.
    #[must_use]
    pub fn expiring(&self, target: &Target) -> String {
        self.at(target, "expiring")
    }

    /// `<target>:outbox`, a stream: what happened and has not been carried on.
    #[must_use]
    pub fn outbox(&self, target: &Target) -> String {
        self.at(target, "outbox")
    }

    /// `<target>:quota_asked`, a string: the worker that asks, or has asked, what is left of the quotas,
    /// as long as nobody is to ask again.
    #[must_use]
    pub fn quota_asked(&self, target: &Target) -> String {
        self.at(target, "quota_asked")
    }

    /// `<target>:wake`, a channel: it is worth asking for a lease.
    #[must_use]
    pub fn wake(&self, target: &Target) -> String {
        self.at(target, "wake")
    }

    /// `<target>:job:<id>`, a hash: a job's part at a target.
    #[must_use]
    pub fn part(&self, target: &Target, job: impl Display) -> String {
        self.at(target, format_args!("job:{job}"))
    }

    /// `<target>:dead:<id>`, a hash: a dead letter.
    #[must_use]
    pub fn dead_letter(&self, target: &Target, id: &str) -> String {
        self.at(target, format_args!("dead:{id}"))
    }

    /// `<target>:dead-jobs:<id>`, a list: further jobs that a dead letter names.
    #[must_use]
    pub fn dead_jobs(&self, target: &Target, id: &str) -> String {
        self.at(target, format_args!("dead-jobs:{id}"))
    }

    /// `<target>:history:<generation>`, a hash: last outcomes by item name.
    #[must_use]
    pub fn history_generation(&self, target: &Target, generation: &str) -> String {
        self.at(target, format_args!("history:{generation}"))
    }

    /// `purgeline:v1:{account}:limit:throttled`, a string: the hold of a whole account.
    #[must_use]
    pub fn throttled(&self, target: &Target) -> String {
        format!("{}:limit:throttled", self.account(target))
    }

    /// `purgeline:v1:{account}:limit:<rate>`, a list: the permits of a window.
    #[must_use]
    pub fn rate(&self, target: &Target, rate: &Rate) -> String {
        format!("{}:limit:{}", self.account(target), rate.name())
    }

    /// `purgeline:v1:{account}:quota:<name>:<day>`, a hash: what is spent of a day's quota.
    #[must_use]
    pub fn quota(&self, target: &Target, quota: &str, day: &QuotaDay) -> String {
        format!("{}:quota:{quota}:{}", self.account(target), day.day)
    }

    /// `purgeline:v1:{account}:wake`, a channel: at the account a call returned or a task ended.
    #[must_use]
    pub fn account_wake(&self, target: &Target) -> String {
        format!("{}:wake", self.account(target))
    }

    fn at(&self, target: &Target, name: impl Display) -> String {
        format!("{}:{name}", self.target(target))
    }

    /// `purgeline:v1:job:<id>`: a job as it was submitted, and its end.
    #[must_use]
    pub fn job(&self, id: JobId) -> String {
        format!("{}:job:{id}", self.prefix)
    }

    /// `purgeline:v1:jobs`: the ids of all jobs that are kept, by when they were submitted.
    #[must_use]
    pub fn jobs(&self) -> String {
        format!("{}:jobs", self.prefix)
    }

    /// `purgeline:v1:jobs:turn`: there for a minute after somebody has begun to walk over the list.
    #[must_use]
    pub(crate) fn jobs_turn(&self) -> String {
        format!("{}:jobs:turn", self.prefix)
    }

    /// `purgeline:v1:jobs:walked`: score and id of the last job that a walk over the list has seen.
    #[must_use]
    pub(crate) fn jobs_walked(&self) -> String {
        format!("{}:jobs:walked", self.prefix)
    }

    /// `purgeline:v1:events`: what happened, for whoever watches.
    #[must_use]
    pub fn events(&self) -> String {
        format!("{}:events", self.prefix)
    }

    /// `purgeline:v1:workers`: worker processes that are alive, by name.
    #[must_use]
    pub fn workers(&self) -> String {
        format!("{}:workers", self.prefix)
    }

    /// The pattern of all keys of an account. A hash tag's braces are literal in a pattern, and names
    /// hold none of its special characters.
    pub(crate) fn pattern_of_account(&self, target: &Target) -> String {
        format!("{}:*", self.account(target))
    }

    /// The pattern of the keys of all accounts and their targets.
    pub(crate) fn pattern_of_accounts(&self) -> String {
        format!("{}:{{*", self.prefix)
    }

    /// What a key of a target names; `None` for those of which there is one.
    pub(crate) fn read<'k>(&self, target: &Target, key: &'k str) -> Option<NamedKey<'k>> {
        let (base, named) = Self::read_any(key)?;
        (base == self.target(target)).then_some(named)
    }

    /// The base of the target whose key this is, and what it names; `None` for those of which there
    /// is one.
    pub(crate) fn read_any(key: &str) -> Option<(&str, NamedKey<'_>)> {
        let name = key.find("}:")? + 2;
        let (base, rest) = key.split_at(name + key.get(name..)?.find(':')?);
        let (what, name) = rest.strip_prefix(':')?.split_once(':')?;
        let named = match what {
            "batch" => NamedKey::Batch(name),
            "job" => NamedKey::Part(name),
            "waiters" => NamedKey::Waiters(name),
            "covered" => NamedKey::Covered(name),
            "covering" => NamedKey::Covering(name),
            _ => return None,
        };
        Some((base, named))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_names_something_is_read_back() {
        let (keys, target) = (Keys::default(), Target::alone("www".parse().unwrap()));
        let other = Target::alone("www2".parse().unwrap());
        let (batch, part) = (keys.batch(&target, "b7"), keys.part(&target, "j:1"));
        assert_eq!(batch, "purgeline:v1:{www}:www:batch:b7");
        assert_eq!(keys.read(&target, &batch), Some(NamedKey::Batch("b7")));
        assert_eq!(keys.read(&target, &part), Some(NamedKey::Part("j:1")));
        let list = keys.waiters(&target, "url:https://h/a");
        assert_eq!(keys.read(&target, &list), Some(NamedKey::Waiters("url:https://h/a")));
        assert_eq!(keys.read(&target, &keys.pending(&target)), None);
        assert_eq!(keys.read(&target, &keys.batch(&other, "b7")), None, "another target's");
        assert_eq!(Keys::read_any(&batch), Some(("purgeline:v1:{www}:www", NamedKey::Batch("b7"))));
        assert_eq!(Keys::read_any(&keys.throttled(&target)), None);
        for pattern in [keys.pattern_of_account(&target), keys.pattern_of_accounts()] {
            assert!(batch.starts_with(pattern.trim_end_matches('*')), "{pattern}");
        }
    }
}
