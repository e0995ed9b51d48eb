use super::{Damage, Holder, Walk, read::AT_ONCE};
use crate::{
    QueueError,
    lease::read_item,
    scan::{PAGE, Scan, print_of},
};
use futures::future::try_join_all;
use redis::AsyncTypedCommands;
use std::collections::{BTreeMap, HashSet};

/// Where batches stand.
struct Stands {
    leases: HashSet<String>,
    ready: HashSet<String>,
    polls: HashSet<String>,
}

impl Walk<'_> {
    /// Every batch stands where somebody will take it up, and holds what it says.
    pub(super) async fn batches(&mut self) -> Result<(), QueueError> {
        let mut batches = std::mem::take(&mut self.batches);
        let stands = Stands {
            leases: self.members("leases").await?,
            ready: self.ready().await?,
            polls: self.members("polls").await?,
        };
        batches.extend([&stands.leases, &stands.ready, &stands.polls].into_iter().flatten().cloned());
        let batches: Vec<_> = batches.into_iter().collect();
        let mut held = HashSet::new();
        for some in batches.chunks(AT_ONCE) {
            let fields = try_join_all(some.iter().map(|batch| self.fields("batch", batch))).await?;
            for (batch, fields) in some.iter().zip(fields) {
                self.batch(batch, &fields, &stands, &mut held).await?;
            }
        }
        let mut inflight = Scan::hash(&self.key("inflight"));
        while let Some(page) = inflight.next(self.queue).await? {
            for (item, holders) in page {
                for batch in holders.split(',').filter(|batch| !held.contains(&print_of((*batch, &item)))) {
                    self.wrong(Damage::StrayInflight { batch: batch.to_owned(), item: item.clone() });
                }
            }
        }
        Ok(())
    }

    async fn batch(
        &mut self,
        batch: &str,
        fields: &BTreeMap<String, String>,
        stands: &Stands,
        held: &mut HashSet<u64>,
    ) -> Result<(), QueueError> {
        let stands =
            (stands.leases.contains(batch), stands.ready.contains(batch), stands.polls.contains(batch));
        if fields.is_empty() {
            // One whose name alone was read has ended since.
            if stands != (false, false, false) {
                self.wrong(Damage::StrayBatch { batch: batch.to_owned() });
            }
            return Ok(());
        }
        let state = fields.get("state").map(String::as_str);
        let expected = match state {
            Some("leased") => Some((true, false, false)),
            Some("ready") => Some((false, true, false)),
            Some("submitted") => Some((false, false, true)),
            _ => None,
        };
        if expected != Some(stands) {
            let state = state.map(str::to_owned);
            self.wrong(Damage::BatchState { batch: batch.to_owned(), state, stands });
        }
        let (mut open, mut names) = (0, Vec::new());
        for (index, text) in fields.iter().filter(|(name, _)| name.bytes().all(|byte| byte.is_ascii_digit()))
        {
            open += 1;
            match read_item(batch, index, text) {
                Ok(item) => {
                    self.coverages.ended.extend(item.covers);
                    let name = item.item.name(item.action);
                    let holder = Holder::Batch(batch.to_owned(), index.clone(), name.clone());
                    self.record(&item.record, holder).await?;
                    held.insert(print_of((batch, &name)));
                    names.push(name);
                }
                Err(error) => self.wrong(Damage::BatchItem {
                    batch: batch.to_owned(),
                    index: index.clone(),
                    text: text.clone(),
                    error: error.to_string(),
                }),
            }
        }
        let inflight = self.values(&self.key("inflight"), &names).await?;
        for (item, holders) in names.into_iter().zip(inflight) {
            if !holders.is_some_and(|holders| holders.split(',').any(|holder| holder == batch)) {
                self.wrong(Damage::NotInflight { batch: batch.to_owned(), item });
            }
        }
        if fields.get("open").map(String::as_str) != Some(open.to_string().as_str()) {
            let (batch, said) = (batch.to_owned(), fields.get("open").cloned());
            self.wrong(Damage::OpenItems { batch, open: said, held: open });
        }
        Ok(())
    }

    async fn ready(&self) -> Result<HashSet<String>, QueueError> {
        let key = self.key("ready");
        let mut ready = HashSet::new();
        for from in (0..).step_by(PAGE) {
            let page = self.page_of(&key, from).await?;
            let last = page.len() < PAGE;
            ready.extend(page);
            if last {
                break;
            }
        }
        Ok(ready)
    }

    /// All fields of a batch or of a job's part: neither is ever large.
    pub(super) async fn fields(&self, what: &str, id: &str) -> Result<BTreeMap<String, String>, QueueError> {
        let key = self.key(&format!("{what}:{id}"));
        Ok(self.queue.manager().hgetall(&key).await?.into_iter().collect())
    }
}
