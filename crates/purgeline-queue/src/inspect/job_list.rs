use super::jobs::{Job, JobFilter};
use crate::{
    InspectQueue, QueueError,
    redis::{ordered::Ordered, store::Store},
};
use futures::future::try_join_all;
use purgeline_core::{JobId, Target, TargetName};

/// Ids read at a time.
const SLICE: usize = 200;

/// What a list of jobs needs to know of one.
pub(crate) struct Glance {
    /// `None`: it is kept no longer.
    pub(crate) state: Option<String>,
    source: Option<String>,
    targets: Option<String>,
}

impl InspectQueue {
    /// The latest jobs that match, newest first, at most `most`. Looks at no more than `look` of
    /// those that are kept. A job is given once, also if others arrive meanwhile.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn jobs(
        &self,
        targets: &[Target],
        filter: &JobFilter,
        most: usize,
        look: usize,
    ) -> Result<Vec<Job>, QueueError> {
        let bound = |ms: Option<i64>, none: &str| ms.map_or(none.to_owned(), |ms| ms.to_string());
        let (newest, oldest) = (bound(filter.until_ms, "+inf"), bound(filter.since_ms, "-inf"));
        let mut list = Ordered::newest_first(self.store.keys().jobs(), newest, oldest);
        let (mut found, mut looked) = (Vec::new(), 0);
        while found.len() < most && looked < look {
            let page = list.next(&self.store, SLICE).await?;
            if page.is_empty() {
                break;
            }
            looked += page.len();
            // Most jobs of a list that is searched do not match: only a glance at each.
            let ids = page.iter().filter_map(|(id, _)| id.parse().ok());
            let glances = ids.map(async |id| Ok::<_, QueueError>((id, self.store.glance_at(id).await?)));
            for (id, glance) in try_join_all(glances).await? {
                if glance.matches(filter) {
                    found.extend(self.store.job(id, targets).await?);
                }
                if found.len() == most {
                    break;
                }
            }
        }
        Ok(found)
    }
}

impl Store {
    /// Reads what a list of jobs needs to know of one.
    pub(crate) async fn glance_at(&self, id: JobId) -> Result<Glance, QueueError> {
        let mut glance = redis::cmd("HMGET");
        glance.arg(self.keys().job(id)).arg("state").arg("source").arg("targets");
        let (state, source, targets) = glance.query_async(&mut self.manager()).await?;
        Ok(Glance { state, source, targets })
    }
}

impl Glance {
    fn matches(&self, filter: &JobFilter) -> bool {
        let Some(state) = &self.state else { return false };
        let goes_to = |name: &TargetName| {
            self.targets.iter().flat_map(|all| all.split(' ')).any(|one| one == name.as_str())
        };
        filter.state.is_none_or(|wanted| state == wanted.as_str())
            && filter.source.as_ref().is_none_or(|wanted| self.source.as_ref() == Some(wanted))
            && filter.target.as_ref().is_none_or(goes_to)
    }
}
