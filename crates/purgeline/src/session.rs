use crate::{failure::Failure, global::Global};
use purgeline_config::{Layers, Loaded, Secrets, load};
use purgeline_core::{Target, TargetName, config::Config};
use purgeline_providers::ConfiguredTarget;
use purgeline_queue::Queue;
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

    /// The targets as the queue knows them.
    pub(crate) fn identities(&self) -> Vec<Target> {
        self.targets.iter().map(|target| target.target.clone()).collect()
    }

    /// A configured target by name.
    ///
    /// # Errors
    /// When there is none of that name; says which there are.
    pub(crate) fn target(&self, name: &TargetName) -> Result<&ConfiguredTarget, Failure> {
        find_target(&self.targets, name)
    }
}

/// A target by name.
///
/// # Errors
/// When there is none of that name; says which there are.
pub(crate) fn find_target<'a>(
    targets: &'a [ConfiguredTarget],
    name: &TargetName,
) -> Result<&'a ConfiguredTarget, Failure> {
    targets.iter().find(|target| target.target.name == *name).ok_or_else(|| {
        let names: Vec<_> = targets.iter().map(|target| target.target.name.as_str()).collect();
        let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        Failure::NotThere(format!("there is no target \"{name}\"; configured: {known}"))
    })
}
