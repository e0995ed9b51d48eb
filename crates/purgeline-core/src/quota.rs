use crate::{Kind, config::QuotaConfig};
use jiff::{Timestamp, tz::Offset};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// Items in the provider's day, counted over all targets of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// The kind that is counted; `None`: items of all kinds together.
    #[serde(default)]
    pub kind: Option<Kind>,
    /// The most in a day; `None`: it is no fixed figure, the provider's answers tell. Until one has,
    /// nothing bounds.
    #[serde(default)]
    pub max: Option<NonZeroU32>,
    /// The hour of UTC offset by which the provider counts days, -12 to 14: 8 for UTC+8.
    pub day_utc_offset_hours: i8,
    /// Whether the bound holds for each host apart.
    #[serde(default)]
    pub per_host: bool,
    /// The configuration asks for it, so that it holds even where the provider says that more is
    /// left. A provider's documented figure gives way to what its answers say of the account.
    #[serde(default)]
    pub configured: bool,
}

/// One day of a quota.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QuotaDay {
    /// Its date: `2026-01-31`. Part of a Redis key.
    pub day: String,
    /// When it begins, in milliseconds since 1970.
    pub from_ms: i64,
    /// When the next begins, in milliseconds since 1970.
    pub till_ms: i64,
}

const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;

impl Quota {
    /// The name under which it is counted in Redis: `urls`, `dirs-per-host`, `items`.
    #[must_use]
    pub fn name(&self) -> String {
        name(self.kind, self.per_host)
    }

    /// The provider's day before, of and after a time; those that a calendar has.
    #[must_use]
    pub fn days_around(&self, now: Timestamp) -> Vec<QuotaDay> {
        let offset_ms = i64::from(self.day_utc_offset_hours) * HOUR_MS;
        let today = now.as_millisecond().saturating_add(offset_ms).div_euclid(DAY_MS);
        (today - 1..=today + 1)
            .filter_map(|day| {
                let from_ms = day * DAY_MS - offset_ms;
                // Its name is the date of the UTC day that begins as many hours later.
                let date = Offset::UTC.to_datetime(Timestamp::from_millisecond(day * DAY_MS).ok()?).date();
                Some(QuotaDay { day: date.to_string(), from_ms, till_ms: from_ms + DAY_MS })
            })
            .collect()
    }
}

impl QuotaConfig {
    /// The [name](Quota::name) of the quota that it asks for.
    #[must_use]
    pub fn name(&self) -> String {
        name(self.kind, self.per_host)
    }

    /// Puts it in the place of what the provider declares of the same kind; of two that are asked
    /// for, the smaller one bounds.
    pub(crate) fn put_into(&self, quotas: &mut Vec<Quota>) {
        let day = quotas.iter().find(|quota| quota.kind == self.kind).or(quotas.first());
        let asked = self.day_utc_offset_hours.map(|hours| hours.0);
        let day_utc_offset_hours = asked.or(day.map(|quota| quota.day_utc_offset_hours)).unwrap_or(0);
        let same = |quota: &Quota| quota.kind == self.kind && quota.per_host == self.per_host;
        let before = quotas.iter().find(|quota| quota.configured && same(quota));
        let max = before.and_then(|quota| quota.max).map_or(self.max, |max| max.min(self.max));
        quotas.retain(|quota| !same(quota));
        quotas.push(Quota {
            kind: self.kind,
            max: Some(max),
            day_utc_offset_hours,
            per_host: self.per_host,
            configured: true,
        });
    }
}

fn name(kind: Option<Kind>, per_host: bool) -> String {
    let items = kind.map_or_else(|| "items".to_owned(), |kind| format!("{kind}s"));
    if per_host { format!("{items}-per-host") } else { items }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::UtcOffsetHours;

    fn quota(hours: i8) -> Quota {
        Quota {
            kind: Some(Kind::Url),
            max: NonZeroU32::new(100),
            day_utc_offset_hours: hours,
            per_host: false,
            configured: false,
        }
    }

    #[test]
    fn days_begin_at_the_providers_midnight() {
        let now: Timestamp = "2026-01-01T16:00:00Z".parse().unwrap();
        let days = quota(8).days_around(now);
        let names: Vec<_> = days.iter().map(|day| day.day.as_str()).collect();
        assert_eq!(names, ["2026-01-01", "2026-01-02", "2026-01-03"]);
        assert_eq!(days[1].from_ms, now.as_millisecond());
        assert_eq!(days[1].till_ms, days[2].from_ms);
        let before = Timestamp::from_millisecond(now.as_millisecond() - 1).unwrap();
        assert_eq!(quota(8).days_around(before)[1].day, "2026-01-01");
        let west = quota(-8).days_around("2026-01-01T07:59:59Z".parse().unwrap());
        assert_eq!((west[1].day.as_str(), west[1].till_ms - west[1].from_ms), ("2025-12-31", DAY_MS));
        assert_eq!(quota(14).days_around(Timestamp::MAX).len(), 1, "no calendar goes on");
    }

    #[test]
    fn what_is_asked_for_takes_the_place_of_what_is_declared() {
        let mut quotas = vec![quota(8), Quota { kind: Some(Kind::Dir), ..quota(8) }];
        let asked = |kind, max| QuotaConfig {
            kind,
            max: NonZeroU32::new(max).unwrap(),
            per_host: false,
            day_utc_offset_hours: None,
        };
        asked(Some(Kind::Url), 40).put_into(&mut quotas);
        asked(Some(Kind::Url), 60).put_into(&mut quotas);
        asked(None, 50).put_into(&mut quotas);
        let found: Vec<_> =
            quotas.iter().map(|quota| (quota.name(), quota.max.unwrap().get(), quota.configured)).collect();
        let expected = [("dirs", 100, false), ("urls", 40, true), ("items", 50, true)];
        assert_eq!(found, expected.map(|(name, max, configured)| (name.to_owned(), max, configured)));
        assert!(quotas.iter().all(|quota| quota.day_utc_offset_hours == 8), "the provider's day");
        let mut none = Vec::new();
        let hours = UtcOffsetHours::try_from(-3).ok();
        QuotaConfig { day_utc_offset_hours: hours, ..asked(None, 1) }.put_into(&mut none);
        assert_eq!(none[0].day_utc_offset_hours, -3);
    }
}
