//! Much work for a provider at its documented limits: which items, and which of them are bad.

use super::{ProviderCase, item};
use purgeline_core::{Item, Kind};
use purgeline_sim::{Ending, FateRule, Selector, Sim};
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde_json::{Value, json};

/// Much work for one provider.
pub struct Volume {
    /// The simulated account: limits over time as documented, tasks that take their time.
    pub account: fn() -> Value,
    /// By which the windows of the provider's rates are shorter here than declared, at both ends.
    pub shortened: u64,
    /// Dirs among the 3,000 items.
    pub dirs: usize,
    /// The hosts of the good items.
    pub hosts: &'static [&'static str],
    pub bad: &'static [Bad],
    /// Every tenth task takes so long, in ms, where the others end at once.
    pub slow_ms: Option<u64>,
}

/// Items that are bad in one way.
pub struct Bad {
    pub count: usize,
    pub kind: Kind,
    pub way: BadWay,
    /// The code of their cause.
    pub code: &'static str,
}

/// How items are bad.
#[derive(Clone, Copy)]
pub enum BadWay {
    /// They are of a host, or a title, that is not the account's.
    Foreign,
    /// The provider refuses calls that carry them, and does not say for which item.
    Unnamed,
    /// Their tasks fail, with this detail and the item's name.
    Fails(&'static str),
    /// Their tasks fail, with this word.
    FailsAs(&'static str),
    /// As `FailsAs`, and all of their call with them, not said for which item.
    FailsUnnamed(&'static str),
}

/// The items of a volume.
pub struct VolumeItems {
    /// In a random order.
    pub all: Vec<Item>,
    /// Each with what must be its cause.
    pub bad: Vec<(Item, &'static Bad)>,
}

/// The items of each volume.
pub const ITEMS: usize = 3_000;

impl BadWay {
    /// Whether the item has to be looked for, by halves.
    #[must_use]
    pub fn is_searched(self) -> bool {
        matches!(self, Self::Unnamed | Self::FailsUnnamed(_))
    }
}

impl Volume {
    #[must_use]
    pub fn items(&'static self, provider: &ProviderCase, seed: u64) -> VolumeItems {
        let mut random = StdRng::seed_from_u64(seed);
        let mut of_kind = |kind, count: usize| {
            let hosts = self.hosts.len();
            let mut items: Vec<_> = (0..count).map(|n| item(kind, self.hosts[n % hosts], n)).collect();
            items.shuffle(&mut random);
            items
        };
        let dirs = of_kind(Kind::Dir, self.dirs);
        let main = of_kind(provider.main_kind(), ITEMS - self.dirs);
        let mut all = VolumeItems { all: Vec::new(), bad: Vec::new() };
        let mut left = [main, dirs];
        for bad in self.bad {
            let from = &mut left[usize::from(bad.kind == Kind::Dir)];
            for n in 0..bad.count {
                let instead = from.pop().expect("there are more items than bad ones");
                let item = match bad.way {
                    BadWay::Foreign => item(bad.kind, "bad", n),
                    _ => instead,
                };
                all.bad.push((item.clone(), bad));
                all.all.push(item);
            }
        }
        all.all.extend(left.into_iter().flatten());
        // Good and bad, URLs and dirs lie anywhere.
        all.all.shuffle(&mut random);
        all
    }

    /// The account, with the items that it refuses.
    #[must_use]
    pub fn account(&self, items: &VolumeItems) -> Value {
        let mut account = (self.account)();
        let unnamed = items.bad.iter().filter(|(_, bad)| matches!(bad.way, BadWay::Unnamed));
        let unnamed: Vec<_> = unnamed.map(|(item, _)| item.text()).collect();
        if !unnamed.is_empty() {
            account["bad_urls"] = json!(unnamed);
        }
        account
    }

    /// Decides how the tasks end.
    pub fn decide(&self, sim: &Sim, items: &VolumeItems) {
        if let Some(slow_ms) = self.slow_ms {
            for item in items.all.iter().step_by(10) {
                let exactly = Selector::Exact(item.text().to_owned());
                sim.fate(FateRule::new(exactly, Ending::Success).after_ms(slow_ms));
            }
        }
        for (item, bad) in &items.bad {
            let detail = match bad.way {
                BadWay::Foreign | BadWay::Unnamed => continue,
                BadWay::Fails(detail) => format!("{detail} {}", item.text()),
                BadWay::FailsAs(word) | BadWay::FailsUnnamed(word) => word.to_owned(),
            };
            sim.fate(FateRule::new(Selector::Exact(item.text().to_owned()), Ending::Failure(detail)));
        }
    }
}
