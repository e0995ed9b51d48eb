use crate::{InspectQueue, PendingItem, QueueError, Record, redis::scan::Scan};
use purgeline_core::{Action, Item, Kind, Target, ancestors};
use redis::AsyncTypedCommands;
use serde::Serialize;

/// Requests for an item that wait for the end of an embargo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EmbargoedItem {
    /// When it ends, in milliseconds since 1970.
    pub until_ms: i64,
    /// The item: the one asked for, or a dir that covers it.
    #[serde(flatten)]
    pub item: PendingItem,
}

impl InspectQueue {
    /// An item that waits at a target for the end of an embargo, in milliseconds since 1970; `None`
    /// if it does not, or no longer.
    ///
    /// # Errors
    /// When Redis cannot be asked, or holds no record there.
    pub async fn embargoed_item(
        &self,
        target: &Target,
        item: &Item,
        action: Action,
        not_before_ms: i64,
    ) -> Result<Option<PendingItem>, QueueError> {
        let (key, name) = (self.store.keys().embargoed(target), item.name(action));
        let Some(text) = self.store.manager().hget(&key, format!("{not_before_ms} {name}")).await? else {
            return Ok(None);
        };
        Ok(Some(PendingItem { record: Record::parse(&format!("{key} {name}"), &text)?, name }))
    }

    /// Everything that waits at a target for the end of an embargo and would purge an item, itself or
    /// a dir above it: that whose embargo ends first comes first. Reads through all embargoes of the
    /// target, a page at a time.
    ///
    /// # Errors
    /// When Redis cannot be asked, or holds no record there.
    pub async fn embargoes_of(
        &self,
        target: &Target,
        item: &Item,
        action: Action,
    ) -> Result<Vec<EmbargoedItem>, QueueError> {
        let dirs = ancestors(item).map(|dir| Item::from_normalized(Kind::Dir, dir).name(action));
        let names: Vec<_> = std::iter::once(item.name(action)).chain(dirs).collect();
        let (key, mut found) = (self.store.keys().embargoed(target), Vec::new());
        let mut embargoes = Scan::sorted(&self.store.keys().embargoes(target));
        while let Some(page) = embargoes.next(&self.store).await? {
            for (field, _) in page {
                // {T}:embargoes holds 'MS NAME'; what else it holds is for verify to tell.
                let Some((Ok(until_ms), name)) =
                    field.split_once(' ').map(|(ms, name)| (ms.parse::<i64>(), name))
                else {
                    continue;
                };
                if !names.iter().any(|one| one == name) {
                    continue;
                }
                // It may have ended since.
                let Some(text) = self.store.manager().hget(&key, &field).await? else { continue };
                let record = Record::parse(&format!("{key} {field}"), &text)?;
                let item = PendingItem { name: name.to_owned(), record };
                found.push(EmbargoedItem { until_ms, item });
            }
        }
        found.sort_by(|a, b| (a.until_ms, &a.item.name).cmp(&(b.until_ms, &b.item.name)));
        Ok(found)
    }
}
