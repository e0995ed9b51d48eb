use super::check::Check;
use crate::{Ops, OpsError, WorkersStatus};
use purgeline_core::TargetName;

/// Looks at who works: for each target some worker must be alive, or nothing of it is sent.
///
/// # Errors
/// When Redis cannot be asked.
pub(super) async fn check(ops: &Ops) -> Result<Check, OpsError> {
    let WorkersStatus { workers, without_worker } = ops.workers().status().await?;
    let idle: Vec<_> = without_worker.iter().map(TargetName::as_str).collect();
    let names: Vec<_> = workers.iter().map(|worker| worker.name.as_str()).collect();
    let alive = match names.len() {
        0 => "none is alive".to_owned(),
        some => format!("{some} alive: {}", names.join(", ")),
    };
    if idle.is_empty() {
        return Ok(Check::good("workers", alive));
    }
    let found = format!("{alive}; none for {}", idle.join(", "));
    Ok(Check::warning(
        "workers",
        found,
        "nothing is sent there until `purgeline worker` runs with this configuration",
    ))
}
