//! The request log: every call with its times, readable at any moment and waitable.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::clock::nanos;
use crate::record::{CallKind, CallRecord, Item, ItemRecord, Outcome};

/// How long [`Sim::wait_for`](crate::Sim::wait_for) waits before it says that it waited in vain.
pub const WAIT_BOUND: Duration = Duration::from_secs(30);

/// All calls so far, in order of arrival. A snapshot costs one pointer a call.
#[derive(Clone, Debug, Default)]
pub struct CallLog {
    calls: Vec<Arc<CallRecord>>,
    stats: Stats,
}

/// Running totals of a log. `items_*` count items of purge and prefetch calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Calls that have arrived.
    pub arrived: u64,
    /// Calls that have ended, in any way.
    pub ended: u64,
    /// Calls held at the simulator right now.
    pub held: u64,
    /// Calls refused because a limit in a window was reached.
    pub limited: u64,
    /// Purge calls that have arrived.
    pub purge_calls: u64,
    /// Status calls that have arrived.
    pub status_calls: u64,
    /// Items in purge calls, each as often as it was asked.
    pub items_asked: u64,
    /// Items in purge calls that an answer took.
    pub items_accepted: u64,
    /// Items in purge calls that an answer refused.
    pub items_refused: u64,
    /// Different items among the accepted ones.
    pub items_distinct: u64,
    /// Calls ended, by the provider's code.
    pub codes: BTreeMap<String, u64>,
}

/// The most that arrived in any window of a length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Busiest {
    /// Most calls in one window.
    pub calls: u64,
    /// Most items in one window; not necessarily the same window.
    pub items: u64,
}

/// What [`Sim::wait_for`](crate::Sim::wait_for) waited for did not come.
#[derive(Debug, thiserror::Error)]
#[error(
    "the log did not reach the awaited state within {} s; {state}",
    WAIT_BOUND.as_secs()
)]
pub struct WaitError {
    state: String,
}

/// The log as the server writes it.
#[derive(Debug)]
pub(crate) struct Recorder {
    inner: Mutex<Inner>,
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Inner {
    log: CallLog,
    distinct: HashSet<Item>,
}

// === impl CallLog ===

impl CallLog {
    /// All calls, in order of arrival.
    #[must_use]
    pub fn calls(&self) -> &[Arc<CallRecord>] {
        &self.calls
    }

    /// The totals; costs nothing to read.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The calls of one kind, in order of arrival.
    pub fn of_kind(&self, kind: CallKind) -> impl Iterator<Item = &Arc<CallRecord>> {
        self.calls.iter().filter(move |c| c.kind == kind)
    }

    /// The purge calls that carry an item of this name, in order of arrival.
    pub fn carrying(&self, name: &str) -> impl Iterator<Item = &Arc<CallRecord>> {
        self.of_kind(CallKind::Purge).filter(move |c| c.carries(name))
    }

    /// The most that arrived in any window of length `window`, among the calls that `count` picks.
    /// The window is half open, like the one that [`Rate`](crate::Rate) enforces, so that a log
    /// that stays within the rate here is one that no provider with that rate refuses.
    #[must_use]
    pub fn busiest(&self, window: Duration, count: impl Fn(&CallRecord) -> bool) -> Busiest {
        let window = nanos(window).max(1);
        let picked: Vec<&CallRecord> = self.calls.iter().map(AsRef::as_ref).filter(|c| count(c)).collect();
        let (mut oldest, mut items, mut busiest) = (0, 0, Busiest::default());
        for (i, call) in picked.iter().enumerate() {
            items += call.items.len() as u64;
            while call.arrived_ns - picked[oldest].arrived_ns >= window {
                items -= picked[oldest].items.len() as u64;
                oldest += 1;
            }
            busiest.calls = busiest.calls.max((i + 1 - oldest) as u64);
            busiest.items = busiest.items.max(items);
        }
        busiest
    }
}

// === impl Recorder ===

impl Recorder {
    pub(crate) fn new() -> Self {
        Self { inner: Mutex::default(), changed: watch::Sender::new(()) }
    }

    /// Adds a call and gives its place. The caller keeps the order of arrival.
    pub(crate) fn arrived(&self, mut call: CallRecord) -> u64 {
        let mut inner = self.inner.lock();
        let seq = inner.log.calls.len() as u64;
        call.seq = seq;
        let stats = &mut inner.log.stats;
        stats.arrived += 1;
        stats.limited += u64::from(call.limited);
        match call.kind {
            CallKind::Purge => {
                stats.purge_calls += 1;
                stats.items_asked += call.items.len() as u64;
            }
            CallKind::Status => stats.status_calls += 1,
            CallKind::Prefetch | CallKind::Token | CallKind::Other => {}
        }
        inner.log.calls.push(Arc::new(call));
        drop(inner);
        self.changed.send_replace(());
        seq
    }

    pub(crate) fn held(&self, seq: u64, held: bool) {
        self.change(seq, |call, stats| {
            if call.held != held {
                call.held = held;
                if held {
                    stats.held += 1;
                } else {
                    stats.held -= 1;
                }
            }
        });
    }

