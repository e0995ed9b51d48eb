use crate::{failure::Failure, global::Global};
use purgeline_config::{Layers, Loaded, Secrets, load};
use purgeline_core::config::Config;
use purgeline_ops::Ops;
use purgeline_providers::ConfiguredTarget;
use purgeline_queue::{Queue, Retention};
use purgeline_redis_server::SharedServer;
use secrecy::SecretString;

/// What a command works with: the configuration, and the queue in the Redis that it names.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) config: Config,
    pub(crate) targets: Vec<ConfiguredTarget>,
    pub(crate) queue: Queue,
    /// The private redis-server, where no `redis.url` is configured. It stays when a command
    /// ends; a worker leaves it.
    pub(crate) server: Option<SharedServer>,
}

impl Session {
    /// Reads the configuration, and joins or starts the private redis-server where there is no
    /// other. Asks nothing of a Redis that is configured.
    ///
    /// # Errors
    /// When the configuration cannot be used, or the private redis-server does not run.
    pub(crate) async fn open(global: &Global, secrets: Secrets) -> Result<Self, Failure> {
        let Loaded { config, targets, .. } = load(&Layers::of_process(global.config.clone()), secrets)?;
        let (url, server) = match &config.redis.url {
            Some(url) => (url.clone(), None),
            None => {
                let server = SharedServer::join(&config.redis.data_dir, config.redis.durability).await?;
                (SecretString::from(server.url()), Some(server))
            }
        };
        let queue = Queue::new(&url, &config.redis)?;
        Ok(Self { config, targets, queue, server })
    }

    /// What an operator asks and does.
    pub(crate) fn ops(&self) -> Ops {
        Ops::new(self.queue.clone(), self.targets.clone(), Retention::from(&self.config.retention))
    }
}
