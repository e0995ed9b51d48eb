//! What a provider is working on: one task an item, its fate, and its state at any moment.
//!
//! A task needs no timer: it is given its end when it is made (or when a test settles it), and its
//! state is a comparison with the clock.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use crate::record::Item;

/// Which items are meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selector {
    /// Every item.
    All,
    /// The item of this name.
    Exact(String),
    /// Items whose name begins so.
    Prefix(String),
}

/// How a task ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// It succeeds.
    Success,
    /// It fails, with the provider's detail, which may be empty.
    Failure(String),
    /// It does not: it is processed for ever, or until it is settled.
    Never,
}

/// A fate for items that are yet to be submitted. An exact name goes before prefixes, a later rule
/// before an earlier one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FateRule {
    /// Whose fate.
    pub items: Selector,
    /// How it ends.
    pub ending: Ending,
    /// How long it takes, milliseconds of the simulator's clock; absent is the provider's usual time.
    #[serde(default)]
    pub after_ms: Option<u64>,
    /// How many submissions it decides; absent is all. So a task can fail once and then succeed.
    #[serde(default)]
    pub times: Option<u64>,
}

/// What a simulator remembers of an item that it took: which call brought it, and how the work on
/// it ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRecord {
    /// The task or request id that the call was answered with.
    pub receipt: String,
    /// The item.
    #[serde(flatten)]
    pub item: Item,
    /// How it ends, as far as that is decided.
    pub ending: Ending,
    /// When it ended, wall clock, ms; absent while it is processed.
    pub ended_ms: Option<i64>,
}

/// Where a task stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TaskState<'a> {
    Processing,
    Success,
    Failure(&'a str),
}

/// One item that a provider took.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) request: Arc<str>,
    pub(crate) item: Item,
    pub(crate) created: Moment,
    ends_ns: Option<u64>,
    ending: Ending,
}

/// All tasks of a simulator, with the ways in that the providers' queries need.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    tasks: Vec<Task>,
    by_request: HashMap<Arc<str>, Vec<usize>>,
    by_name: HashMap<Arc<str>, Vec<usize>>,
    exact: HashMap<String, VecDeque<Fate>>,
    broad: VecDeque<(Selector, Fate)>,
}

#[derive(Debug)]
struct Fate {
    ending: Ending,
    after_ms: Option<u64>,
    left: Option<u64>,
}

// === impl Selector ===

impl Selector {
    fn picks(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Exact(exact) => exact == name,
            Self::Prefix(prefix) => name.starts_with(prefix.as_str()),
        }
    }
}

// === impl FateRule ===

impl FateRule {
    /// Every item that `items` picks ends so, after the provider's usual time.
    #[must_use]
    pub fn new(items: Selector, ending: Ending) -> Self {
        Self { items, ending, after_ms: None, times: None }
    }

    /// Only so many submissions.
    #[must_use]
    pub fn times(mut self, n: u64) -> Self {
        self.times = Some(n);
        self
    }

    /// After this time, milliseconds.
    #[must_use]
    pub fn after_ms(mut self, ms: u64) -> Self {
        self.after_ms = Some(ms);
        self
    }
}

// === impl Task ===

impl Task {
    pub(crate) fn state(&self, now: Moment) -> TaskState<'_> {
        match (&self.ending, self.ends_ns) {
            (Ending::Success, Some(ends)) if ends <= now.ns => TaskState::Success,
            (Ending::Failure(detail), Some(ends)) if ends <= now.ns => TaskState::Failure(detail),
            _ => TaskState::Processing,
        }
    }

    /// When it ended, wall clock, ms. `None` while it is processed.
    pub(crate) fn ended_ms(&self, now: Moment) -> Option<i64> {
        let ends = self.ends_ns.filter(|ends| *ends <= now.ns)?;
        (self.ending != Ending::Never).then(|| self.created.wall_ms_at(ends))
    }

    /// As it stands at this moment.
    pub(crate) fn record(&self, now: Moment) -> TaskRecord {
        TaskRecord {
            receipt: self.request.to_string(),
            item: self.item.clone(),
            ending: self.ending.clone(),
            ended_ms: self.ended_ms(now),
        }
    }
}

// === impl Tasks ===

impl Tasks {
    /// Takes an item under a request id, its fate drawn now.
    pub(crate) fn submit(&mut self, request: &Arc<str>, item: Item, now: Moment, usual_ms: u64) {
        let (ending, after_ms) = self.fate(&item.name);
        let ends = now.ns.saturating_add(after_ms.unwrap_or(usual_ms).saturating_mul(1_000_000));
        let place = self.tasks.len();
        self.by_request.entry(Arc::clone(request)).or_default().push(place);
        self.by_name.entry(Arc::clone(&item.name)).or_default().push(place);
        self.tasks.push(Task {
            request: Arc::clone(request),
            item,
            created: now,
            ends_ns: (ending != Ending::Never).then_some(ends),
            ending,
        });
    }

    pub(crate) fn all(&self) -> &[Task] {
        &self.tasks
    }

    /// The tasks of a request, in its order; nothing if the id is unknown.
    pub(crate) fn of_request(&self, request: &str) -> impl Iterator<Item = &Task> {
        self.places(self.by_request.get(request))
    }

    /// The tasks of an item name, oldest first.
    pub(crate) fn of_name(&self, name: &str) -> impl DoubleEndedIterator<Item = &Task> {
        self.places(self.by_name.get(name))
    }

    /// The newest task of exactly this item (name and kind).
    pub(crate) fn newest(&self, item: &Item) -> Option<&Task> {
        self.of_name(&item.name).rev().find(|t| t.item.kind == item.kind)
    }

    /// Adds a fate for submissions to come.
    pub(crate) fn add_fate(&mut self, rule: FateRule) {
        let fate = Fate { ending: rule.ending, after_ms: rule.after_ms, left: rule.times };
        match rule.items {
            Selector::Exact(name) => self.exact.entry(name).or_default().push_front(fate),
            items => self.broad.push_front((items, fate)),
        }
    }

    /// Ends, now, the tasks that are processed and that `items` picks. Returns how many.
    pub(crate) fn settle(&mut self, items: &Selector, ending: &Ending, now: Moment) -> usize {
        let mut settled = 0;
        for task in &mut self.tasks {
            if task.state(now) == TaskState::Processing && items.picks(&task.item.name) {
                task.ending = ending.clone();
                task.ends_ns = (*ending != Ending::Never).then_some(now.ns);
                settled += 1;
            }
        }
        settled
    }

    fn places(&self, places: Option<&Vec<usize>>) -> std::vec::IntoIter<&Task> {
        let tasks: Vec<&Task> = places.into_iter().flatten().map(|place| &self.tasks[*place]).collect();
        tasks.into_iter()
    }

    fn fate(&mut self, name: &str) -> (Ending, Option<u64>) {
        let exact = self.exact.get_mut(name).into_iter().flatten();
        let broad = self.broad.iter_mut();
        let broad = broad.filter_map(|(items, fate)| items.picks(name).then_some(fate));
        exact.chain(broad).find(|fate| fate.left != Some(0)).map_or((Ending::Success, None), Fate::draw)
    }
}

impl Fate {
    fn draw(&mut self) -> (Ending, Option<u64>) {
        if let Some(left) = &mut self.left {
            *left -= 1;
        }
        (self.ending.clone(), self.after_ms)
    }
}