    /// Says which of the call's items were taken, in the call's order.
    pub(crate) fn decided(&self, seq: u64, accepted: impl Fn(usize, &ItemRecord) -> bool) {
        let mut inner = self.inner.lock();
        let Inner { log, distinct } = &mut *inner;
        let Some(call) = at(&mut log.calls, seq) else {
            return;
        };
        for (i, item) in call.items.iter_mut().enumerate() {
            item.accepted = Some(accepted(i, item));
        }
        if call.kind == CallKind::Purge {
            log.stats.items_refused += call.refused() as u64;
            for item in call.items.iter().filter(|i| i.accepted == Some(true)) {
                log.stats.items_accepted += 1;
                if !distinct.contains(&item.item) {
                    distinct.insert(item.item.clone());
                    log.stats.items_distinct += 1;
                }
            }
        }
        drop(inner);
        self.changed.send_replace(());
    }

    pub(crate) fn ended(&self, seq: u64, outcome: Outcome) {
        self.change(seq, |call, stats| {
            stats.ended += 1;
            *stats.codes.entry(outcome.code.to_string()).or_default() += 1;
            call.outcome = Some(outcome);
        });
    }

    pub(crate) fn snapshot(&self) -> CallLog {
        self.inner.lock().log.clone()
    }

    /// What a call asks to purge.
    pub(crate) fn items(&self, seq: u64) -> Vec<Item> {
        let inner = self.inner.lock();
        let call = usize::try_from(seq).ok().and_then(|place| inner.log.calls.get(place));
        call.map(|call| call.items.iter().map(|i| i.item.clone()).collect()).unwrap_or_default()
    }

    /// Up to `limit` calls from place `from` on.
    pub(crate) fn page(&self, from: usize, limit: usize) -> Vec<Arc<CallRecord>> {
        let inner = self.inner.lock();
        let calls = inner.log.calls.iter().skip(from).take(limit);
        calls.cloned().collect()
    }

    pub(crate) fn stats(&self) -> Stats {
        self.inner.lock().log.stats.clone()
    }

    pub(crate) async fn wait_for(&self, reached: impl Fn(&CallLog) -> bool) -> Result<CallLog, WaitError> {
        let mut changed = self.changed.subscribe();
        let watching = async {
            loop {
                {
                    let inner = self.inner.lock();
                    if reached(&inner.log) {
                        return inner.log.clone();
                    }
                }
                // An error means that the recorder is gone, and it lives as long as `self`.
                let _ = changed.changed().await;
            }
        };
        tokio::time::timeout(WAIT_BOUND, watching)
            .await
            .map_err(|_| WaitError { state: format!("it holds {:?}", self.stats()) })
    }

    fn change(&self, seq: u64, change: impl FnOnce(&mut CallRecord, &mut Stats)) {
        let mut inner = self.inner.lock();
        let CallLog { calls, stats } = &mut inner.log;
        if let Some(call) = at(calls, seq) {
            change(call, stats);
        }
        drop(inner);
        self.changed.send_replace(());
    }
}

fn at(calls: &mut [Arc<CallRecord>], seq: u64) -> Option<&mut CallRecord> {
    let place = usize::try_from(seq).ok()?;
    calls.get_mut(place).map(Arc::make_mut)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::*;

    fn call(arrived_ms: u64, items: usize) -> CallRecord {
        let item = |i: usize| ItemRecord { item: Item::url(&format!("http://a/{i}")), accepted: None };
        CallRecord {
            seq: 0,
            arrived_ns: arrived_ms * 1_000_000,
            arrived_ms: 0,
            kind: CallKind::Purge,
            endpoint: Cow::Borrowed("POST /"),
            items: (0..items).map(item).collect(),
            options: BTreeMap::new(),
            limited: false,
            fault: None,
            held: false,
            outcome: None,
        }
    }

    #[test]
    fn totals_follow_the_calls() {
        let recorder = Recorder::new();
        for _ in 0..2 {
            let seq = recorder.arrived(call(0, 3));
            recorder.decided(seq, |i, _| i != 1);
        }
        let stats = recorder.stats();
        assert_eq!((stats.purge_calls, stats.items_asked, stats.items_accepted), (2, 6, 4));
        assert_eq!((stats.items_refused, stats.items_distinct), (2, 2));
    }

    proptest! {
        /// Beside the plain definition: every window that begins at an arrival.
        #[test]
        fn busiest_is_the_fullest_window(
            steps in prop::collection::vec((0_u64..50, 0_usize..6), 0..120),
        ) {
            let recorder = Recorder::new();
            let mut now = 0;
            let mut plain = Vec::new();
            for (step, items) in steps {
                now += step;
                plain.push((now, items as u64));
                recorder.arrived(call(now, items));
            }
            let window = |from: u64| plain.iter().filter(move |(t, _)| (from..from + 100).contains(t));
            let expected = Busiest {
                calls: plain.iter().map(|(t, _)| window(*t).count() as u64).max().unwrap_or(0),
                items: plain.iter().map(|(t, _)| window(*t).map(|(_, n)| n).sum()).max().unwrap_or(0),
            };
            prop_assert_eq!(recorder.snapshot().busiest(Duration::from_millis(100), |_| true), expected);
        }
    }
}
