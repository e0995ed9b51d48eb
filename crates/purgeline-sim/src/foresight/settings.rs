//! What can be set of a simulated Foresight Mobile Platform server.

use secrecy::SecretString;
use serde::Deserialize;

use crate::error::StartError;
use crate::sim::{Options, Sim};

use super::Foresight;

/// A simulated server with one user. The default follows seed 000; its token is invented.
///
/// Durations are milliseconds of the simulator's clock unless they say otherwise.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ForesightSettings {
    /// The user's token. How a real one is got is not documented.
    pub token: SecretString,
    /// What stands before the token.
    pub prefix: TokenPrefix,
    /// The resources that there are; absent has any.
    pub resources: Option<Vec<String>>,
    /// The user's devices, each of which has a cache.
    pub devices: Vec<String>,
    /// How long a refresh takes when no fate says otherwise; 0 succeeds at once, in the answer.
    pub processing_ms: u64,
    /// Whether a task that is being worked on is `STARTED`. The seed knows only `PENDING`.
    pub show_started: bool,
    /// What is answered about a task that does not exist, or is forgotten.
    pub unknown_task: UnknownTask,
    /// How long a result is remembered after its end, seconds: a day, as Celery does.
    pub result_life_s: u64,
}

/// What stands before the token in `Authorization`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenPrefix {
    /// `Bearer`, as in the seed's commands.
    #[default]
    Bearer,
    /// Nothing, as in the trace of the seed's refresh.
    None,
}

/// What is answered about a task that does not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownTask {
    /// `PENDING`: Celery cannot tell it from one that has not begun.
    #[default]
    Pending,
    /// HTTP 404.
    NotFound,
}

// === impl ForesightSettings ===

impl Default for ForesightSettings {
    fn default() -> Self {
        Self {
            token: "sim-token".into(),
            prefix: TokenPrefix::default(),
            resources: None,
            devices: vec!["sim-device".into()],
            processing_ms: 5_000,
            show_started: false,
            unknown_task: UnknownTask::default(),
            result_life_s: 86_400,
        }
    }
}

impl ForesightSettings {
    /// Starts the simulator at a free port of 127.0.0.1, on the machine's clock.
    ///
    /// # Errors
    /// If no port can be had.
    pub async fn start(self) -> Result<Sim, StartError> {
        self.start_with(Options::default()).await
    }

    /// Starts the simulator.
    ///
    /// # Errors
    /// If the address cannot be listened at.
    pub async fn start_with(self, options: Options) -> Result<Sim, StartError> {
        Sim::start(Foresight::new(self), options).await
    }
}
