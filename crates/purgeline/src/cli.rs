#[cfg(feature = "demo")]
use crate::commands::{DemoArgs, SimArgs};
use crate::{
    commands::{
        CompletionsArgs, ConfigArgs, DeadArgs, DoctorArgs, EnqueueArgs, JobArgs, TargetArgs, TopArgs,
        UrlArgs, WorkerArgs,
    },
    exit,
    global::Global,
};
use clap::{Parser, Subcommand};

/// A durable purge queue in front of CDN purge APIs.
///
/// Producers enqueue what changed; workers make every cache that holds it forget it, within each
/// provider's limits.
#[derive(Debug, Parser)]
#[command(name = "purgeline", version, after_help = exit::HELP, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What there is to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Send what is enqueued, until stopped
    Worker(WorkerArgs),
    /// Enqueue a purge job
    Enqueue(EnqueueArgs),
    /// Look at jobs, or cancel one
    Job(JobArgs),
    /// Look at items that failed for good, retry or drop them
    Dead(DeadArgs),
    /// Tell how a URL fares: what it waits for, which call it is in, when it was last purged
    Url(UrlArgs),
    /// Look at targets and their queues, pause and resume them
    Target(TargetArgs),
    /// Watch targets, workers and events, live
    Top(TopArgs),
    /// Check configuration, Redis and, with --deep, every record in it
    Doctor(DoctorArgs),
    /// Play a provider's server, to try hooks without an account
    #[cfg(feature = "demo")]
    Sim(SimArgs),
    /// Show the main job at work, on a real Redis, a real Varnish and a simulated CDN
    #[cfg(feature = "demo")]
    Demo(DemoArgs),
    /// Show or check the configuration
    Config(ConfigArgs),
    /// Write a shell's completion script to standard output
    Completions(CompletionsArgs),
}

impl Command {
    /// Whether it runs until it is stopped, so that its log is its voice.
    pub(crate) const fn is_service(&self) -> bool {
        match self {
            Self::Worker(_) => true,
            #[cfg(feature = "demo")]
            Self::Sim(_) => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
