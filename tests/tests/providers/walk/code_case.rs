use super::{fates, polls, purges};
use crate::sim_fixture::SimFixture;
use purgeline_core::{Class, Item, Kind};
use purgeline_sim::{CallKind, FaultRule};
use purgeline_tests::{
    ProviderCase,
    provider_case::{CodeRow, Items, Way, item},
};
use serde_json::{Value, json};
use std::fmt;

/// One way in which one code comes about.
#[derive(Clone, Copy)]
pub(super) struct CodeCase {
    pub(super) provider: &'static ProviderCase,
    pub(super) row: &'static CodeRow,
    pub(super) place: Place,
    pub(super) way: Way,
    /// As the provider declares it.
    pub(super) class: Class,
}

/// In answer to what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Purge,
    Poll,
}

impl CodeCase {
    pub(super) fn all(provider: &'static ProviderCase) -> Vec<Self> {
        let codes = provider.descriptor().codes;
        let mut cases = Vec::new();
        for row in provider.rows {
            let Some(code) = codes.iter().find(|code| code.code == row.code) else { continue };
            for (place, ways) in [(Place::Purge, row.purge), (Place::Poll, row.poll)] {
                let ways = ways.iter().filter(|way| !matches!(way, Way::Never(_)));
                cases.extend(ways.map(|&way| Self { provider, row, place, way, class: code.class }));
            }
        }
        cases
    }

    pub(super) async fn run(self) {
        if let Way::Fate(detail) = self.way {
            fates::run(&self, detail).await;
        } else if self.place == Place::Poll {
            polls::run(&self).await;
        } else {
            purges::run(&self).await;
        }
    }

    /// A fixture in which each item is sent at most so often.
    pub(super) async fn fixture(&self, max_attempts: u32) -> SimFixture {
        self.fixture_of(json!({ "max_attempts": max_attempts })).await
    }

    /// A fixture with a target that is configured so.
    pub(super) async fn fixture_of(&self, config: Value) -> SimFixture {
        let account = match self.way {
            Way::Account(members) => serde_json::from_str(members).unwrap(),
            // A task that ends at once ends in the answer to the purge.
            Way::Fate(_) if self.place == Place::Purge => json!({ "processing_ms": 0 }),
            _ => Value::Object(serde_json::Map::new()),
        };
        SimFixture::start(self.provider, account, config).await
    }

    pub(super) fn items(&self) -> Vec<Item> {
        self.provider.items(self.row.items)
    }

    /// An item beside them for which a call is refused, at a host of its own.
    pub(super) fn bad_item(&self) -> Item {
        item(self.provider.main_kind(), "bad", 90)
    }

    /// The answer, to each call of the place that it is about.
    pub(super) fn rule(&self) -> Option<FaultRule> {
        let kind = match self.place {
            Place::Purge => self.provider.purges,
            Place::Poll => CallKind::Status,
        };
        let rule = FaultRule::new(self.way.fault()?).on(kind);
        Some(match (self.row.items, self.place) {
            (Items::OneDir, Place::Purge) => rule.carrying(item(Kind::Dir, "www", 0).text()),
            _ => rule,
        })
    }

    /// The answer, so often.
    pub(super) fn misbehave(&self, fixture: &SimFixture, times: Option<u64>) {
        if let Some(mut rule) = self.rule() {
            rule.times = times;
            fixture.misbehave(vec![rule]);
        }
    }
}

impl fmt::Display for CodeCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.place {
            Place::Purge => "to a purge",
            Place::Poll => "to a question",
        };
        write!(f, "{} {} ({}) {place}, by {:?}", self.provider.name, self.row.code, self.class, self.way)
    }
}
