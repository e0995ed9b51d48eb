use super::{Damage, Walk};
use crate::{QueueError, record::read_entry, scan::PAGE};
use redis::AsyncTypedCommands;

impl Walk<'_> {
    /// Counts the jobs in a hot item's list (its name behind `waiters:`), and in the lists that it
    /// names. False if it is empty.
    pub(super) async fn list(&mut self, name: &str) -> Result<bool, QueueError> {
        let prefix = self.key("waiters:");
        let mut names = vec![name.to_owned()];
        let mut entries = 0;
        while let Some(name) = names.pop() {
            if !self.reached.insert(name.clone()) {
                continue;
            }
            let key = format!("{prefix}{name}");
            for from in (0..).step_by(PAGE) {
                let page = self.page_of(&key, from).await?;
                entries += page.len();
                let last = page.len() < PAGE;
                for entry in page {
                    if let Some(nested) = entry.strip_prefix('@').and_then(|key| key.strip_prefix(&prefix)) {
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
        let (key, prefix, covered) = (self.key("settling"), self.key("waiters:"), self.key("covered:"));
        for from in (0..).step_by(PAGE) {
            let page = self.page_of(&key, from).await?;
            let last = page.len() < PAGE;
            for entry in page {
                let list = entry.rsplitn(3, ' ').nth(2).unwrap_or_default();
                if let Some(list) = list.strip_prefix(&prefix) {
                    // One whose list is used up is taken out next.
                    self.list(list).await?;
                } else if let Some(id) = list.strip_prefix(&covered) {
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
            let key = self.key(&format!("waiters:{list}"));
            let length = self.queue.manager().llen(&key).await?;
            // It may have been used up since its name was read.
            if let Some(first) = self.queue.manager().lindex(&key, 0).await? {
                let length = u64::try_from(length).unwrap_or(u64::MAX);
                self.wrong(Damage::StrayList { list, first, length });
            }
        }
        Ok(())
    }
}
