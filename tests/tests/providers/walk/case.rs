use super::{fates, polls, purges};
use crate::{
    scene::Scene,
    subject::{Items, Row, Subject, Way, item},
};
use purgeline_core::{Class, Item, Kind};
use purgeline_sim::{CallKind, FaultRule};
use serde_json::{Value, json};
use std::fmt;

/// One way in which one code comes about.
#[derive(Clone, Copy)]
pub(super) struct Case {
    pub(super) subject: &'static Subject,
    pub(super) row: &'static Row,
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

impl Case {
    pub(super) fn all(subject: &'static Subject) -> Vec<Self> {
        let codes = subject.descriptor().codes;
        let mut cases = Vec::new();
        for row in subject.rows {
            let Some(code) = codes.iter().find(|code| code.code == row.code) else { continue };
            for (place, ways) in [(Place::Purge, row.purge), (Place::Poll, row.poll)] {
                let ways = ways.iter().filter(|way| !matches!(way, Way::Never(_)));
                cases.extend(ways.map(|&way| Self { subject, row, place, way, class: code.class }));
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

    /// A scene in which each item is sent at most so often.
    pub(super) async fn scene(&self, max_attempts: u32) -> Scene {
        self.scene_of(json!({ "max_attempts": max_attempts })).await
    }

    /// A scene with a target that is configured so.
    pub(super) async fn scene_of(&self, config: Value) -> Scene {
        let account = match self.way {
            Way::Account(members) => serde_json::from_str(members).unwrap(),
            // A task that ends at once ends in the answer to the purge.
            Way::Fate(_) if self.place == Place::Purge => json!({ "processing_ms": 0 }),
            _ => Value::Object(serde_json::Map::new()),
        };
        Scene::start(self.subject, account, config).await
    }

    pub(super) fn items(&self) -> Vec<Item> {
        self.subject.items(self.row.items)
    }

    /// An item beside them for which a call is refused, at a host of its own.
    pub(super) fn bad_item(&self) -> Item {
        item(self.subject.main_kind(), "bad", 90)
    }

    /// The answer, to each call of the place that it is about.
    pub(super) fn rule(&self) -> Option<FaultRule> {
        let kind = match self.place {
            Place::Purge => self.subject.purges,
            Place::Poll => CallKind::Status,
        };
        let rule = FaultRule::new(self.way.fault()?).on(kind);
        Some(match (self.row.items, self.place) {
            (Items::OneDir, Place::Purge) => rule.carrying(item(Kind::Dir, "www", 0).text()),
            _ => rule,
        })
    }

    /// The answer, so often.
    pub(super) fn misbehave(&self, scene: &Scene, times: Option<u64>) {
        if let Some(mut rule) = self.rule() {
            rule.times = times;
            scene.misbehave(vec![rule]);
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.place {
            Place::Purge => "to a purge",
            Place::Poll => "to a question",
        };
        write!(f, "{} {} ({}) {place}, by {:?}", self.subject.name, self.row.code, self.class, self.way)
    }
}
