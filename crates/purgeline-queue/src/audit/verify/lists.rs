use super::{damage::Damage, walk::Walk};
use crate::{
    QueueError,
    record::read_entry,
    redis::{keys::NamedKey, scan::PAGE},
};
use redis::AsyncTypedCommands;

impl Walk<'_> {
    /// Counts the jobs in a hot item's list (its name behind `waiters:`), and in the lists that it
    /// names. False if it is empty.
    pub(super) async fn list(&mut self, name: &str) -> Result<bool, QueueError> {
        let mut names = vec![name.to_owned()];
        let mut entries = 0;
        while let Some(name) = names.pop() {
            if !self.reached.insert(name.clone()) {
                continue;
            }
            let key = self.keys().waiters(self.target, name);
            for from in (0..).step_by(PAGE) {
                let page = self.page_of(&key, from).await?;
                entries += page.len();
                let last = page.len() < PAGE;
                for entry in page {
                    if let Some(nested) = entry.strip_prefix('@').and_then(|key| self.list_of(key)) {
                        names.push(nested.to_owned());
                    } else if let Some(job) = read_entry(&entry) {
                        *self.waiting.entry(job).or_default() += 1;
                    } else {
                        self.wrong(Damage::ListEntry { list: key.clone(), entry });
                    }
                }
                if last {
                    break;
                }
            }
        }
        Ok(entries > 0)
    }

    /// Outcomes of hot items that have not reached all their jobs yet.
    pub(super) async fn settling(&mut self) -> Result<(), QueueError> {
        let key = self.keys().settling(self.target);
        let covered = self.keys().covered(self.target, "");
        for from in (0..).step_by(PAGE) {
            let page = self.page_of(&key, from).await?;
            let last = page.len() < PAGE;
            for entry in page {
                let key = entry.rsplitn(3, ' ').nth(2).unwrap_or_default();
                if let Some(list) = self.list_of(key) {
                    // One whose list is used up is taken out next.
                    self.list(list).await?;
                } else if let Some(id) = key.strip_prefix(&covered) {
                    self.coverages.ended.insert(id.to_owned());
                } else {
                    self.wrong(Damage::Settling { entry });
                }
            }
            if last {
                break;
            }
        }
        Ok(())
    }

    /// Lists of waiting jobs that nothing leads to; to be called when all that might has been read.
    pub(super) async fn stray_lists(&mut self) -> Result<(), QueueError> {
        for list in std::mem::take(&mut self.lists) {
            if self.reached.contains(&list) {
                continue;
            }
            let key = self.keys().waiters(self.target, &list);
            let length = self.queue.manager().llen(&key).await?;
            // It may have been used up since its name was read.
            if let Some(first) = self.queue.manager().lindex(&key, 0).await? {
                let length = u64::try_from(length).unwrap_or(u64::MAX);
                self.wrong(Damage::StrayList { list, first, length });
            }
        }
        Ok(())
    }

    /// The name of a list of waiting jobs, from its key.
    fn list_of<'k>(&self, key: &'k str) -> Option<&'k str> {
        match self.keys().read(self.target, key) {
            Some(NamedKey::Waiters(list)) => Some(list),
            _ => None,
        }
    }
}
