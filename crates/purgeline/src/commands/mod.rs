//! One file a command: its arguments, what it does, what it answers.

pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod dead;
#[cfg(feature = "demo")]
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod enqueue;
pub(crate) mod job;
#[cfg(feature = "demo")]
pub(crate) mod sim;
pub(crate) mod target;
pub(crate) mod top;
pub(crate) mod url;
pub(crate) mod worker;

pub(crate) use completions::CompletionsArgs;
pub(crate) use config::ConfigArgs;
pub(crate) use dead::DeadArgs;
#[cfg(feature = "demo")]
pub(crate) use demo::DemoArgs;
pub(crate) use doctor::DoctorArgs;
pub(crate) use enqueue::EnqueueArgs;
pub(crate) use job::JobArgs;
#[cfg(feature = "demo")]
pub(crate) use sim::SimArgs;
pub(crate) use target::TargetArgs;
pub(crate) use top::TopArgs;
pub(crate) use url::UrlArgs;
pub(crate) use worker::WorkerArgs;
