use super::doctor;
use crate::{
    cli::Global, config::Secrets, exit::Exit, failure::Failure, session::Session, stop::StopSignals,
};
use clap::Args;
use purgeline_queue::{
    Retention,
    server::{Left, SharedServer},
};
use purgeline_worker::Worker;
use std::{sync::Arc, time::Duration};
use tracing::{error, info, warn};

/// The arguments of `purgeline worker`.
#[derive(Debug, Args)]
pub(crate) struct WorkerArgs {
    /// This process's name in Redis and in logs; no two may share one. Default: host, process
    /// and a random part
    #[arg(long, value_parser = clap::builder::NonEmptyStringValueParser::new())]
    name: Option<String>,
}

/// How often it is looked whether the private redis-server lives.
const WATCH: Duration = Duration::from_millis(500);

/// Works until stopped, then leaves the private redis-server if that is what it used.
///
/// # Errors
/// When it cannot start.
pub(crate) async fn run(global: &Global, args: &WorkerArgs) -> Result<Exit, Failure> {
    let mut signals = StopSignals::listen()?;
    let Session { config, targets, queue, server } = Session::open(global, Secrets::Read).await?;
    for concern in doctor::concerns(&queue, &config.redis).await {
        warn!("{concern}");
    }
    let server = server.map(Arc::new);
    let watch = server.clone().map(|server| tokio::spawn(keep_alive(server)));

    let name = args.name.clone().unwrap_or_else(default_name);
    let retention = Retention::from(&config.retention);
    let worker = Worker::new(queue.work(), targets, config.worker, retention, name);
    // The worker alone is connected, until it ends: the last one to leave stops the private server.
    drop(queue);
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let signals = tokio::spawn(async move {
        signals.next().await;
        let _ = stop.send(()); // Fails only if the worker has ended by itself.
        signals.next().await;
        warn!("told to stop twice: ending at once; what was under way goes out again after its lease");
        std::process::exit(130);
    });
    let worked = worker
        .run(async {
            let _ = stopped.await;
        })
        .await;
    signals.abort();
    if let Some(watch) = watch {
        watch.abort();
        // Its share in the server is gone only when it has ended.
        let _ = watch.await;
    }
    if let Some(server) = server.and_then(Arc::into_inner) {
        leave(server).await;
    }
    worked?;
    Ok(Exit::Done)
}

/// Starts the private redis-server again whenever it dies.
async fn keep_alive(server: Arc<SharedServer>) {
    loop {
        tokio::time::sleep(WATCH).await;
        match server.revive().await {
            Ok(false) => {}
            Ok(true) => warn!("the private redis-server had died and was started again"),
            Err(error) => error!(%error, "the private redis-server cannot be started again: {error}"),
        }
    }
}

async fn leave(server: SharedServer) {
    match server.leave().await {
        Ok(Left::Stopped) => info!("the private redis-server is stopped"),
        Ok(Left::InUse) => info!("the private redis-server goes on: other purgeline processes use it"),
        Ok(Left::HasClients(clients)) => {
            info!(clients, "the private redis-server goes on: {clients} other clients are connected");
        }
        Err(error) => warn!(%error, "the private redis-server was not stopped: {error}"),
    }
}

/// A name that no other process has: process ids repeat, on other hosts and in containers.
fn default_name() -> String {
    let host = gethostname::gethostname().to_string_lossy().replace(char::is_whitespace, "-");
    let random = ulid::Ulid::generate().to_string().to_lowercase();
    format!("{host}-{}-{}", std::process::id(), &random[20..])
}
