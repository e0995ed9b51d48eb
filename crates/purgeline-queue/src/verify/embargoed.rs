use super::{Walk, as_text};
use crate::{QueueError, Record};

impl Walk<'_> {
    /// What waits for the end of an embargo.
    pub(super) async fn embargoed(&mut self) -> Result<(), QueueError> {
        let embargoes = self.scores(&self.key("embargoes")).await?;
        let embargoed = self.hash(&self.key("embargoed")).await?;
        for (name, text) in &embargoed {
            let time = name.split_once(' ').map(|(time, _)| time);
            let score = embargoes.get(name).copied().map(as_text);
            if time.is_none() || time != score.as_deref() {
                self.wrong(format!("embargoed {name}: embargoes says {score:?}"));
            }
            match Record::parse(name, text) {
                Ok(record) => self.record(name, &record, &self.key(&format!("waiters:{name}"))).await?,
                Err(error) => self.wrong(error),
            }
        }
        for name in embargoes.keys().filter(|name| !embargoed.contains_key(*name)) {
            self.wrong(format!("embargoes has {name}, but embargoed does not"));
        }
        Ok(())
    }
}
