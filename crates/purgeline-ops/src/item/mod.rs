//! How an item fares at each target.

pub(crate) mod explain;
mod status;

pub use explain::{ItemState, Wait};
pub use status::{ItemAtTarget, ItemInBatch, ItemStatus, WaitingAtTarget};

use crate::{Ops, OpsError};
use purgeline_core::{Action, Item, TargetName};
use purgeline_providers::ConfiguredTarget;

/// How items fare; see [`Ops::items`].
#[derive(Clone, Copy, Debug)]
pub struct Items<'a> {
    ops: &'a Ops,
}

impl<'a> Items<'a> {
    pub(crate) const fn new(ops: &'a Ops) -> Self {
        Self { ops }
    }

    /// How an item fares at each target that serves its host; or at `target` alone. `action`: the
    /// one that was asked for.
    ///
    /// # Errors
    /// [`OpsError::UnknownTarget`]; [`OpsError::NotServed`] when no target serves the item; when
    /// Redis cannot be asked.
    pub async fn status(
        &self,
        item: &Item,
        action: Action,
        target: Option<&TargetName>,
    ) -> Result<ItemStatus, OpsError> {
        let targets: Vec<&ConfiguredTarget> = match target {
            Some(name) => vec![self.ops.target(name)?],
            None => self.ops.targets.iter().filter(|target| target.serves(item)).collect(),
        };
        if targets.is_empty() {
            return Err(OpsError::NotServed { item: item.to_string() });
        }
        let mut status = ItemStatus { item: item.name(action), targets: Vec::new() };
        for target in targets {
            status.targets.push(ItemAtTarget::read(&self.ops.queue, target, item, action).await?);
        }
        Ok(status)
    }
}
