use crate::{Retention, redis::store::Store};
use purgeline_core::{Action, Item, Lane, Priority, Target};

/// Where an item that somebody wished done like this waits at a target, and what is done to it
/// there; `None` if the target does not take it.
pub type Route<'a> = dyn Fn(&Target, &Item, Action, Priority) -> Option<(Action, Lane)> + Sync + 'a;

/// What came of one try.
pub(super) enum Tried {
    /// It was mended, like this.
    Mended(String),
    /// It was no longer as it had been seen.
    Changed,
    /// It cannot be mended, for this reason.
    Refused(String),
}

/// What a repair works with.
pub(super) struct Repair<'a> {
    pub(super) queue: &'a Store,
    pub(super) targets: &'a [Target],
    pub(super) retention: &'a Retention,
    pub(super) route: &'a Route<'a>,
}
