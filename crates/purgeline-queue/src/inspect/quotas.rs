use crate::{InspectQueue, QueueError, QuotaPolicy, policy::DatedQuota};
use purgeline_core::{Item, Kind, Priority, Target};
use redis::AsyncTypedCommands;
use serde::Serialize;
use std::collections::HashMap;

/// A day's quota as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QuotaUse {
    /// Its name in Redis: `urls`, `dirs-per-host`, `items`.
    pub name: String,
    /// The kind that is counted; `None`: all together.
    pub kind: Option<Kind>,
    /// The host whose own it is.
    pub host: Option<String>,
    /// The provider's date: `2026-01-31`.
    pub day: String,
    /// When the next day begins, in milliseconds since 1970.
    pub turns_ms: i64,
    /// Items a day; `None`: nothing is known to bound them.
    pub max: Option<u64>,
    /// Of them, those that only urgent items may use.
    pub reserve: u64,
    /// Items that were let go, as far as is known.
    pub spent: u64,
    /// Items that may still go, the reserve included.
    pub left: Option<u64>,
    /// When the provider last said what is left, in milliseconds since 1970.
    pub told_ms: Option<i64>,
    /// What the forecast is computed from: the present rate.
    pub rate: Option<QuotaRate>,
    /// When all but the reserve is spent at that rate, in milliseconds since 1970; `None`: not before the
    /// day turns. In the past: it is.
    pub ends_ms: Option<i64>,
}

/// How fast a quota is being spent: the items of the last hour, or of the day if that is younger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct QuotaRate {
    /// Items let go.
    pub items: u64,
    /// In so many milliseconds: from the beginning of one of the day's ten minutes until now.
    pub within_ms: i64,
}

/// Why an item waits for another day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QuotaWait {
    /// The quota that has nothing left for it.
    pub quota: String,
    /// When the next day begins, in milliseconds since 1970.
    pub until_ms: i64,
}

/// Hosts shown of a quota that counts by host: those with the most items.
const HOSTS: usize = 20;
/// What let-go items are summed by, as in quota.lua.
const TEN_MINUTES_MS: i64 = 600_000;
/// Those before the present ones that make the present rate.
const TENS: i64 = 5;

impl InspectQueue {
    /// The quotas of the day at a target's account: spent, left, and when they end at the present
    /// rate. Of those by host, the hosts with the most items.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn quotas(&self, target: &Target, policy: &QuotaPolicy) -> Result<Vec<QuotaUse>, QueueError> {
        let mut uses = self.account_quotas(target, policy).await?;
        uses.extend(self.host_quotas(target, policy).await?);
        Ok(uses)
    }

    /// The same without those by host.
    pub(crate) async fn account_quotas(
        &self,
        target: &Target,
        policy: &QuotaPolicy,
    ) -> Result<Vec<QuotaUse>, QueueError> {
        let now = self.store.now_ms().await?;
        let mut uses = Vec::new();
        for quota in policy.on_day(self.store.given_or_own_time()).iter().filter(|quota| !quota.per_host) {
            let Some(day) = quota.today(now) else { continue };
            let fields =
                self.store.manager().hgetall(self.store.keys().quota(target, &quota.name, day)).await?;
            uses.extend(quota.read(&fields, now));
        }
        Ok(uses)
    }

    async fn host_quotas(&self, target: &Target, policy: &QuotaPolicy) -> Result<Vec<QuotaUse>, QueueError> {
        let now = self.store.now_ms().await?;
        let mut uses = Vec::new();
        for quota in policy.on_day(self.store.given_or_own_time()).iter().filter(|quota| quota.per_host) {
            let Some(day) = quota.today(now) else { continue };
            let fields =
                self.store.manager().hgetall(self.store.keys().quota(target, &quota.name, day)).await?;
            let mut hosts: Vec<_> =
                fields.iter().filter_map(|(host, n)| Some((n.parse().ok()?, host))).collect();
            hosts.sort_by_key(|(spent, host): &(u64, _)| (std::cmp::Reverse(*spent), *host));
            let of_host = |(spent, host): (u64, &String)| quota.of_host(host, spent, now);
            uses.extend(hosts.into_iter().take(HOSTS).filter_map(of_host));
        }
        Ok(uses)
    }

    /// Which quota an item of that priority waits for; `None`: none keeps it.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn quota_wait(
        &self,
        target: &Target,
        policy: &QuotaPolicy,
        item: &Item,
        priority: Priority,
    ) -> Result<Option<QuotaWait>, QueueError> {
        let now = self.store.now_ms().await?;
        for quota in policy.on_day(self.store.given_or_own_time()) {
            if quota.kind.is_some_and(|kind| kind != item.kind()) {
                continue;
            }
            let Some(day) = quota.today(now) else { continue };
            let key = self.store.keys().quota(target, &quota.name, day);
            let found = match item.host().filter(|_| quota.per_host) {
                Some(host) => {
                    let spent = self.store.manager().hget(key, host).await?;
                    quota.of_host(host, spent.and_then(|text| text.parse().ok()).unwrap_or(0), now)
                }
                None if quota.per_host => None,
                None => quota.read(&self.store.manager().hgetall(key).await?, now),
            };
            if let Some(found) = found.filter(|quota| !quota.lets_go(priority)) {
                return Ok(Some(QuotaWait { quota: found.name, until_ms: found.turns_ms }));
            }
        }
        Ok(None)
    }
}

