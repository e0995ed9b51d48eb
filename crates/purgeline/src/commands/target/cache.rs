use crate::{exit::Exit, failure::Failure, global::Global, output::table};
use clap::Args;
use purgeline_config::{Layers, Loaded, Secrets, load};
use purgeline_core::{SystemClock, TargetName};
use purgeline_ops::find_target;
use purgeline_providers::CacheEntry;
use purgeline_worker::WorkerError;
use serde::Serialize;
use std::{fmt, sync::Arc};

/// The arguments of `purgeline target cache`.
#[derive(Debug, Args)]
pub(super) struct CacheArgs {
    /// The target's name
    name: TargetName,
}

/// What `purgeline target cache` answers.
#[derive(Debug, Serialize)]
struct Caches {
    target: TargetName,
    caches: Vec<CacheEntry>,
}

/// Asks the provider itself: Redis is not needed, the target's secrets are.
pub(super) async fn run(global: &Global, args: &CacheArgs) -> Result<Exit, Failure> {
    let Loaded { targets, .. } = load(&Layers::of_process(global.config.clone()), Secrets::Read)?;
    let target = find_target(&targets, &args.name)?;
    let client = target.client(Arc::new(SystemClock)).map_err(WorkerError::Target)?;
    let name = target.target.name.clone();
    let caches =
        client.cache_listing().await.map_err(|cause| Failure::Provider { target: name.clone(), cause })?;
    global.output.answer(&Caches { target: name, caches })?;
    Ok(Exit::Done)
}

impl fmt::Display for Caches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.caches.is_empty() {
            return write!(f, "{} has no caches", self.target);
        }
        let mut list = table(&["user", "device", "synchronised", "version", "etag"]);
        for CacheEntry { user, device, sync_datetime, version, etag } in &self.caches {
            let version = version.map_or_else(|| "-".to_owned(), |version| version.to_string());
            list.add_row([user.clone(), device.clone(), sync_datetime.clone(), version, etag.clone()]);
        }
        f.write_str(&list.trim_fmt())
    }
}
