use super::report::Check;
use purgeline_core::TargetName;
use purgeline_providers::ConfiguredTarget;
use purgeline_queue::{InspectQueue, QueueError};

/// Looks at who works: for each target some worker must be alive, or nothing of it is sent.
///
/// # Errors
/// When Redis cannot be asked.
pub(super) async fn check(queue: &InspectQueue, targets: &[ConfiguredTarget]) -> Result<Check, QueueError> {
    let workers = queue.workers().await?;
    let idle: Vec<_> = targets
        .iter()
        .map(|configured| &configured.target.name)
        .filter(|name| !workers.iter().any(|worker| worker.targets.contains(name)))
        .map(TargetName::as_str)
        .collect();
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
