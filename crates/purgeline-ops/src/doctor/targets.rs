use super::check::Check;
use crate::{Ops, text::HoldText};
use purgeline_core::{Action, Item, Lane, Priority, Target};
use purgeline_providers::ConfiguredTarget;
use purgeline_queue::{Mend, Queue, QueueError};

/// Violations that are listed one by one.
const LISTED: usize = 50;

/// Looks at a target's queue.
///
/// # Errors
/// When Redis cannot be asked.
pub(super) async fn checks(queue: &Queue, target: &ConfiguredTarget) -> Result<Vec<Check>, QueueError> {
    let name = &target.target.name;
    let check = format!("target {name}");
    let stats = queue.inspect().stats(&target.target).await?;
    let mut checks = Vec::new();
    let found = format!(
        "{} items wait, {} in batches, {} dead letters",
        stats.pending, stats.in_batches, stats.dead_letters
    );
    let max = target.config.max_pending_items.get();
    checks.push(if stats.pending >= max {
        Check::bad(&check, found, format!("it is full (max_pending_items is {max}): new jobs are refused"))
    } else if stats.dead_letters > 0 {
        Check::warning(&check, found, format!("purgeline dead list --target {name}"))
    } else {
        Check::good(&check, found)
    });
    checks.extend(stats.holds.iter().map(|hold| {
        let advice = "nothing of it is sent meanwhile; it waits and coalesces";
        Check::warning(&check, format!("held: {}", HoldText(hold)), advice)
    }));
    Ok(checks)
}

/// Walks every record and proves that nothing is lost and all is counted once.
///
/// # Errors
/// When Redis cannot be asked.
pub(super) async fn deep(queue: &Queue, targets: &[Target]) -> Result<Vec<Check>, QueueError> {
    let found = queue.audit().verify_twice(targets).await?;
    if found.is_empty() {
        return Ok(vec![Check::good("records", "nothing is lost, all is counted once")]);
    }
    let advice = "`purgeline doctor --repair` mends what can be; please report it, with what `redis-cli` shows under that key";
    let mut checks: Vec<_> = found
        .iter()
        .take(LISTED)
        .map(|violation| Check::bad(format!("records of {}", violation.target), &violation.what, advice))
        .collect();
    if found.len() > LISTED {
        checks.push(Check::bad("records", format!("{} more", found.len() - LISTED), advice));
    }
    Ok(checks)
}

/// Mends what the walk finds.
///
/// # Errors
/// When Redis cannot be asked.
pub(super) async fn repair(ops: &Ops) -> Result<Vec<Mend>, QueueError> {
    let route =
        |target: &Target, item: &Item, wished: Action, priority: Priority| -> Option<(Action, Lane)> {
            let configured = ops.targets.iter().find(|configured| configured.target == *target)?;
            configured.serves(item).then(|| configured.lane(item, wished, priority))
        };
    ops.queue.audit().repair(&ops.identities(), &ops.retention, &route).await
}
