use purgeline_core::{Item, covers};
use purgeline_queue::Job;
use purgeline_sim::{CallKind, CallLog, ItemKind};
use std::collections::HashMap;

/// What a simulator's log says was purged: for each item, when the latest call that was accepted
/// with it arrived, in wall-clock ms. That call began later than any earlier one.
pub struct Calls {
    accepted: HashMap<Item, i64>,
    dirs: Vec<Item>,
}

impl Calls {
    #[must_use]
    pub fn of(log: &CallLog) -> Self {
        let mut calls = Self { accepted: HashMap::new(), dirs: Vec::new() };
        for call in log.of_kind(CallKind::Purge).filter(|call| call.code() == Some("200")) {
            for record in call.items.iter().filter(|item| item.accepted == Some(true)) {
                let item = match record.item.kind {
                    ItemKind::Dir => Item::dir(&record.item.name).unwrap(),
                    _ => Item::url(&record.item.name).unwrap(),
                };
                if calls.accepted.insert(item.clone(), call.arrived_ms).is_none()
                    && record.item.kind == ItemKind::Dir
                {
                    calls.dirs.push(item);
                }
            }
        }
        calls
    }

    /// Items that were accepted at least once.
    #[must_use]
    pub fn distinct(&self) -> usize {
        self.accepted.len()
    }

    /// Whether an item was purged, by itself or by a dir, by a call that arrived at `since_ms` or
    /// later.
    #[must_use]
    pub fn cover(&self, item: &Item, since_ms: i64) -> bool {
        let late = |item: &Item| self.accepted.get(item).is_some_and(|at| *at >= since_ms);
        late(item) || self.dirs.iter().any(|dir| covers(dir, item) && late(dir))
    }

    /// Every item of a job that succeeded was purged by a call after the job was submitted. For
    /// jobs whose items are all named in them (at most 100).
    pub fn assert_cover(&self, job: &Job) {
        assert_eq!(job.first_items.len() as u64, job.items, "a job names only its first 100 items");
        for name in &job.first_items {
            let (item, _) = Item::from_name(name).unwrap();
            assert!(
                self.cover(&item, job.submitted_ms),
                "no accepted call after {} (job {}) covers {name}",
                job.submitted_ms,
                job.id
            );
        }
    }
}
