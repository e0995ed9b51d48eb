use crate::{exit::Exit, refused::RefusedItem};
use purgeline_config::ConfigError;
use purgeline_core::{Cause, TargetName};
use purgeline_ops::{OpsError, UnknownTarget, text::HoldText};
use purgeline_producer::SubmitError;
use purgeline_queue::QueueError;
use purgeline_redis_server::ServerError;
#[cfg(feature = "demo")]
use purgeline_sim::StartError;
use purgeline_worker::WorkerError;
use serde::Serialize;
use std::io;
use thiserror::Error;

/// Why a command ended without doing what it was asked.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// The configuration cannot be used.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// The private redis-server does not run.
    #[error("{0}")]
    Server(#[from] ServerError),
    /// The queue refused, or Redis could not be asked.
    #[error("{0}")]
    Queue(#[from] QueueError),
    /// Items were refused, and so the whole job.
    #[error("{}", crate::refused::message(.0))]
    Refused(Vec<RefusedItem>),
    /// The request cannot be submitted as it is.
    #[error("{0}")]
    Submit(SubmitError),
    /// The command line's input cannot be used.
    #[error("{0}")]
    Input(String),
    /// What was asked for is not there.
    #[error("{0}")]
    NotThere(String),
    /// It stands in the way of what was asked.
    #[error("{0}")]
    NotDone(String),
    /// A target's provider did not answer what it was asked.
    #[error("target {target}: {cause}")]
    Provider {
        /// The target.
        target: TargetName,
        /// Why not.
        cause: Cause,
    },
    /// A worker cannot run.
    #[error("{0}")]
    Worker(#[from] WorkerError),
    /// A simulator cannot run.
    #[cfg(feature = "demo")]
    #[error("{0}")]
    Sim(#[from] StartError),
    /// The demonstration cannot be shown.
    #[cfg(feature = "demo")]
    #[error("{0}")]
    Demo(Box<dyn std::error::Error + Send + Sync>),
    /// The system refused something.
    #[error("cannot {action}: {source}")]
    System {
        /// What was tried.
        action: &'static str,
        /// The system's reason.
        source: io::Error,
    },
}

/// A failure as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct FailureReport<'a> {
    /// A word for programs.
    error: &'static str,
    /// The process's exit code.
    exit_code: u8,
    /// For people; may hold several lines.
    message: String,
    /// The refused items, all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<&'a [RefusedItem]>,
}

impl Failure {
    /// The exit code that tells it.
    pub(crate) const fn exit(&self) -> Exit {
        self.kind().1
    }

    /// As JSON.
    pub(crate) fn report(&self) -> FailureReport<'_> {
        let (error, exit) = self.kind();
        let refused = match self {
            Self::Refused(items) => Some(items.as_slice()),
            _ => None,
        };
        FailureReport { error, exit_code: exit as u8, message: self.to_string(), refused }
    }

    const fn kind(&self) -> (&'static str, Exit) {
        match self {
            Self::Config(_) | Self::Worker(WorkerError::Target(_) | WorkerError::NoTargets) => {
                ("configuration", Exit::Configuration)
            }
            Self::Server(_) => ("redis", Exit::Redis),
            Self::Queue(error) | Self::Submit(SubmitError::Queue(error)) => kind_of_queue(error),
            Self::Refused(_) => ("refused", Exit::Usage),
            Self::Submit(_) | Self::Input(_) => ("input", Exit::Usage),
            #[cfg(feature = "demo")]
            Self::Sim(_) => ("input", Exit::Usage),
            Self::NotThere(_) => ("not_there", Exit::Failed),
            Self::NotDone(_) => ("not_done", Exit::Failed),
            Self::Provider { .. } => ("provider", Exit::Failed),
            #[cfg(feature = "demo")]
            Self::Demo(_) => ("demo", Exit::Failed),
            Self::Worker(WorkerError::Runtime(_)) | Self::System { .. } => ("system", Exit::Failed),
        }
    }
}

const fn kind_of_queue(error: &QueueError) -> (&'static str, Exit) {
    match error {
        QueueError::Redis(_) => ("redis", Exit::Redis),
        QueueError::NotReplicated { .. } => ("not_replicated", Exit::Redis),
        QueueError::Url(_) => ("configuration", Exit::Configuration),
        QueueError::Full { .. } => ("full", Exit::Full),
        QueueError::Conflict(_) | QueueError::Abandoned(_) | QueueError::Cancelled(_) => {
            ("conflict", Exit::Usage)
        }
        // What Redis holds, or what this program does, is not as it should be.
        QueueError::Malformed { .. } | QueueError::ChunkSize(_) => ("internal", Exit::Failed),
    }
}

impl From<SubmitError> for Failure {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Queue(error) => Self::Queue(error),
            other => Self::Submit(other),
        }
    }
}

/// What the library expects, in the words of the command line.
impl From<OpsError> for Failure {
    fn from(error: OpsError) -> Self {
        match error {
            OpsError::Queue(error) => Self::Queue(error),
            OpsError::NotServed { item } => Self::NotThere(format!(
                "no target serves {item}: look at a target's hosts with `purgeline target list`, or name one with --target"
            )),
            OpsError::UnknownTarget(_) | OpsError::UnknownJob(_) | OpsError::UnknownLetter(_) => {
                Self::NotThere(error.to_string())
            }
            OpsError::WhichLetters => Self::Input(
                "which dead letters? Name them (TARGET/ID, as `purgeline dead list` does), or say what is true \
                 of them (--target, --cause, --host, --job, --older-than, --newer-than), or --all"
                    .to_owned(),
            ),
            OpsError::PausedForLonger { target, hold } => Self::NotDone(format!(
                "{target} is paused for longer already: {}; to pause it otherwise, first `purgeline target resume {target}`",
                HoldText(&hold)
            )),
            OpsError::ResumedMeanwhile(_) => Self::NotDone(error.to_string()),
        }
    }
}

impl From<UnknownTarget> for Failure {
    fn from(error: UnknownTarget) -> Self {
        Self::NotThere(error.to_string())
    }
}
