//! What can still be read of a record that cannot.

use crate::record::read_entry;
use purgeline_core::{Action, Item, Lane};

/// The entries of waiting jobs.
pub(super) fn jobs(text: &str) -> Vec<&str> {
    // An item may hold anything, even what looks like a job.
    let record = text.split(" item=").next().unwrap_or_default();
    record.split([' ', ',', '=']).filter(|word| read_entry(word).is_some()).collect()
}

/// The lane.
pub(super) fn lane(text: &str) -> Option<Lane> {
    text.split(' ').find_map(|word| word.strip_prefix("lane=")?.parse().ok())
}

/// The item of a batch.
pub(super) fn item(text: &str) -> Option<(Item, Action)> {
    Item::from_name(text.split_once("item=")?.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use purgeline_core::JobId;

    #[test]
    fn what_can_be_read_is() {
        let (a, b) = (JobId::from_idempotency_key("a"), JobId::from_idempotency_key("b"));
        let text = format!("lane=bulk/url since=x jobs={a},{b}!17,nonsense item=url:https://h/jobs={a}");
        assert_eq!(jobs(&text), [a.to_string(), format!("{b}!17")]);
        assert_eq!(lane(&text).unwrap().to_string(), "bulk/url");
        assert_eq!(item(&text).unwrap().0.text(), format!("https://h/jobs={a}"));
        assert_eq!((jobs("nonsense").len(), lane("nonsense"), item("nonsense")), (0, None, None));
    }
}
