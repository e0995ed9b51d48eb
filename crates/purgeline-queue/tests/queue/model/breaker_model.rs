//! What must be true of a target's breaker: when it is open, who may try, and what counts.

use super::rules::BREAKER;
use purgeline_queue::{Change, Heard};

/// How a call or a question went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Went {
    Well,
    Down,
    Unauthorised,
}

/// Whoever tries while it is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Probe {
    Batch(String),
    Question { until: i64 },
}

#[derive(Clone, Debug)]
pub(crate) struct Open {
    pub(crate) refused: bool,
    /// When the next probe may go.
    pub(crate) until: i64,
    pub(crate) interval: i64,
    pub(crate) probe: Option<Probe>,
}

/// Who says how something went.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Says<'a> {
    Call { batch: &'a str, is_half: bool },
    Question,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct BreakerModel {
    /// Calls and questions in a row that failed.
    calls: u32,
    questions: u32,
    pub(crate) open: Option<Open>,
}

/// The part of the interval that others wait longer than calls.
fn turn(interval: i64) -> i64 {
    (interval + 9) / 10
}

impl BreakerModel {
    /// Until when something else is not called, whoever is the probe.
    pub(crate) fn waits_until(&self, question: bool) -> Option<i64> {
        let open = self.open.as_ref()?;
        Some(if question { open.until + turn(open.interval) } else { open.until })
    }

    /// Polls were put off, made or not: none of them is the probe any more.
    pub(crate) fn returns_poll(&mut self) {
        if let Some(open) = &mut self.open {
            open.probe.take_if(|probe| matches!(probe, Probe::Question { .. }));
        }
    }

    /// What failed may go after so many ms.
    pub(crate) fn wait(&self, now: i64) -> u64 {
        match &self.open {
            Some(open) if !open.refused => {
                u64::try_from((open.until - now).max(0) + turn(open.interval)).unwrap()
            }
            _ => 0,
        }
    }

    pub(crate) fn hear(&mut self, says: Says<'_>, went: Went, now: i64) -> Heard {
        let (counts, change) = self.takes(says, went, now);
        Heard { counts, wait_ms: self.wait(now), change }
    }

    fn takes(&mut self, says: Says<'_>, went: Went, now: i64) -> (bool, Change) {
        let is_probe = match (says, self.open.as_ref().and_then(|open| open.probe.as_ref())) {
            (Says::Call { batch, .. }, Some(Probe::Batch(probe))) => batch == probe,
            (Says::Question, Some(Probe::Question { .. })) => true,
            _ => false,
        };
        let is_call = matches!(says, Says::Call { .. });
        if went == Went::Well {
            let ends = is_call || if self.open.is_some() { is_probe } else { self.calls == 0 };
            if !ends {
                return (false, Change::None);
            }
            let was_open = std::mem::take(self).open.is_some();
            return (false, if was_open { Change::Closed } else { Change::None });
        }
        let refused = went == Went::Unauthorised;
        if let Some(open) = &mut self.open {
            if !is_probe {
                return (false, Change::None);
            }
            let interval = (open.interval * 2).min(i64::try_from(BREAKER.max_probe_ms).unwrap());
            *open = Open { refused, until: now + interval, interval, probe: None };
            return (false, Change::ProbeFailed);
        }
        let first = self.calls + self.questions == 0;
        if is_call {
            self.calls += 1;
        } else {
            self.questions += 1;
        }
        let opens = refused || self.calls + self.questions >= BREAKER.failures;
        let is_half = matches!(says, Says::Call { is_half: true, .. });
        let counts = !refused && (first || (is_half && !opens));
        if !opens {
            return (counts, Change::None);
        }
        let interval = i64::try_from(BREAKER.probe_ms).unwrap();
        self.open = Some(Open { refused, until: now + interval, interval, probe: None });
        (counts, Change::Opened)
    }
}