impl QuotaUse {
    /// Whether one more item of that priority may go.
    #[must_use]
    pub fn lets_go(&self, priority: Priority) -> bool {
        let kept = if priority == Priority::Urgent { 0 } else { self.reserve };
        self.left.is_none_or(|left| left > kept)
    }
}

impl DatedQuota {
    fn read(&self, fields: &HashMap<String, String>, now: i64) -> Option<QuotaUse> {
        let number = |name: &str| fields.get(name).and_then(|text| text.parse::<u64>().ok());
        let told = number("max");
        let own = self.max.map(u64::from);
        // As in quota.lua: a configured one holds whatever the provider says.
        let max = if self.configured { [told, own].into_iter().flatten().min() } else { told.or(own) };
        let mut found = self.shown(max, number("spent").unwrap_or(0), now)?;
        found.told_ms = fields.get("told_at").and_then(|text| text.parse().ok());
        let from_ms = self.today(now)?.from_ms;
        let present = (now - from_ms) / TEN_MINUTES_MS;
        let first = (present - TENS).max(0);
        let items = (first..=present).filter_map(|ten| number(&format!("10m:{ten}"))).sum();
        // The first minutes of a day say little of its rate.
        let within_ms = (now - from_ms - first * TEN_MINUTES_MS).max(TEN_MINUTES_MS);
        found.rate = Some(QuotaRate { items, within_ms });
        found.ends_ms = found.end(now);
        Some(found)
    }

    fn of_host(&self, host: &str, spent: u64, now: i64) -> Option<QuotaUse> {
        let found = self.shown(self.max.map(u64::from), spent, now)?;
        Some(QuotaUse { host: Some(host.to_owned()), ..found })
    }

    fn shown(&self, max: Option<u64>, spent: u64, now: i64) -> Option<QuotaUse> {
        let day = self.today(now)?;
        Some(QuotaUse {
            name: self.name.clone(),
            kind: self.kind,
            host: None,
            day: day.day.clone(),
            turns_ms: day.till_ms,
            max,
            reserve: max.map_or(0, |max| max * u64::from(self.reserve_percent) / 100),
            spent,
            left: max.map(|max| max.saturating_sub(spent)),
            told_ms: None,
            rate: None,
            ends_ms: None,
        })
    }
}

