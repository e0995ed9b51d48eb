use super::{Damage, Holder, Walk};
use crate::{
    QueueError, Record,
    record::first_expiry,
    scan::{PAGE, Scan, print_of},
};
use purgeline_core::Kind;
use std::collections::{HashMap, HashSet};

impl Walk<'_> {
    /// Every record can be leased one day; nothing is delayed that does not wait.
    pub(super) async fn pending(&mut self) -> Result<(), QueueError> {
        let (pending, delayed, expiring) = (self.key("pending"), self.key("delayed"), self.key("expiring"));
        let ranked = self.members("lanes").await?;
        let mut hints: HashMap<String, HashSet<u64>> = HashMap::new();
        let (mut dirs, mut under_way) = (0, 0);
        let mut records = Scan::hash(&pending);
        while let Some(page) = records.next(self.queue).await? {
            let scores = self.scores(&delayed, page.iter().map(|(name, _)| name.as_str())).await?;
            let expiries = self.scores(&expiring, page.iter().map(|(name, _)| name.as_str())).await?;
            for (((name, text), score), expiry) in page.into_iter().zip(scores).zip(expiries) {
                dirs += i128::from(name.starts_with(Kind::Dir.as_str()));
                let record = match Record::parse(&name, &text) {
                    Ok(record) => record,
                    Err(error) => {
                        self.wrong(Damage::Record { item: name, text, error: error.to_string() });
                        continue;
                    }
                };
                // A hint that comes too early does no harm.
                if let Some(at_ms) = first_expiry(&text).filter(|at| expiry.is_none_or(|expiry| expiry > *at))
                {
                    self.wrong(Damage::Expiry { item: name.clone(), at_ms, expiring: expiry });
                }
                if let Some(id) = record.covered_by() {
                    self.covered(&name, id);
                }
                under_way += i128::from(record.cause.as_deref() == Some("under-way"));
                if record.due_ms != score {
                    self.wrong(Damage::Delay { item: name.clone(), due_ms: record.due_ms, delayed: score });
                }
                if record.due_ms.is_none() {
                    let lane = record.lane.to_string();
                    if !hints.contains_key(&lane) {
                        hints.insert(lane.clone(), self.hints(&lane).await?);
                    }
                    if !hints.get(&lane).is_some_and(|names| names.contains(&print_of(name.as_str()))) {
                        self.wrong(Damage::NoHint { item: name.clone(), lane });
                    } else if !ranked.contains(&lane) {
                        self.wrong(Damage::UnrankedLane { lane });
                    }
                }
                if !record.more_jobs && self.lists.contains(&name) {
                    self.reached.insert(name.clone());
                    self.wrong(Damage::HiddenList { item: name.clone() });
                }
                self.record(&record, Holder::Pending(name)).await?;
            }
        }
        let mut delays = Scan::sorted(&delayed);
        while let Some(page) = delays.next(self.queue).await? {
            let names: Vec<_> = page.into_iter().map(|(name, _)| name).collect();
            for (item, record) in names.iter().zip(self.values(&pending, &names).await?) {
                if record.is_none() {
                    self.wrong(Damage::StrayDelay { item: item.clone() });
                }
            }
        }
        self.compare("dirs", dirs);
        self.compare("under_way", under_way);
        Ok(())
    }

    /// Counts the jobs that wait for one item.
    pub(super) async fn record(&mut self, record: &Record, holder: Holder) -> Result<(), QueueError> {
        if record.jobs.is_empty() && !record.more_jobs {
            // A rebound is for nobody any more.
            if !record.cause.as_deref().is_some_and(|cause| cause.starts_with("rebound")) {
                self.wrong(Damage::NoJob { holder });
            }
            return Ok(());
        }
        for job in &record.jobs {
            *self.waiting.entry(*job).or_default() += 1;
        }
        if record.more_jobs && !self.list(&holder.list()).await? {
            self.wrong(Damage::LostList { holder });
        }
        Ok(())
    }

    async fn hints(&self, lane: &str) -> Result<HashSet<u64>, QueueError> {
        let key = self.key(&format!("lane:{lane}"));
        let mut hints = HashSet::new();
        for from in (0..).step_by(PAGE) {
            let page = self.page_of(&key, from).await?;
            hints.extend(page.iter().map(|name| print_of(name.as_str())));
            if page.len() < PAGE {
                break;
            }
        }
        Ok(hints)
    }

    /// The scores of some members, as the times in ms that they are.
    pub(super) async fn scores(
        &self,
        key: &str,
        members: impl Iterator<Item = &str>,
    ) -> Result<Vec<Option<i64>>, QueueError> {
        let mut ask = redis::cmd("ZMSCORE");
        ask.arg(key);
        for member in members {
            ask.arg(member);
        }
        if ask.args_iter().len() < 3 {
            return Ok(Vec::new());
        }
        let scores: Vec<Option<f64>> = ask.query_async(&mut self.queue.manager()).await?;
        // Times in ms are exact in a double.
        Ok(scores.into_iter().map(|score| format!("{:.0}", score?).parse().ok()).collect())
    }

    /// Some fields of a hash.
    pub(super) async fn values(
        &self,
        key: &str,
        fields: &[String],
    ) -> Result<Vec<Option<String>>, QueueError> {
        if fields.is_empty() {
            return Ok(Vec::new());
        }
        Ok(redis::cmd("HMGET").arg(key).arg(fields).query_async(&mut self.queue.manager()).await?)
    }
}
