use crate::{Hold, InspectQueue, QueueError, RateUse, Record};
use purgeline_core::{Kind, Limits, RateUnit, Target};
use redis::AsyncTypedCommands;
use serde::Serialize;

/// How a target stands, as far as it decides when what waits there goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// When it was looked at, in milliseconds since 1970 by Redis's clock.
    pub at_ms: i64,
    /// What is held.
    pub holds: Vec<Hold>,
    /// How much of its limits is used.
    pub rates: Vec<RateUse>,
    /// Calls under way.
    pub calls: u64,
    /// The most of them.
    pub max_calls: u64,
    /// How long a part-full call waits for company, in milliseconds.
    pub linger_ms: u64,
    /// When a call last returned, in milliseconds since 1970; 0: never.
    pub last_return_ms: i64,
    /// Items that would go with the next call if nothing were in their way.
    pub next: u64,
    /// The most items of a call.
    pub max_items: u64,
}

/// Why an item that waits has not gone yet: the first thing that is in its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum WaitReason {
    /// It may not go before then.
    Delayed {
        /// Until then, in milliseconds since 1970.
        until_ms: i64,
        /// The code of what it is delayed for.
        cause: Option<String>,
    },
    /// The provider works on an earlier request for it, and would refuse this one.
    UnderWay,
    /// The target, or its kind of items, is held.
    Held {
        /// What, since and until when, by whom, why.
        #[serde(flatten)]
        hold: Hold,
    },
    /// As many calls are under way as may be.
    Calls {
        /// The most calls.
        max: u64,
    },
    /// A window has no room for the next call.
    Rate {
        /// Which, and when it gets some.
        #[serde(flatten)]
        rate: RateUse,
    },
    /// A part-full call waits for company.
    Linger {
        /// Until then, in milliseconds since 1970.
        until_ms: i64,
    },
    /// Nothing: it goes when those before it have gone and a worker asks.
    Turn,
}

impl InspectQueue {
    /// How a target stands. `limits` are those in force, `linger_ms` what is configured.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn standing(
        &self,
        target: &Target,
        limits: &Limits,
        linger_ms: u64,
    ) -> Result<Standing, QueueError> {
        let mut redis = self.store.manager();
        let rates: Vec<_> =
            limits.rates.iter().filter(|rate| rate.unit != RateUnit::Polls).cloned().collect();
        let last_return = redis.hget(self.store.keys().stats(target), "last_return").await?;
        let max_items = u64::from(limits.call.max_items.get());
        Ok(Standing {
            at_ms: self.store.now_ms().await?,
            holds: self.holds(target).await?,
            rates: self.rates(target, &rates).await?,
            calls: redis.zcard(self.store.keys().leases(target)).await? as u64,
            max_calls: u64::from(limits.max_in_flight.get()),
            linger_ms,
            last_return_ms: last_return.and_then(|text| text.parse().ok()).unwrap_or_default(),
            next: self.store.pending(target).await?.min(max_items),
            max_items,
        })
    }
}

impl Standing {
    /// Why an item of this kind that waits under this record has not gone yet.
    #[must_use]
    pub fn reason(&self, kind: Kind, record: &Record) -> WaitReason {
        if record.cause.as_deref() == Some("under-way") {
            return WaitReason::UnderWay;
        }
        if let Some(until_ms) = record.due_ms.filter(|due| *due > self.at_ms) {
            return WaitReason::Delayed { until_ms, cause: record.cause.clone() };
        }
        // A hold that is no kind's name holds everything.
        let holds = |hold: &&Hold| hold.name.parse::<Kind>().map_or(true, |held| held == kind);
        if let Some(hold) = self.holds.iter().find(holds) {
            return WaitReason::Held { hold: hold.clone() };
        }
        if self.calls >= self.max_calls {
            return WaitReason::Calls { max: self.max_calls };
        }
        let full = |rate: &&RateUse| {
            let counts_calls = rate.rate.starts_with(RateUnit::Calls.as_str());
            let needed = if counts_calls { 1 } else { self.next.clamp(1, rate.max.max(1)) };
            rate.used + needed > rate.max
        };
        if let Some(rate) = self.rates.iter().find(full) {
            return WaitReason::Rate { rate: rate.clone() };
        }
        let until_ms = record.since_ms.saturating_add_unsigned(self.linger_ms);
        let lingers = self.next < self.max_items && self.last_return_ms <= record.since_ms;
        if self.calls > 0 && lingers && until_ms > self.at_ms {
            return WaitReason::Linger { until_ms };
        }
        WaitReason::Turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(text: &str) -> Record {
        let job = purgeline_core::JobId::from_idempotency_key("a");
        Record::parse("k", &format!("lane=normal/url since=1000 attempts=0 {text} spill=0 jobs={job}"))
            .unwrap()
    }

    fn hold(name: &str) -> Hold {
        Hold { name: name.to_owned(), until_ms: None, since_ms: 1, by: None, why: "x".to_owned() }
    }

    #[test]
    fn the_first_thing_in_the_way_is_told() {
        let url = |standing: &Standing, text: &str| standing.reason(Kind::Url, &record(text));
        let plain = "due=0 cause=-";
        let mut standing = Standing {
            at_ms: 1_050,
            max_calls: 2,
            linger_ms: 100,
            next: 3,
            max_items: 10,
            ..Standing::default()
        };
        assert_eq!(url(&standing, plain), WaitReason::Turn);
        standing.calls = 1;
        assert_eq!(url(&standing, plain), WaitReason::Linger { until_ms: 1_100 });
        standing.last_return_ms = 1_001;
        assert_eq!(url(&standing, plain), WaitReason::Turn, "a call has returned since");
        let rate = |name: &str, used, max| RateUse {
            rate: name.to_owned(),
            used,
            max,
            window_ms: 1_000,
            frees_ms: Some(1_900),
        };
        standing.rates = vec![rate("calls-1000ms", 4, 5), rate("items-1000ms", 58, 60)];
        assert_eq!(url(&standing, plain), WaitReason::Rate { rate: rate("items-1000ms", 58, 60) });
        standing.calls = 2;
        assert_eq!(url(&standing, plain), WaitReason::Calls { max: 2 });
        standing.holds = vec![hold("dir"), hold("throttled")];
        assert_eq!(url(&standing, plain), WaitReason::Held { hold: hold("throttled") });
        assert_eq!(standing.reason(Kind::Dir, &record(plain)), WaitReason::Held { hold: hold("dir") });
        let cause = Some("http-503".to_owned());
        assert_eq!(url(&standing, "due=1100 cause=http-503"), WaitReason::Delayed { until_ms: 1_100, cause });
        assert_eq!(url(&standing, "due=9999 cause=under-way"), WaitReason::UnderWay);
    }
}
