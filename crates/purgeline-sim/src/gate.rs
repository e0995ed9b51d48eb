//! A gate in front of the provider: calls wait at it, oldest first, until a test lets them go.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::record::CallKind;

/// Holds calls after they have arrived (and been counted against the limits) and before they are
/// carried out. Stalled calls (see [`Fault::Stall`](crate::Fault::Stall)) wait here too.
///
/// Held calls show as `held` in the log, so a test waits for
/// `sim.wait_for(|log| log.stats().held == 1)`.
#[derive(Debug, Default)]
pub struct Gate {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Which calls the gate stops; `None` is open.
    closed: Option<Closed>,
    waiting: BTreeMap<u64, oneshot::Sender<()>>,
    /// The simulator has stopped: nobody waits any more.
    shut: bool,
}

#[derive(Clone, Copy, Debug)]
enum Closed {
    All,
    Kind(CallKind),
}

// === impl Gate ===

impl Gate {
    /// From now on every call waits.
    pub fn close(&self) {
        self.state.lock().closed = Some(Closed::All);
    }

    /// From now on calls of this kind wait, others pass.
    pub fn close_for(&self, kind: CallKind) {
        self.state.lock().closed = Some(Closed::Kind(kind));
    }

    /// From now on calls pass; those that wait are let go. Returns how many went.
    pub fn open(&self) -> usize {
        self.state.lock().closed = None;
        self.release(usize::MAX)
    }

    /// Lets the `n` oldest waiting calls go, and leaves the gate as it is. Returns how many went.
    pub fn release(&self, n: usize) -> usize {
        let mut state = self.state.lock();
        let mut released = 0;
        while released < n
            && let Some((_, call)) = state.waiting.pop_first()
        {
            // An error means that the call was given up meanwhile: it is no longer waiting.
            if call.send(()).is_ok() {
                released += 1;
            }
        }
        released
    }

    /// Lets one waiting call go, by its place in the log. Says whether it was waiting.
    pub fn release_call(&self, seq: u64) -> bool {
        let call = self.state.lock().waiting.remove(&seq);
        call.is_some_and(|call| call.send(()).is_ok())
    }

    /// Whether a call of this kind must wait; if so, the signal it waits for.
    pub(crate) fn enter(&self, seq: u64, kind: CallKind) -> Option<oneshot::Receiver<()>> {
        let mut state = self.state.lock();
        let stops = match state.closed {
            None => false,
            Some(Closed::All) => true,
            Some(Closed::Kind(stopped)) => stopped == kind,
        };
        stops.then(|| state.hold(seq))
    }

    /// Lets everything go for good, so that no call outlives its simulator.
    pub(crate) fn shut(&self) {
        let mut state = self.state.lock();
        state.shut = true;
        state.waiting.clear();
    }

    /// Makes a call wait whether the gate is open or not.
    pub(crate) fn hold(&self, seq: u64) -> oneshot::Receiver<()> {
        self.state.lock().hold(seq)
    }
}

impl State {
    fn hold(&mut self, seq: u64) -> oneshot::Receiver<()> {
        let (go, signal) = oneshot::channel();
        if !self.shut {
            self.waiting.insert(seq, go);
        }
        signal
    }
}
