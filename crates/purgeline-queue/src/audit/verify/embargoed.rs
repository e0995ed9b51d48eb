use super::{
    damage::{Damage, Holder},
    walk::Walk,
};
use crate::{QueueError, Record, redis::scan::Scan};

impl Walk<'_> {
    /// What waits for the end of an embargo: each ends, at its time.
    pub(super) async fn embargoed(&mut self) -> Result<(), QueueError> {
        let (embargoed, embargoes) = (self.keys().embargoed(self.target), self.keys().embargoes(self.target));
        let mut records = Scan::hash(&embargoed);
        while let Some(page) = records.next(self.queue).await? {
            let ends = self.scores(&embargoes, page.iter().map(|(name, _)| name.as_str())).await?;
            for ((name, text), end) in page.into_iter().zip(ends) {
                let time = name.split_once(' ').and_then(|(time, _)| time.parse::<i64>().ok());
                if time.is_none() || time != end {
                    self.wrong(Damage::Embargo { name: name.clone(), embargoes: end });
                }
                match Record::parse(&name, &text) {
                    Ok(record) => self.record(&record, Holder::Embargoed(name)).await?,
                    Err(error) => {
                        self.wrong(Damage::EmbargoedRecord { name, text, error: error.to_string() });
                    }
                }
            }
        }
        let mut ends = Scan::sorted(&embargoes);
        while let Some(page) = ends.next(self.queue).await? {
            let names: Vec<_> = page.into_iter().map(|(name, _)| name).collect();
            for (name, record) in names.iter().zip(self.values(&embargoed, &names).await?) {
                if record.is_none() {
                    self.wrong(Damage::StrayEmbargo { name: name.clone() });
                }
            }
        }
        Ok(())
    }
}