impl QuotaUse {
    fn end(&self, now: i64) -> Option<i64> {
        let left = self.left?.saturating_sub(self.reserve);
        if left == 0 {
            return Some(now);
        }
        let QuotaRate { items, within_ms } = self.rate.filter(|rate| rate.items > 0)?;
        let ms = i128::from(left) * i128::from(within_ms) / i128::from(items);
        let end = i64::try_from(i128::from(now) + ms).ok()?;
        (end < self.turns_ms).then_some(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use purgeline_core::{CallLimits, Limits, Quota};
    use std::{collections::BTreeMap, num::NonZeroU32};

    const NOON: i64 = 1_767_268_800_000; // 2026-01-01T12:00:00Z

    fn quota(max: Option<u32>, configured: bool) -> DatedQuota {
        let one = NonZeroU32::MIN;
        let call = CallLimits {
            max_items: one,
            max_of_kind: BTreeMap::new(),
            mix_kinds: false,
            max_hosts: None,
            max_bytes: None,
        };
        let max = max.and_then(NonZeroU32::new);
        let quota =
            Quota { kind: Some(Kind::Url), max, day_utc_offset_hours: 0, per_host: false, configured };
        let limits =
            Limits { call, rates: Vec::new(), max_in_flight: one, max_tasks: None, quotas: vec![quota] };
        QuotaPolicy::new(&limits, 10).on_day(jiff::Timestamp::from_millisecond(NOON).unwrap()).remove(0)
    }

    fn read(quota: &DatedQuota, fields: &[(&str, u64)], now: i64) -> QuotaUse {
        let fields = fields.iter().map(|(name, number)| ((*name).to_owned(), number.to_string())).collect();
        quota.read(&fields, now).unwrap()
    }

    #[test]
    fn the_forecast_is_made_from_the_last_hour() {
        // Of the ten minutes that began at noon, and of the five before; not of earlier ones.
        let fields = [("spent", 100), ("10m:72", 10), ("10m:71", 20), ("10m:67", 30), ("10m:66", 40)];
        let found = read(&quota(Some(200), false), &fields, NOON + 600_000 - 1);
        assert_eq!(found.rate, Some(QuotaRate { items: 60, within_ms: 3_599_999 }));
        assert_eq!((found.left, found.reserve), (Some(100), 20));
        // 80 more at 60 an hour: 80 minutes.
        assert_eq!(found.ends_ms, Some(NOON + 600_000 - 1 + 4_799_998));
        let slow = [("spent", 100), ("10m:72", 1)];
        assert_eq!(read(&quota(Some(200), false), &slow, NOON).ends_ms, None, "the day turns before");
        assert_eq!(read(&quota(Some(200), false), &[], NOON).ends_ms, None, "nothing goes");
        let spent = read(&quota(Some(200), false), &[("spent", 180)], NOON);
        assert_eq!(spent.ends_ms, Some(NOON));
        assert!(!spent.lets_go(Priority::Normal) && spent.lets_go(Priority::Urgent));
    }

    #[test]
    fn a_young_day_is_not_taken_for_a_fast_one() {
        let midnight = quota(None, false).today(NOON).unwrap().from_ms;
        let found = read(&quota(Some(100), false), &[("spent", 9), ("10m:0", 9)], midnight + 1);
        assert_eq!(found.rate, Some(QuotaRate { items: 9, within_ms: 600_000 }));
    }

    #[test]
    fn what_the_provider_says_gives_way_only_to_the_configuration() {
        let told = [("max", 500), ("spent", 7), ("told_at", 5)];
        for (max, configured, expected) in
            [(None, false, 500), (Some(100), false, 500), (Some(100), true, 100), (Some(900), true, 500)]
        {
            let found = read(&quota(max, configured), &told, NOON);
            assert_eq!((found.max, found.told_ms), (Some(expected), Some(5)));
        }
        let unknown = read(&quota(None, false), &[("spent", 7)], NOON);
        assert_eq!((unknown.max, unknown.left, unknown.reserve), (None, None, 0));
        assert!(unknown.lets_go(Priority::Bulk));
    }
}
