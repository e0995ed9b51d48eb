use super::{damage::Damage, walk::Walk};
use crate::{
    QueueError, Record,
    redis::scan::{PAGE, Scan, print_of},
};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// What dirs cover, as far as it was read.
#[derive(Default)]
pub(super) struct Coverages {
    /// The ids for which there is a list.
    pub(super) lists: BTreeSet<String>,
    /// The lanes whose dirs cover something.
    pub(super) lanes: BTreeSet<String>,
    /// The names in those lists.
    listed: BTreeMap<String, HashSet<u64>>,
    /// The ids that something will end: a dir that waits in its lane, a batch, or an entry of a list.
    pub(super) ended: BTreeSet<String>,
    /// The ids that are said to have a dir that waits.
    open: BTreeSet<String>,
    /// Coverages that end with another one: that one's id, theirs.
    parts: Vec<(String, String)>,
}

impl Walk<'_> {
    /// Reads what dirs cover; to be called before what waits is read.
    pub(super) async fn coverages(&mut self) -> Result<(), QueueError> {
        let mut dirs = BTreeMap::new();
        let mut scan = Scan::hash(&self.keys().coverages(self.target));
        while let Some(page) = scan.next(self.queue).await? {
            dirs.extend(page);
        }
        for lane in std::mem::take(&mut self.coverages.lanes) {
            let mut scan = Scan::hash(&self.keys().covering(self.target, &lane));
            while let Some(page) = scan.next(self.queue).await? {
                let names: Vec<_> = page.iter().map(|(dir, _)| dir.clone()).collect();
                let texts = self.values(&self.keys().pending(self.target), &names).await?;
                for ((dir, id), text) in page.into_iter().zip(texts) {
                    let record = text.and_then(|text| Record::parse(&dir, &text).ok());
                    let waits = |record: Record| record.due_ms.is_none() && record.lane.to_string() == lane;
                    if dirs.get(&id) == Some(&dir) && record.is_some_and(waits) {
                        self.coverages.ended.insert(id);
                    } else {
                        self.wrong(Damage::StrayCovering { lane: lane.clone(), dir, id });
                    }
                }
            }
        }
        self.coverages.open = dirs.into_keys().collect();
        let uncovering = self.keys().uncovering(self.target);
        for from in (0..).step_by(PAGE) {
            let page = self.page_of(&uncovering, from).await?;
            let last = page.len() < PAGE;
            self.coverages.ended.extend(page);
            if last {
                break;
            }
        }
        for id in std::mem::take(&mut self.coverages.lists) {
            let key = self.keys().covered(self.target, &id);
            let mut names = HashSet::new();
            for from in (0..).step_by(PAGE) {
                let page = self.page_of(&key, from).await?;
                let parts =
                    page.iter().filter_map(|name| Some((id.clone(), name.strip_prefix('@')?.to_owned())));
                self.coverages.parts.extend(parts);
                names.extend(page.iter().map(|name| print_of(name.as_str())));
                if page.len() < PAGE {
                    break;
                }
            }
            self.coverages.listed.insert(id, names);
        }
        Ok(())
    }

    /// A pending record says that a dir covers its item.
    pub(super) fn covered(&mut self, item: &str, id: &str) {
        if !self.coverages.listed.get(id).is_some_and(|names| names.contains(&print_of(item))) {
            self.wrong(Damage::NotListed { item: item.to_owned(), id: id.to_owned() });
        }
    }

    /// Coverages that nothing will end; to be called when all that might has been read.
    pub(super) fn stray_coverages(&mut self) {
        let parts = std::mem::take(&mut self.coverages.parts);
        // A narrower dir's before a wider one's: it takes as many rounds as dirs lie in each other.
        while parts.iter().fold(false, |more, (whole, part)| {
            more | (self.coverages.ended.contains(whole) && self.coverages.ended.insert(part.clone()))
        }) {}
        let mut known = std::mem::take(&mut self.coverages.open);
        known.extend(self.coverages.listed.keys().cloned());
        for id in known.difference(&std::mem::take(&mut self.coverages.ended)) {
            let names = self.coverages.listed.get(id).map_or(0, HashSet::len);
            self.wrong(Damage::StrayCoverage { id: id.clone(), names });
        }
    }
}
