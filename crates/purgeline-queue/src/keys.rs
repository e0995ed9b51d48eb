use purgeline_core::{JobId, Target};

/// The names of all keys. Nothing else spells them.
///
/// A target's keys carry its account as hash tag, so that they, and the limits that targets of
/// one account share, lie in one slot of a Redis Cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    prefix: String,
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

    /// `<target>:<what>`: one of a target's keys, like `pending`, `lane:normal/url`, `batch:b7`,
    /// `job:<id>`, `dead:<id>`.
    #[must_use]
    pub fn of_target(&self, target: &Target, what: &str) -> String {
        format!("{}:{what}", self.target(target))
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
}
