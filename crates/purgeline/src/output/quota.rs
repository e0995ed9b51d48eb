use super::Human;
use purgeline_ops::{
    QuotaForecast, QuotaStatus,
    text::{Span, Time},
};
use purgeline_queue::QuotaUse;
use std::fmt;

impl fmt::Display for Human<'_, QuotaStatus> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let QuotaUse { name, host, day, turns_ms, max, spent, left, told_ms, .. } = &self.0.quota;
        write!(f, "{name}")?;
        if let Some(host) = host {
            write!(f, " {host}")?;
        }
        match (max, left) {
            (Some(max), Some(left)) => {
                write!(f, ": {spent} of {max} spent on {day}, {left} left")?;
                match self.0.urgent_only() {
                    0 => {}
                    urgent => write!(f, ", {urgent} of them for urgent items only")?,
                }
            }
            _ => write!(f, ": {spent} spent on {day}, of how many the provider has not said")?,
        }
        if let Some(told) = told_ms {
            write!(f, " (the provider's count of {})", Time(*told))?;
        }
        write!(f, "; turns {}, in {}", Time(*turns_ms), Span(self.0.turns_in_ms()))?;
        match self.0.forecast() {
            QuotaForecast::Unknown => Ok(()),
            QuotaForecast::Spent => write!(f, "; nothing goes until then"),
            QuotaForecast::UrgentOnly => write!(f, "; only urgent items go until then"),
            QuotaForecast::Ends { rate, at_ms } => {
                let (items, within) = (rate.items, Span(rate.within_ms));
                write!(f, "; at the present rate, {items} in {within}, it ends {}", Time(at_ms))
            }
            QuotaForecast::Lasts { rate } => {
                let (items, within) = (rate.items, Span(rate.within_ms));
                write!(f, "; at the present rate, {items} in {within}, it lasts until then")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use purgeline_core::Kind;
    use purgeline_queue::{QuotaRate, QuotaUse};

    const NOON: i64 = 1_767_268_800_000; // 2026-01-01T12:00:00Z

    fn shown(left: Option<u64>, items: u64, ends_ms: Option<i64>) -> String {
        let quota = QuotaUse {
            name: "urls".into(),
            kind: Some(Kind::Url),
            host: None,
            day: "2026-01-01".into(),
            turns_ms: NOON + 14_400_000,
            max: left.map(|_| 500),
            reserve: left.map_or(0, |_| 50),
            spent: 500 - left.unwrap_or(380),
            left,
            told_ms: None,
            rate: Some(QuotaRate { items, within_ms: 3_540_000 }),
            ends_ms,
        };
        Human(&QuotaStatus { quota, now_ms: NOON }).to_string()
    }

    #[test]
    fn a_quota_is_told_with_its_forecast() {
        let told = [
            shown(Some(380), 60, Some(NOON + 7_200_000)),
            shown(Some(380), 3, None),
            shown(Some(380), 0, None),
            shown(Some(50), 60, Some(NOON)),
            shown(Some(0), 60, Some(NOON)),
            shown(None, 60, None),
        ];
        insta::assert_snapshot!(told.join("\n"), @"
        urls: 120 of 500 spent on 2026-01-01, 380 left, 50 of them for urgent items only; turns 2026-01-01 16:00:00Z, in 4 h 0 min; at the present rate, 60 in 59 min 0 s, it ends 2026-01-01 14:00:00Z
        urls: 120 of 500 spent on 2026-01-01, 380 left, 50 of them for urgent items only; turns 2026-01-01 16:00:00Z, in 4 h 0 min; at the present rate, 3 in 59 min 0 s, it lasts until then
        urls: 120 of 500 spent on 2026-01-01, 380 left, 50 of them for urgent items only; turns 2026-01-01 16:00:00Z, in 4 h 0 min
        urls: 450 of 500 spent on 2026-01-01, 50 left, 50 of them for urgent items only; turns 2026-01-01 16:00:00Z, in 4 h 0 min; only urgent items go until then
        urls: 500 of 500 spent on 2026-01-01, 0 left; turns 2026-01-01 16:00:00Z, in 4 h 0 min; nothing goes until then
        urls: 120 spent on 2026-01-01, of how many the provider has not said; turns 2026-01-01 16:00:00Z, in 4 h 0 min
        ");
    }

    #[test]
    fn one_of_a_host_names_it_and_what_was_told_says_when() {
        let quota = QuotaUse {
            name: "dirs-per-host".into(),
            kind: Some(Kind::Dir),
            host: Some("img.example.com".into()),
            day: "2026-01-01".into(),
            turns_ms: NOON + 60_000,
            max: Some(10),
            reserve: 0,
            spent: 4,
            left: Some(6),
            told_ms: Some(NOON - 1_000),
            rate: None,
            ends_ms: None,
        };
        insta::assert_snapshot!(Human(&QuotaStatus { quota, now_ms: NOON }), @"dirs-per-host img.example.com: 4 of 10 spent on 2026-01-01, 6 left (the provider's count of 2026-01-01 11:59:59Z); turns 2026-01-01 12:01:00Z, in 1 min 0 s");
    }
}
